/** Whether a pod fits on a node, and what the scheduler says when it fits on none. Pure. */
import type { V1Node, V1Pod } from '@ngrok/webernetes'
import { parseQuantity } from './resource-quantity.ts'

/** Amounts by resource name, `pods` among them. */
export type Resources = ReadonlyMap<string, number>

/** What a pod asks for. Init containers do not run here and ask for nothing. */
export function requestsOf(pod: V1Pod): Resources {
  const requests = new Map([['pods', 1]])
  for (const { resources } of pod.spec?.containers ?? []) {
    // The API server fills in missing requests from the limits.
    for (const [name, quantity] of Object.entries({ ...resources?.limits, ...resources?.requests })) {
      requests.set(name, (requests.get(name) ?? 0) + (parseQuantity(quantity) ?? 0))
    }
  }
  return requests
}

/** Adds up what several pods ask for. */
export function sumRequests(pods: Iterable<V1Pod>): Resources {
  const sum = new Map<string, number>()
  for (const pod of pods) {
    for (const [name, amount] of requestsOf(pod)) sum.set(name, (sum.get(name) ?? 0) + amount)
  }
  return sum
}

/**
 * @param used what the pods on the node ask for already
 * @returns every reason why the pod cannot run there, in the words of the filter plugins of kube-scheduler
 * (pkg/scheduler/framework/plugins); none when it can
 */
export function obstaclesOn(node: V1Node, pod: V1Pod, used: Resources): readonly string[] {
  if (node.spec?.unschedulable) return ['node(s) were unschedulable']
  if (taintsOf(node).some(taint => !tolerates(pod, taint.key))) {
    return ['node(s) had untolerated taint(s)']
  }
  const labels = node.metadata?.labels ?? {}
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {})
  if (wanted.some(([key, value]) => labels[key] !== value)) {
    return ["node(s) didn't match Pod's node affinity/selector"]
  }
  const free = (name: string) =>
    (parseQuantity(node.status?.allocatable?.[name] ?? 0) ?? 0) - (used.get(name) ?? 0)
  return [...requestsOf(pod)]
    .filter(([name, amount]) => amount > free(name))
    .map(([name]) => (name === 'pods' ? 'Too many pods' : `Insufficient ${name}`))
}

/** The message of PodScheduled=False, as kube-scheduler composes it (framework.FitError). */
export function fitMessage(obstaclesByNode: readonly (readonly string[])[]): string {
  const total = obstaclesByNode.length
  if (total === 0) return 'no nodes available to schedule pods'
  const preemptable = obstaclesByNode.filter(obstacles => obstacles.every(isAboutRoom)).length
  const hopeless = total - preemptable
  const preemption = [
    ...(preemptable > 0 ? [`${preemptable} No preemption victims found for incoming pod`] : []),
    ...(hopeless > 0 ? [`${hopeless} Preemption is not helpful for scheduling`] : []),
  ]
  const reasons = countEach(obstaclesByNode.flat())
  return (
    `0/${total} nodes are available: ${reasons.join(', ')}. ` +
    `preemption: 0/${total} nodes are available: ${preemption.join(', ')}.`
  )
}

function isAboutRoom(obstacle: string): boolean {
  return obstacle.startsWith('Insufficient') || obstacle === 'Too many pods'
}

function countEach(reasons: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort()
}

interface Taint {
  readonly key: string
  readonly effect: string
}

function taintsOf(node: V1Node): readonly Taint[] {
  // webernetes' own type of a node does not know the field; the object keeps it.
  const taints: unknown = node.spec && Reflect.get(node.spec, 'taints')
  const known: readonly Taint[] = Array.isArray(taints) ? taints : []
  return known.filter(({ effect }) => effect !== 'PreferNoSchedule')
}

function tolerates(pod: V1Pod, taintKey: string): boolean {
  return (pod.spec?.tolerations ?? []).some(({ key }) => key === undefined || key === taintKey)
}
