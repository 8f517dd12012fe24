import type { Cluster } from '../../cluster/port.ts'
import { withWritesSentBy } from '../write-options.ts'
import type { Term } from './term.ts'

/**
 * A cluster that is written to only in a term of leadership: nothing is begun when it is over, and what was
 * begun carries the term's permit, which the connection asks once more right before it sends. Reading needs
 * no leadership.
 */
export function fenced(cluster: Cluster, term: Pick<Term, 'write'>): Cluster {
  return withWritesSentBy(cluster, write => term.write(write))
}
