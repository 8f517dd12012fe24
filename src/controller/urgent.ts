import type { Cluster } from '../cluster/port.ts'
import { withWritesSentBy } from './write-options.ts'

/** The same cluster, whose writes go before those of others when calls are limited. */
export function urgent(cluster: Cluster): Cluster {
  return withWritesSentBy(cluster, write => write({ urgent: true }))
}
