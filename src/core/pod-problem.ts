/** What keeps a pod from running as it should, in Kubernetes' own words. */
import type { ContainerStatus, Pod } from './kubernetes.ts'

/** What a person calls the pod: the canary's, or a test's. */
export type PodKind = 'canary pod' | 'test pod'

/** Why one of these pods is not ready, the most telling reason of all of them first. */
export function whyNotReady(pods: readonly Pod[], kind: PodKind): string | undefined {
  return firstOf([unschedulable, notRunning, restarting, notReady], pods, kind)
}

/** Why one of these pods does not run. Not being ready is no reason. */
export function whyNotRunning(pods: readonly Pod[], kind: PodKind): string | undefined {
  return firstOf([unschedulable, notRunning, restarting], pods, kind)
}

/** Init containers first. */
export function containersOf(pod: Pod): readonly ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
}

export function whose(pod: Pod, container: ContainerStatus, kind: PodKind): string {
  return `${kind} ${pod.metadata.name}, container ${container.name}`
}

/** What the container waits for: `ErrImagePull: not found`. */
export function waiting(container: ContainerStatus): string {
  const { reason = 'waiting', message } = container.state?.waiting ?? {}
  return message ? `${reason}: ${message}` : reason
}

/** How the container ended the last time: `; last exit: Error, exit code 1: cannot open /etc/shop`. */
export function lastWords(container: ContainerStatus): string {
  const ended = container.state?.terminated ?? container.lastState?.terminated
  if (!ended) return ''
  const { reason = 'Error', exitCode, message } = ended
  return `; last exit: ${reason}, exit code ${exitCode}${message ? `: ${message.trim()}` : ''}`
}

export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

type Problem = (pod: Pod, kind: PodKind) => string | undefined

function firstOf(problems: readonly Problem[], pods: readonly Pod[], kind: PodKind): string | undefined {
  for (const problem of problems) {
    for (const pod of pods) {
      const said = problem(pod, kind)
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

function notRunning(pod: Pod, kind: PodKind): string | undefined {
  const container = containersOf(pod).find(
    ({ state }) => state?.waiting?.reason && !STARTING.has(state.waiting.reason),
  )
  return container && `${whose(pod, container, kind)}: ${waiting(container)}${lastWords(container)}`
}

function restarting(pod: Pod, kind: PodKind): string | undefined {
  const container = containersOf(pod).find(({ restartCount = 0, ready }) => restartCount > 0 && !ready)
  if (!container) return undefined
  return `${whose(pod, container, kind)} restarted ${times(container.restartCount ?? 0)}${lastWords(container)}`
}

function notReady(pod: Pod): string | undefined {
  const ready = pod.status?.conditions?.find(condition => condition.type === 'Ready')
  if (ready?.status !== 'False') return undefined
  return `pod ${pod.metadata.name} is not ready: ${ready.message ?? ready.reason ?? 'no reason given'}`
}
