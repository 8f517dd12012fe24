/** The webhook's registration, which goes first: from then on nothing is held, and nobody waits for Canaryhook. */
import type { Cluster } from '../cluster/port.ts'
import { mutatingWebhookConfigurations } from '../cluster/resources.ts'

/** What the API server allows a webhook when its registration says nothing. */
const DEFAULT_TIMEOUT = 10_000

/**
 * @returns how long after this a request may still be answered by the webhook, in milliseconds; undefined when there
 *   was no registration
 * @throws ApiError
 */
export async function removeRegistration(cluster: Cluster, name: string): Promise<number | undefined> {
  const ref = { namespace: '', name }
  const found = await cluster.read(mutatingWebhookConfigurations, ref)
  if (!found) return undefined
  await cluster.remove(mutatingWebhookConfigurations, ref)
  const timeouts = (found.webhooks ?? []).map(({ timeoutSeconds }) =>
    timeoutSeconds === undefined ? DEFAULT_TIMEOUT : timeoutSeconds * 1000,
  )
  return Math.max(0, ...timeouts)
}

/** @throws ApiError */
export async function isRegistered(cluster: Cluster, name: string): Promise<boolean> {
  return (await cluster.read(mutatingWebhookConfigurations, { namespace: '', name })) !== undefined
}
