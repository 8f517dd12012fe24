/** What Canaryhook itself is made of and no chart or manifest takes away: what its controllers made. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, type Cluster, type ObjectRef } from '../cluster/port.ts'
import { deployments, leases, pods, secrets } from '../cluster/resources.ts'
import type { LabelSelector } from '../core/kubernetes.ts'

export interface Install {
  readonly namespace: string
  readonly lease: string
  /** Its Deployment; without it nothing is taken away, since controllers that run would make it again. */
  readonly deployment?: string | undefined
  readonly certificateSecret?: string | undefined
}

/**
 * Stops Canaryhook's own processes and removes what they made: the Lease, the Secret with the certificates.
 *
 * @param left milliseconds until it has to be over
 * @returns what could not be done, as sentences with the command to type
 */
export async function removeInstall(
  cluster: Cluster,
  install: Install,
  left: () => number,
): Promise<readonly string[]> {
  const { namespace, lease, deployment, certificateSecret } = install
  if (deployment === undefined) return []
  const remove = `kubectl -n ${namespace} delete lease/${lease}${certificateSecret ? ` secret/${certificateSecret}` : ''}`
  try {
    const ref = { namespace, name: deployment }
    const found = await cluster.read(deployments, ref)
    if (found) {
      if (found.spec.replicas !== 0) {
        await cluster.patch(deployments, ref, { type: 'merge', body: { spec: { replicas: 0 } } }, 'scale')
      }
      const isStopped = await untilNoPods(cluster, ref, found.spec.selector, left)
      if (!isStopped) {
        return [
          `Canaryhook's own pods (deployment ${namespace}/${deployment}) have not stopped yet; when they have: ${remove}`,
        ]
      }
    }
    await cluster.remove(leases, { namespace, name: lease })
    if (certificateSecret !== undefined) await cluster.remove(secrets, { namespace, name: certificateSecret })
    return []
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return [`what Canaryhook made for itself is left: ${error.message}; to remove it: ${remove}`]
  }
}

async function untilNoPods(
  cluster: Cluster,
  { namespace }: ObjectRef,
  { matchLabels = {} }: LabelSelector,
  left: () => number,
): Promise<boolean> {
  const labelSelector = Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join()
  const watching = cluster.watch(pods, { namespace, labelSelector }, () => {})
  try {
    await Promise.race([watching.synced, sleep(left(), undefined, { ref: false })])
    while (left() > 0) {
      if (watching.isSynced && watching.list().length === 0) return true
      await sleep(100)
    }
    return false
  } finally {
    watching.stop()
  }
}
