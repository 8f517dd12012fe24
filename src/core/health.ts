/** What the canary's pods say about its health, in Kubernetes' own words. */
import type { ContainerStatus, Pod } from './kubernetes.ts'
import type { Observation } from './observe.ts'

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
        const message = `${whose(pod, container)} restarted ${times(restarts)} (at most ${maxRestarts} allowed)`
        return { reason: 'CanaryRestarted', message: `${message}${lastWords(container)}` }
      }
      if (container.state?.waiting?.reason === 'InvalidImageName') {
        return { reason: 'InvalidImageName', message: `${whose(pod, container)}: ${waiting(container)}` }
      }
    }
  }
  return undefined
}

/**
 * Why the canary is not ready yet, the most telling reason first; for the message of a missed deadline.
 *
 * @param wanted the number of canary pods that should be available
 */
export function explain(seen: Observation, wanted: number): string {
  const ready = `${seen.canary?.available ?? 0} of ${wanted} canary pods are ready`
  const why = seen.refused ?? seen.canary?.failure ?? firstPodProblem(seen.pods)
  return why ? `${ready}: ${why}` : ready
}

function firstPodProblem(pods: readonly Pod[]): string | undefined {
  for (const problem of [unschedulable, notRunning, restarting, notReady]) {
    for (const pod of pods) {
      const said = problem(pod)
      if (said) return said
    }
  }
  return undefined
}

function unschedulable(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find(condition => condition.type === 'PodScheduled')
  if (scheduled?.status !== 'False') return undefined
  return `pod ${pod.metadata.name} cannot be scheduled: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}`
}

const STARTING = new Set(['ContainerCreating', 'PodInitializing'])

function notRunning(pod: Pod): string | undefined {
  const container = containersOf(pod).find(
    ({ state }) => state?.waiting?.reason && !STARTING.has(state.waiting.reason),
  )
  return container && `${whose(pod, container)}: ${waiting(container)}${lastWords(container)}`
}

function restarting(pod: Pod): string | undefined {
  const container = containersOf(pod).find(({ restartCount = 0, ready }) => restartCount > 0 && !ready)
  if (!container) return undefined
  return `${whose(pod, container)} restarted ${times(container.restartCount ?? 0)}${lastWords(container)}`
}

function notReady(pod: Pod): string | undefined {
  const ready = pod.status?.conditions?.find(condition => condition.type === 'Ready')
  if (ready?.status !== 'False') return undefined
  return `pod ${pod.metadata.name} is not ready: ${ready.message ?? ready.reason ?? 'no reason given'}`
}

function containersOf(pod: Pod): readonly ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
}

function whose(pod: Pod, container: ContainerStatus): string {
  return `canary pod ${pod.metadata.name}, container ${container.name}`
}

function waiting(container: ContainerStatus): string {
  const { reason = 'waiting', message } = container.state?.waiting ?? {}
  return message ? `${reason}: ${message}` : reason
}

/** How the container ended the last time: `; last exit: Error, exit code 1: cannot open /etc/shop`. */
function lastWords(container: ContainerStatus): string {
  const ended = container.state?.terminated ?? container.lastState?.terminated
  if (!ended) return ''
  const { reason = 'Error', exitCode, message } = ended
  return `; last exit: ${reason}, exit code ${exitCode}${message ? `: ${message.trim()}` : ''}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
