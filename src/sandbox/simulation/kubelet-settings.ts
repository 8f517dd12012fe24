/** Settings of a simulated kubelet that a real one has in its configuration. */
import type { Cluster } from '@ngrok/webernetes'
import { innerObject, replaceMethod, replaceNumber } from './internals.ts'

type Server = Cluster['servers'][number]

export interface RestartBackoff {
  /** Before the second restart of a container (the first is at once), in milliseconds; doubles each time. */
  readonly initial: number
  readonly most: number
}

/** Sets what a real kubelet calls crashLoopBackOff: 10 s to 300 s there. */
export function setRestartBackoff(server: Server, backoff: RestartBackoff): void {
  const inside = innerObject(server.kubelet, 'crashLoopBackOff')
  replaceNumber(inside, 'defaultDurationMs', backoff.initial)
  replaceNumber(inside, 'maxDurationMs', backoff.most)
}

/**
 * Lifts the limit of 5 image pulls a second. Nothing is pulled here, and with `imagePullPolicy: Always` the
 * limit would fail the eleventh pod of a node as an image that cannot be pulled.
 */
export function liftPullLimit(server: Server): void {
  const puller = innerObject(innerObject(server.containerRuntime, 'imagePuller'), 'puller')
  const limiter = innerObject(innerObject(puller, 'imageService'), 'limiter')
  replaceMethod(limiter, 'tryAccept', () => true)
}

/**
 * Shows CrashLoopBackOff while a container waits for its restart. A status is made before the sync that finds
 * the back-off, and with back-offs of seconds the next sync is the restart itself; so one more is asked for.
 */
export function showCrashLoops(cluster: Cluster, server: Server): void {
  const { kubelet } = server
  const sync = kubelet.containerRuntime.syncPod.bind(kubelet.containerRuntime)
  kubelet.containerRuntime.syncPod = async (context, pod, ...rest) => {
    const result = await sync(context, pod, ...rest)
    const uid = pod.metadata?.uid ?? ''
    const waits = result.syncResults.some(({ error }) => error?.message === 'CrashLoopBackOff')
    const shown = kubelet.statusManager
      .getPodStatus(uid)
      ?.containerStatuses?.some(({ state }) => state?.waiting?.reason === 'CrashLoopBackOff')
    if (waits && !shown) {
      cluster.clock.setTimeout(() => {
        const current = kubelet.podManager.getPodByUid(uid)
        if (current) void kubelet.handlePodSyncs(cluster.ctx, [current])
      }, SHOW_AFTER_MS)
    }
    return result
  }
}

/** Long enough for the sync at hand to end, whose result the next one reads. */
const SHOW_AFTER_MS = 50
