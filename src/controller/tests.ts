/** The Jobs of tests, and the CronJobs that they are made of. */
import type { Change, Cluster, ObjectRef, Watching } from '../cluster/port.ts'
import { cronJobs, jobs } from '../cluster/resources.ts'
import type { CronJob, Job } from '../core/kubernetes.ts'
import { TRACK_LABEL } from '../core/names.ts'
import { slimCronJob, slimJob } from './slim.ts'

export interface Tests extends Pick<Watching<Job>, 'isSynced' | 'synced' | 'absorb' | 'forget' | 'stop'> {
  cronJob(ref: ObjectRef): CronJob | undefined
  /** Those whose managing controller has this uid. */
  ownedBy(uid: string): readonly Job[]
  list(): readonly Job[]
}

/**
 * Watches the test Jobs and all CronJobs of all namespaces; the CronJobs packed, since hardly any is a test's.
 * @param onJob called for every change of a test Job
 * @param onCronJob called for a CronJob that is new, gone, or makes other Jobs than before
 */
export function watchTests(
  cluster: Cluster,
  onJob: (job: Job) => void,
  onCronJob: (cronJob: CronJob) => void,
): Tests {
  const testJobs = cluster.watch(
    jobs,
    { labelSelector: `${TRACK_LABEL}=test`, slim: slimJob },
    ({ object }) => onJob(object),
  )
  const templates = cluster.watch(cronJobs, { slim: slimCronJob, packed: true }, change => {
    if (!isSame(change)) onCronJob(change.object)
  })
  return {
    cronJob: ref => templates.get(ref),
    ownedBy: uid => testJobs.ownedBy(uid),
    list: () => testJobs.list(),
    absorb: job => testJobs.absorb(job),
    forget: ref => testJobs.forget(ref),
    get isSynced() {
      return testJobs.isSynced && templates.isSynced
    },
    synced: Promise.all([testJobs.synced, templates.synced]).then(() => undefined),
    stop() {
      testJobs.stop()
      templates.stop()
    },
  }
}

/** Its status changes whenever it starts a Job. */
function isSame(change: Change<CronJob>): boolean {
  if (change.type === 'gone' || !change.previous) return false
  return JSON.stringify(change.previous.spec) === JSON.stringify(change.object.spec)
}
