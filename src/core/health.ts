/** What the canary's pods say about its health, in Kubernetes' own words. */
import type { Observation } from './observe.ts'
import { containersOf, lastWords, times, waiting, whose, whyNotReady } from './pod-problem.ts'

export interface Failure {
  /** CamelCase, for machines. */
  readonly reason: string
  readonly message: string
}

/**
 * Why the canary must go at once, whatever the deadline; undefined while it may stay. Image pull errors and
 * unschedulable pods wait for the deadline: they often mend themselves.
 *
 * @param maxRestarts more restarts of one container than this are a failure
 */
export function failureOf(seen: Observation, maxRestarts: number): Failure | undefined {
  for (const pod of seen.pods) {
    for (const container of containersOf(pod)) {
      const restarts = container.restartCount ?? 0
      if (restarts > maxRestarts) {
        const message = `${whose(pod, container, 'canary pod')} restarted ${times(restarts)} (at most ${maxRestarts} allowed)`
        return { reason: 'CanaryRestarted', message: `${message}${lastWords(container)}` }
      }
      if (container.state?.waiting?.reason === 'InvalidImageName') {
        return {
          reason: 'InvalidImageName',
          message: `${whose(pod, container, 'canary pod')}: ${waiting(container)}`,
        }
      }
    }
  }
  return undefined
}

/**
 * Why the canary, or its baseline, is not ready yet, the most telling reason first; for the message of a missed
 * deadline.
 *
 * @param wanted the number of pods of each that should be available
 */
export function explain(
  seen: Observation,
  wanted: { readonly canary: number; readonly baseline: number },
): string {
  const { canary, baseline } = seen
  const isBaselineThere = (baseline?.available ?? 0) >= wanted.baseline
  const also = isBaselineThere ? '' : ` and ${baseline?.available ?? 0} of ${wanted.baseline} baseline pods`
  const ready = `${canary?.available ?? 0} of ${wanted.canary} canary pods${also} are ready`
  const failure = canary?.failure ?? (isBaselineThere ? undefined : baseline?.failure)
  const why = seen.refused ?? failure ?? whyNotReady(seen.pods, 'canary pod')
  return why ? `${ready}: ${why}` : ready
}
