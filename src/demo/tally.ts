/** Who answered the requests, and how. Pure. */

/** One request that was sent through the Service. */
export interface Sample {
  /** When the answer came, in milliseconds. */
  readonly at: number
  /** The version that answered; missing when nobody did (the pod's process was gone). */
  readonly version?: string
  readonly ok: boolean
}

export interface VersionTally {
  readonly version: string
  readonly requests: number
  /** Answered, but with an error. */
  readonly errors: number
}

export interface Tally {
  readonly total: number
  /** By version, in the order of their names. */
  readonly versions: readonly VersionTally[]
  readonly unanswered: number
}

/** Counts the samples of a stretch of time; `to` itself is not in it. */
export function tally(
  samples: readonly Sample[],
  from: number,
  to: number = Number.POSITIVE_INFINITY,
): Tally {
  const within = samples.filter(({ at }) => at >= from && at < to)
  const names = new Set(within.flatMap(({ version }) => version ?? []))
  return {
    total: within.length,
    versions: [...names].sort().map(version => {
      const answers = within.filter(sample => sample.version === version)
      return { version, requests: answers.length, errors: answers.filter(({ ok }) => !ok).length }
    }),
    unanswered: within.filter(({ version }) => version === undefined).length,
  }
}

/** The share of a version in percent; 0 when there were no requests. */
export function shareOf(counted: Tally, version: string): number {
  return percentOf(requestsOf(counted, version), counted.total)
}

export function requestsOf(counted: Tally, version: string): number {
  return counted.versions.find(one => one.version === version)?.requests ?? 0
}

/** Requests that a user would call failed: an error, or no answer at all. */
export function failures(counted: Tally): number {
  return counted.versions.reduce((sum, { errors }) => sum + errors, counted.unanswered)
}

export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100
}
