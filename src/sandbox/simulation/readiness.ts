/** The annotation `ready`: keeps containers unready for a time, or for ever, whatever their probes say. */
import type { Cluster } from '@ngrok/webernetes'
import { parseBehaviour } from './behaviour.ts'

type Server = Cluster['servers'][number]
type ProbeManager = Server['kubelet']['probeManager']
type Pod = Parameters<ProbeManager['updatePodStatus']>[1]
type PodStatus = Parameters<ProbeManager['updatePodStatus']>[2]

/**
 * Changes the kubelet of one node. Readiness is computed in two places of a kubelet: when a pod's status is
 * generated, and when a probe reports success; both are held back.
 */
export function holdReadiness(cluster: Cluster, server: Server): void {
  const { kubelet } = server
  const heldContainers = new Set<string>()
  const manager = kubelet.probeManager
  const update = manager.updatePodStatus.bind(manager)
  manager.updatePodStatus = (context, pod, status) => {
    update(context, pod, status)
    holdContainer(pod, status)
  }

  const results = kubelet.readinessManager
  const set = results.set.bind(results)
  results.set = (containerId, result, pod) => {
    const held = result === 'success' && heldContainers.has(containerId.toString())
    return set(containerId, held ? 'failure' : result, pod)
  }

  function holdContainer(pod: Pod, status: PodStatus): void {
    const readyAfter = parseBehaviour(pod.metadata?.annotations ?? {}).behaviour?.readyAfter ?? 0
    if (readyAfter === 0) return
    // As for the other annotations, it is the first container that is meant.
    const name = pod.spec?.containers[0]?.name
    const container = status.containerStatuses?.find(candidate => candidate.name === name)
    const startedAt = container?.state?.running?.startedAt?.getTime()
    if (container?.containerID === undefined || startedAt === undefined) return
    const remaining =
      readyAfter === 'never' ? Number.POSITIVE_INFINITY : startedAt + readyAfter - cluster.clock.nowMs()
    if (remaining <= 0) return
    container.ready = false
    holdUntil(container.containerID, pod, remaining)
  }

  function holdUntil(containerId: string, pod: Pod, remaining: number): void {
    if (heldContainers.has(containerId)) return
    heldContainers.add(containerId)
    if (!Number.isFinite(remaining)) return
    cluster.clock.setTimeout(() => {
      heldContainers.delete(containerId)
      const current = kubelet.podManager.getPodByUid(pod.metadata?.uid ?? '')
      if (current) void kubelet.handlePodSyncs(cluster.ctx, [current])
    }, remaining)
  }
}
