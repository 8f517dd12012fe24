/** Names and labels of what Canaryhook makes. */
import { hash } from 'node:crypto'

export const TRACK_LABEL = 'canaryhook.dev/track'
export const OF_LABEL = 'canaryhook.dev/of'
export const RELEASE_LABEL = 'canaryhook.dev/release'
export const FIELD_MANAGER = 'canaryhook'

/** Deployments are named by RFC 1123 subdomains, but their names become pod names and labels: 63. */
const LIMIT = 63

/** A short, stable label value for a name of any length: ten hexadecimal digits. */
export function nameHash(name: string): string {
  return hash('sha256', name, 'hex').slice(0, 10)
}

/** `<name>-canary`, cut and made unique by a hash where that is too long. */
export function canaryName(name: string): string {
  return suffixed(name, 'canary')
}

/** `<name>-baseline`, in the same way. */
export function baselineName(name: string): string {
  return suffixed(name, 'baseline')
}

/** The name of the snapshot for these ReplicaSets: another set of them has another name. */
export function snapshotName(name: string, replicaSetUids: readonly string[]): string {
  return suffixed(name, `stable-${nameHash([...replicaSetUids].sort().join(','))}`)
}

/** `<name>-<suffix>`, cut and made unique by a hash of the name where that is too long. */
export function suffixed(name: string, suffix: string): string {
  const whole = `${name}-${suffix}`
  if (whole.length <= LIMIT) return whole
  const tail = `-${nameHash(name)}-${suffix}`
  return `${name.slice(0, LIMIT - tail.length).replace(/[-.]+$/, '')}${tail}`
}
