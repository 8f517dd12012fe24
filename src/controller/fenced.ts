import type { Cluster } from '../cluster/port.ts'
import type { Term } from './term.ts'

/**
 * A cluster that is written to only in a term of leadership: nothing is begun when it is over, and what was
 * begun carries the term's permit, which the connection asks once more right before it sends. Reading needs
 * no leadership.
 */
export function fenced(cluster: Cluster, term: Pick<Term, 'write'>): Cluster {
  return {
    watch: (resource, options, onChange) => cluster.watch(resource, options, onChange),
    read: (resource, ref, options) => cluster.read(resource, ref, options),
    create: (resource, namespace, object, options) =>
      term.write(permitted => cluster.create(resource, namespace, object, { ...options, ...permitted })),
    patch: (resource, ref, patch, subresource, options) =>
      term.write(permitted => cluster.patch(resource, ref, patch, subresource, { ...options, ...permitted })),
    remove: (resource, ref, preconditions, options) =>
      term.write(permitted => cluster.remove(resource, ref, preconditions, { ...options, ...permitted })),
    close: () => cluster.close(),
  }
}
