/** Runs Jobs: watches them and their pods, and carries out what job-plan.ts says. */
import type { Cluster, V1Pod } from '@ngrok/webernetes'
import type { Job, JobStore } from './job.ts'
import { type JobPlan, planJob } from './job-plan.ts'

export interface JobControllerOptions {
  /** Before the first retry of a failed pod, in milliseconds; doubles each time. 1 s; 10 s in Kubernetes. */
  readonly retryDelay?: number
}

const DEFAULT_RETRY_DELAY = 1000

/** Starts the controller; it ends with what comes back. */
export function startJobController(
  cluster: Cluster,
  store: JobStore,
  options: JobControllerOptions = {},
): { stop(): Promise<void> } {
  const retryDelay = options.retryDelay ?? DEFAULT_RETRY_DELAY
  const pods = new Map<string, V1Pod>()
  let alarm: { readonly at: number; readonly handle: number } | undefined
  let round: Promise<void> | undefined
  let again = false
  let stopped = false

  const informer = cluster.informer('pods', (change, pod) => {
    const owner = ownerOf(pod)
    if (owner === undefined) return
    const key = keyOf(pod.metadata?.namespace, pod.metadata?.name)
    if (change === 'delete') pods.delete(key)
    else pods.set(key, pod)
    reconcile()
  })
  const unsubscribe = store.onChange(reconcile)
  reconcile()

  /** One round at a time, and one more when something changed during it. */
  function reconcile(): void {
    again = true
    round ??= Promise.resolve().then(runRounds)
  }

  async function runRounds(): Promise<void> {
    try {
      while (again && !stopped) {
        again = false
        await reconcileAll(store.list())
      }
    } finally {
      round = undefined
    }
  }

  async function reconcileAll(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) await attempt(() => reconcileJob(job))
    const uids = new Set(jobs.map(({ metadata }) => metadata.uid))
    for (const pod of pods.values()) {
      // The garbage collector of the simulated cluster knows nothing of Jobs: their pods are ours to delete.
      if (!uids.has(ownerOf(pod) ?? '') && !pod.metadata?.deletionTimestamp)
        await attempt(() => removePod(pod))
    }
  }

  async function reconcileJob(job: Job): Promise<void> {
    if (job.metadata.deletionTimestamp) return
    const own = [...pods.values()].filter(pod => ownerOf(pod) === job.metadata.uid)
    const plan = planJob(job, own, cluster.clock.nowMs(), retryDelay)
    if (plan.expired) return store.remove(job)
    if (plan.wakeAt !== undefined) wakeAt(plan.wakeAt)
    await carryOut(job, own, plan)
  }

  async function carryOut(job: Job, own: readonly V1Pod[], plan: JobPlan): Promise<void> {
    for (const pod of own) {
      if (plan.remove.includes(pod.metadata?.name ?? '')) await removePod(pod)
    }
    for (let made = 0; made < plan.create; made += 1) {
      const { namespace } = job.metadata
      const pod = await cluster.api.corev1.createNamespacedPod({ namespace, body: podOf(job) })
      // Known at once: a second pod must not be made before the informer tells of the first.
      pods.set(keyOf(namespace, pod.metadata?.name), pod)
    }
    const active = (plan.status.active ?? 0) + plan.create
    const status = plan.create > 0 ? { ...plan.status, active } : plan.status
    if (!sameStatus(job.status, status)) await store.writeStatus(job, status)
  }

  async function removePod(pod: V1Pod): Promise<void> {
    const { name = '', namespace = 'default' } = pod.metadata ?? {}
    await cluster.api.corev1.deleteNamespacedPod({ name, namespace })
  }

  /** What fails now (a quota, a pod that is gone already) is tried again soon. */
  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch {
      wakeAt(cluster.clock.nowMs() + retryDelay)
    }
  }

  function wakeAt(time: number): void {
    const now = cluster.clock.nowMs()
    if (stopped || (alarm && alarm.at > now && alarm.at <= time)) return
    if (alarm) cluster.clock.clearTimeout(alarm.handle)
    const handle = cluster.clock.setTimeout(
      () => {
        alarm = undefined
        reconcile()
      },
      Math.max(0, time - now),
    )
    alarm = { at: time, handle }
  }

  return {
    async stop() {
      stopped = true
      unsubscribe()
      if (alarm) cluster.clock.clearTimeout(alarm.handle)
      await informer.stop()
      await round
    },
  }
}

/** The pod of a Job: kubernetes/pkg/controller/job/job_controller.go, and the labels its strategy adds. */
export function podOf(job: Job): V1Pod {
  const { name, namespace, uid } = job.metadata
  const { template } = job.spec
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      generateName: `${name}-`,
      namespace,
      labels: {
        ...template.metadata?.labels,
        'batch.kubernetes.io/controller-uid': uid,
        'batch.kubernetes.io/job-name': name,
        'controller-uid': uid,
        'job-name': name,
      },
      ownerReferences: [owner],
    },
    spec: { restartPolicy: 'Never', containers: [], ...template.spec },
  }
}

function ownerOf(pod: V1Pod): string | undefined {
  return pod.metadata?.ownerReferences?.find(({ kind, controller }) => kind === 'Job' && controller)?.uid
}

function keyOf(namespace = 'default', name = ''): string {
  return `${namespace}/${name}`
}

function sameStatus(left: Job['status'], right: Job['status']): boolean {
  const comparable = (status: Job['status']) =>
    JSON.stringify(
      Object.entries({ active: 0, ready: 0, succeeded: 0, failed: 0, ...status }).toSorted(([a], [b]) =>
        a < b ? -1 : 1,
      ),
    )
  return comparable(left) === comparable(right)
}
