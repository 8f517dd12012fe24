import type { CallOptions, Cluster } from '../cluster/port.ts'

/** Sends a write with options that are added to its own. */
export type Send = <T>(write: (added: CallOptions) => Promise<T>) => Promise<T>

/** The same cluster, each write of which goes through `send`. Reading needs nobody's leave. */
export function withWritesSentBy(cluster: Cluster, send: Send): Cluster {
  return {
    watch: (resource, options, onChange) => cluster.watch(resource, options, onChange),
    read: (resource, ref, options) => cluster.read(resource, ref, options),
    create: (resource, namespace, object, options) =>
      send(added => cluster.create(resource, namespace, object, { ...options, ...added })),
    patch: (resource, ref, patch, subresource, options) =>
      send(added => cluster.patch(resource, ref, patch, subresource, { ...options, ...added })),
    remove: (resource, ref, preconditions, options) =>
      send(added => cluster.remove(resource, ref, preconditions, { ...options, ...added })),
    close: () => cluster.close(),
  }
}
