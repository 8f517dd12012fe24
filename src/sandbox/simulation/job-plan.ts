/**
 * What becomes of one Job: its status, and which pods to make and to delete. Pure; a small part of
 * kubernetes/pkg/controller/job/job_controller.go (no indexes, no pod failure policy, no finalizers).
 */
import type { V1Pod } from '@ngrok/webernetes'
import type { Job, JobCondition, JobStatus } from './job.ts'

export interface JobPlan {
  readonly status: JobStatus
  /** How many pods to make now. */
  readonly create: number
  /** Names of pods to delete now. */
  readonly remove: readonly string[]
  /** The Job's time to live after its end is over. */
  readonly expired: boolean
  /** When to look again without any event, in milliseconds since 1970. */
  readonly wakeAt?: number
}

const DEFAULT_BACKOFF_LIMIT = 6

/**
 * @param pods all pods that this Job controls
 * @param now milliseconds since 1970
 * @param retryDelay before the first retry of a failed pod, in milliseconds; doubles each time
 */
export function planJob(job: Job, pods: readonly V1Pod[], now: number, retryDelay: number): JobPlan {
  const ended = job.status?.conditions?.find(isEnd)
  if (ended) return afterEnd(job, pods, now)

  const at = new Date(now).toISOString()
  const active = pods.filter(isActive)
  const counts = countPods(pods)
  if (job.spec.suspend) {
    const before = job.status?.conditions?.find(({ type }) => type === 'Suspended')
    const why = { reason: 'JobSuspended', message: 'Job suspended' }
    const conditions = [before ?? conditionOf('Suspended', why, at)]
    return { status: { conditions }, create: 0, remove: active.map(nameOf), expired: false }
  }

  const startTime = job.status?.startTime ?? at
  const failure = failureOf(job, pods, counts, startTime, now)
  if (failure) {
    const conditions = (['FailureTarget', 'Failed'] as const).map(type => conditionOf(type, failure, at))
    const status = {
      startTime,
      ...counts,
      active: 0,
      ready: 0,
      failed: counts.failed + active.length,
      conditions,
    }
    return { status, create: 0, remove: active.map(nameOf), expired: false }
  }

  const completions = job.spec.completions ?? 1
  if (counts.succeeded >= completions) {
    const reached = { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    const conditions = (['SuccessCriteriaMet', 'Complete'] as const).map(type =>
      conditionOf(type, reached, at),
    )
    const status = { startTime, completionTime: at, ...counts, conditions }
    return { status, create: 0, remove: active.map(nameOf), expired: false }
  }

  const missing = Math.min(job.spec.parallelism ?? 1, completions - counts.succeeded) - active.length
  const retryAt = retryTime(pods, counts.failed, retryDelay)
  const waits = missing > 0 && retryAt > now
  const wakeAt = earliest(waits ? retryAt : undefined, deadlineOf(job, startTime))
  return {
    status: { startTime, ...counts },
    create: waits ? 0 : Math.max(0, missing),
    remove: [],
    expired: false,
    ...(wakeAt === undefined ? {} : { wakeAt }),
  }
}

function afterEnd(job: Job, pods: readonly V1Pod[], now: number): JobPlan {
  const ttl = job.spec.ttlSecondsAfterFinished
  const end = job.status?.conditions?.find(isEnd)?.lastTransitionTime
  const expiresAt = ttl === undefined || end === undefined ? undefined : Date.parse(end) + ttl * 1000
  return {
    status: job.status ?? {},
    create: 0,
    remove: pods.filter(isActive).map(nameOf),
    expired: expiresAt !== undefined && expiresAt <= now,
    ...(expiresAt === undefined ? {} : { wakeAt: expiresAt }),
  }
}

function countPods(pods: readonly V1Pod[]): {
  active: number
  ready: number
  succeeded: number
  failed: number
} {
  return {
    active: pods.filter(isActive).length,
    ready: pods.filter(pod => isActive(pod) && isReady(pod)).length,
    succeeded: pods.filter(pod => pod.status?.phase === 'Succeeded').length,
    failed: pods.filter(pod => pod.status?.phase === 'Failed').length,
  }
}

interface Reason {
  readonly reason: string
  readonly message: string
}

function failureOf(
  job: Job,
  pods: readonly V1Pod[],
  counts: { readonly failed: number },
  startTime: string,
  now: number,
): Reason | undefined {
  const deadline = deadlineOf(job, startTime)
  if (deadline !== undefined && now >= deadline) {
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  }
  const limit = job.spec.backoffLimit ?? DEFAULT_BACKOFF_LIMIT
  // With restartPolicy OnFailure the kubelet retries in the same pod, and its restarts count.
  const onFailure = job.spec.template.spec?.restartPolicy === 'OnFailure'
  const restarts = onFailure ? pods.filter(isActive).reduce((sum, pod) => sum + restartsOf(pod), 0) : 0
  if (counts.failed > limit || (restarts > 0 && restarts >= limit)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  return undefined
}

function deadlineOf(job: Job, startTime: string): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds
  return seconds === undefined ? undefined : Date.parse(startTime) + seconds * 1000
}

/** When the next pod may be made: at once the first time, later and later after failures. */
function retryTime(pods: readonly V1Pod[], failed: number, retryDelay: number): number {
  if (failed === 0) return 0
  const ends = pods.filter(pod => pod.status?.phase === 'Failed').map(finishedAt)
  return Math.max(...ends) + retryDelay * 2 ** (failed - 1)
}

function finishedAt(pod: V1Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => timeOf(state?.terminated?.finishedAt))
  return Math.max(timeOf(pod.metadata?.creationTimestamp), ...ends)
}

/** Objects that were read back carry dates as text, whatever their type says. */
function timeOf(date: Date | string | undefined): number {
  return date === undefined ? 0 : new Date(date).getTime()
}

function conditionOf(type: JobCondition['type'], why: Reason, at: string): JobCondition {
  return { type, status: 'True', ...why, lastProbeTime: at, lastTransitionTime: at }
}

function isEnd({ type, status }: JobCondition): boolean {
  return status === 'True' && (type === 'Complete' || type === 'Failed')
}

function isActive(pod: V1Pod): boolean {
  const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  return !over && pod.metadata?.deletionTimestamp === undefined
}

function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

function restartsOf(pod: V1Pod): number {
  return (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)
}

function nameOf(pod: V1Pod): string {
  return pod.metadata?.name ?? ''
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
