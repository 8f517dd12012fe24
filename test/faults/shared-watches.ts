/**
 * A layer of the port that makes one watch of a kind for any number of watchers, each of which sees its own
 * namespace. Hundreds of controllers in one process would otherwise hold a thousand connections.
 */
import { createCache, versionOf } from '../../src/cluster/cache/cache.ts'
import type { Change, Cluster, Resource, Watching, WatchOptions } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'

type Listener = (change: Change<KubernetesObject>) => void

/** What the API server selects by; the rest is done here. */
type Selection = Omit<WatchOptions<KubernetesObject>, 'namespace' | 'keep' | 'slim'>

interface Source {
  readonly watching: Watching<KubernetesObject>
  /** By namespace; '' hears of all. */
  readonly listeners: Map<string, Set<Listener>>
}

/** @returns the same cluster; its watches of one kind and label selector share one */
export function sharedWatches(cluster: Cluster): Cluster {
  const sources = new Map<string, Source>()

  function sourceOf(resource: Resource<KubernetesObject>, selection: Selection): Source {
    const key = `${resource.group}/${resource.plural}?${JSON.stringify(selection)}`
    const known = sources.get(key)
    if (known) return known
    const listeners = new Map<string, Set<Listener>>()
    const watching = cluster.watch(resource, selection, change => {
      const { namespace = '' } = change.object.metadata
      for (const listener of listeners.get(namespace) ?? []) listener(change)
      if (namespace !== '') for (const listener of listeners.get('') ?? []) listener(change)
    })
    const source = { watching, listeners }
    sources.set(key, source)
    return source
  }

  function watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions<T>,
    onChange: (change: Change<T>) => void,
  ): Watching<T> {
    const { namespace = '', keep: _keep, slim: _slim, ...selection } = options
    const { watching, listeners } = sourceOf(resource as Resource<KubernetesObject>, selection)
    const cache = createCache(options, onChange)
    let isSynced = false
    const listener: Listener = ({ type, object }) => {
      if (type === 'set') cache.changed(object as T)
      else cache.deleted(object as T)
    }
    const synced = watching.synced.then(() => {
      const objects = (watching.list() as readonly T[]).filter(
        ({ metadata }) => namespace === '' || metadata.namespace === namespace,
      )
      const version = newest(objects)
      cache.listBegins()
      for (const object of objects) cache.listed(object, version)
      cache.listEnds(version)
      listeners.set(namespace, (listeners.get(namespace) ?? new Set()).add(listener))
      isSynced = true
    })
    return {
      synced,
      get isSynced() {
        return isSynced
      },
      get: cache.get,
      list: cache.list,
      ownedBy: cache.ownedBy,
      absorb: cache.absorb,
      forget: cache.forget,
      stop() {
        listeners.get(namespace)?.delete(listener)
      },
    }
  }

  return { ...cluster, watch }
}

/** A version that a list of these objects may have: everything in it had happened by then. */
function newest(objects: readonly KubernetesObject[]): string {
  const versions = objects.map(({ metadata }) => versionOf(metadata.resourceVersion))
  return `${versions.reduce((highest, version) => (version > highest ? version : highest), -1n)}`
}
