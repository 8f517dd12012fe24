/** ResourceQuota, as far as it counts pods. Pure. */
import type { V1Pod } from '@ngrok/webernetes'
import { parseQuantity } from './resource-quantity.ts'

/** v1 ResourceQuota, as far as it is read. */
export interface ResourceQuota {
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: { readonly hard?: Readonly<Record<string, string | number>> }
}

/** Each counts pods in its own way: `pods` leaves out those that are over, `count/pods` counts every object. */
const COUNTERS: Readonly<Record<string, (pods: readonly V1Pod[]) => number>> = {
  pods: pods =>
    pods.filter(pod => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed').length,
  'count/pods': pods => pods.length,
}

/** The numbers for `status.used` of a quota; only what is counted here. */
export function quotaUsage(quota: ResourceQuota, pods: readonly V1Pod[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.keys(quota.spec?.hard ?? {}).flatMap(resource => {
      const count = COUNTERS[resource]
      return count ? [[resource, String(count(pods))]] : []
    }),
  )
}

/**
 * @param existing every pod of the namespace
 * @returns why one more pod is refused, in the API server's words
 * (apiserver/pkg/admission/plugin/resourcequota/controller.go), or undefined
 */
export function refusalOf(
  podName: string,
  quotas: readonly ResourceQuota[],
  existing: readonly V1Pod[],
): string | undefined {
  for (const quota of quotas) {
    const used = quotaUsage(quota, existing)
    const exceeded = Object.keys(used)
      .sort()
      .filter(resource => Number(used[resource]) + 1 > limitOf(quota, resource))
    if (exceeded.length === 0) continue
    const list = (amount: (resource: string) => string | number) =>
      exceeded.map(resource => `${resource}=${amount(resource)}`).join(',')
    return (
      `pods "${podName}" is forbidden: exceeded quota: ${quota.metadata.name}, ` +
      `requested: ${list(() => 1)}, used: ${list(resource => used[resource] ?? 0)}, ` +
      `limited: ${list(resource => quota.spec?.hard?.[resource] ?? 0)}`
    )
  }
  return undefined
}

function limitOf(quota: ResourceQuota, resource: string): number {
  return parseQuantity(quota.spec?.hard?.[resource] ?? 0) ?? 0
}
