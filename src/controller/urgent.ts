import type { Cluster } from '../cluster/port.ts'

/** The same cluster, whose writes go before those of others when calls are limited. */
export function urgent(cluster: Cluster): Cluster {
  return {
    watch: (resource, options, onChange) => cluster.watch(resource, options, onChange),
    read: (resource, ref, options) => cluster.read(resource, ref, options),
    create: (resource, namespace, object, options) =>
      cluster.create(resource, namespace, object, { ...options, urgent: true }),
    patch: (resource, ref, patch, subresource, options) =>
      cluster.patch(resource, ref, patch, subresource, { ...options, urgent: true }),
    remove: (resource, ref, preconditions, options) =>
      cluster.remove(resource, ref, preconditions, { ...options, urgent: true }),
    close: () => cluster.close(),
  }
}
