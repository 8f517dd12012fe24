/** All objects of a kind, to be looked at by namespace: Services and Ingresses, of which an app's may be any. */
import type { Cluster, Resource, Watching, WatchOptions } from '../cluster/port.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'
import type { InNamespace } from '../core/observe.ts'
import { refTo } from './refs.ts'

export interface Namespaced<T> extends Pick<Watching<T>, 'isSynced' | 'synced' | 'stop'> {
  /** Those of a namespace, ours too. All of them are unpacked when somebody first asks for them, and once. */
  of(namespace: string): InNamespace<T>
}

/**
 * Watches a kind in all namespaces, packed: only those of a namespace with a release are looked at.
 * @param slim what is kept of an object
 * @param onChange called for one that is new, gone, or says something else than before
 */
export function watchNamespaced<T extends KubernetesObject>(
  cluster: Cluster,
  resource: Resource<T>,
  slim: (object: T) => T,
  onChange: (object: T, type: 'set' | 'gone') => void,
  options: Pick<WatchOptions<T>, 'optional'> = {},
): Namespaced<T> {
  const names = new Map<string, Set<string>>()
  const watching = cluster.watch(resource, { ...options, slim, packed: true }, change => {
    const { object, type } = change
    const { namespace, name } = refTo(object)
    const here = names.get(namespace) ?? new Set()
    if (type === 'gone') here.delete(name)
    else here.add(name)
    if (here.size === 0) names.delete(namespace)
    else names.set(namespace, here)
    if (change.type === 'gone' || !isSame(change.previous, object)) onChange(object, type)
  })
  return {
    of(namespace) {
      const get = (name: string) => watching.get({ namespace, name })
      let all: readonly T[] | undefined
      return {
        get,
        all() {
          all ??= [...(names.get(namespace) ?? [])].flatMap(name => get(name) ?? [])
          return all
        },
      }
    },
    get isSynced() {
      return watching.isSynced
    },
    synced: watching.synced,
    stop: () => watching.stop(),
  }
}

/** A load balancer's address comes and goes, and annotations change: nothing of it is kept. */
function isSame<T extends KubernetesObject>(before: T | undefined, after: T): boolean {
  return before !== undefined && contentOf(before) === contentOf(after)
}

function contentOf({ metadata, ...content }: KubernetesObject): string {
  const { resourceVersion: _, ...identity } = metadata
  return JSON.stringify([identity, content])
}
