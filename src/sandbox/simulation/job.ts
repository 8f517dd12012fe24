/** batch/v1 Job, as far as the simulated Job controller reads and writes it. */
import type { V1PodTemplateSpec } from '@ngrok/webernetes'

export interface JobCondition {
  readonly type: 'Suspended' | 'FailureTarget' | 'Failed' | 'SuccessCriteriaMet' | 'Complete'
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
  readonly lastProbeTime?: string
  readonly lastTransitionTime?: string
}

export interface JobStatus {
  readonly startTime?: string
  readonly completionTime?: string
  readonly active?: number
  readonly ready?: number
  readonly succeeded?: number
  readonly failed?: number
  readonly conditions?: readonly JobCondition[]
}

export interface Job {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly resourceVersion?: string
  }
  readonly spec: {
    readonly template: V1PodTemplateSpec
    readonly completions?: number
    readonly parallelism?: number
    readonly backoffLimit?: number
    readonly activeDeadlineSeconds?: number
    readonly ttlSecondsAfterFinished?: number
    readonly suspend?: boolean
  }
  readonly status?: JobStatus
}

/**
 * Where Jobs live: the simulated cluster itself has none. The API in front of it gives this port to the Job
 * controller.
 */
export interface JobStore {
  /** Every Job of every namespace, as it is now. */
  list(): readonly Job[]
  /** Calls `listener` after any Job was created, changed or deleted, until what comes back is called. */
  onChange(listener: () => void): () => void
  /**
   * Replaces `status` and nothing else, without admission. A Job that is gone, or has another uid, is no error.
   */
  writeStatus(job: Job, status: JobStatus): Promise<void>
  /** Deletes a Job whose ttlSecondsAfterFinished is over. One that is gone is no error. */
  remove(job: Job): Promise<void>
}
