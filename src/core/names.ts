/** Names and labels of what Canaryhook makes. */
import { hash } from 'node:crypto'

export const TRACK_LABEL = 'canaryhook.dev/track'
export const OF_LABEL = 'canaryhook.dev/of'
export const RELEASE_LABEL = 'canaryhook.dev/release'
export const FIELD_MANAGER = 'canaryhook'

/** Deployments are named by RFC 1123 subdomains, but their names become pod names and labels: 63. */
const LIMIT = 63

/** The labels of what is made for the Deployment of that name: what it is for, and whose it is. */
export function labelsFor(
  track: 'canary' | 'baseline' | 'stable' | 'test',
  name: string,
): Readonly<Record<string, string>> {
  return { [TRACK_LABEL]: track, [OF_LABEL]: nameHash(name) }
}

/** A short, stable label value for a name of any length: ten hexadecimal digits. */
export function nameHash(name: string): string {
  return hash('sha256', name, 'hex').slice(0, 10)
}

/** `<name>-canary`, cut and made unique by a hash where that is too long. */
export function canaryName(name: string): string {
  return suffixed(name, 'canary')
}

/**
 * `<name>-canary` as a Service may be called: RFC 1035, so without dots and not beginning with a digit. A name
 * that had to be changed for that gets the hash too, so that no two apps share one.
 */
export function serviceName(name: string): string {
  const label = name.replaceAll('.', '-')
  const base = /^\d/.test(label) ? `s-${label}` : label
  return base === name ? canaryName(name) : hashed(base, name, 'canary')
}

/** `<name>-baseline`, in the same way as the canary's. */
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
  return whole.length <= LIMIT ? whole : hashed(name, name, suffix)
}

/** `<base>-<hash of the name>-<suffix>`; the base is cut where that is too long. */
function hashed(base: string, name: string, suffix: string): string {
  const tail = `-${nameHash(name)}-${suffix}`
  return `${base.slice(0, LIMIT - tail.length).replace(/[-.]+$/, '')}${tail}`
}
