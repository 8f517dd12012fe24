/** Everything that a watch told, in order: from it any earlier list can be made again. */
import type { Cluster, Resource, WatchOptions } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'

export interface Entry<T> {
  readonly type: 'set' | 'gone'
  readonly object: T
  /** When it came, in milliseconds of performance.now(). */
  readonly at: number
}

export interface History<T> {
  /** Oldest first. */
  readonly entries: readonly Entry<T>[]
  /** Resolves when the first list is among them. */
  readonly synced: Promise<void>
  /** Called for each entry that comes from now on. Returns a function that ends it. */
  follow(listener: () => void): () => void
  stop(): void
}

/** Watches, and remembers it all. */
export function recordHistory<T extends KubernetesObject>(
  cluster: Cluster,
  resource: Resource<T>,
  selection: WatchOptions<T>,
): History<T> {
  const entries: Entry<T>[] = []
  const listeners = new Set<() => void>()
  const watching = cluster.watch(resource, selection, ({ type, object }) => {
    entries.push({ type, object, at: performance.now() })
    for (const listener of listeners) listener()
  })
  return {
    entries,
    synced: watching.synced,
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: watching.stop,
  }
}

/** What a list said after the first `count` entries, and its resource version. */
export function listAfter<T extends KubernetesObject>(
  entries: readonly Entry<T>[],
  count: number,
): { readonly objects: readonly T[]; readonly version: string } {
  const objects = new Map<string, T>()
  let version = 1n
  for (const { type, object } of entries.slice(0, count)) {
    const { namespace, name, resourceVersion = '1' } = object.metadata
    if (type === 'set') objects.set(`${namespace}/${name}`, object)
    else objects.delete(`${namespace}/${name}`)
    if (BigInt(resourceVersion) > version) version = BigInt(resourceVersion)
  }
  return { objects: [...objects.values()], version: String(version) }
}
