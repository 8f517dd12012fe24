/**
 * What a reflector does next: list, or watch from a version, and after which pause. Pure: the outcome of
 * the last step and a random number go in. The rules are those of client-go's reflector
 * (tools/cache/reflector.go).
 */

export type Outcome =
  | { readonly type: 'listed'; readonly version: string }
  | { readonly type: 'list failed'; readonly retryAfter?: number | undefined }
  /** The cluster does not have this kind of object, and need not. */
  | { readonly type: 'no such kind' }
  /** The watch ran and ended; `version` is the last one seen, `healthy` whether it worked for a while. */
  | { readonly type: 'watch ended'; readonly version: string; readonly healthy: boolean }
  /** It could not be had, or broke, and may go on from where it was: no connection, too many requests. */
  | {
      readonly type: 'watch failed'
      readonly version: string
      readonly healthy: boolean
      readonly retryAfter?: number | undefined
    }
  /** Its version is too old (410 Gone) or unknown to the server: only a new list helps. */
  | { readonly type: 'watch expired'; readonly healthy: boolean }

export interface Course {
  /** Watch from here; list when there is none. */
  readonly version: string | undefined
  /** Milliseconds to wait first. */
  readonly wait: number
  /** Failures since something last worked. */
  readonly failures: number
}

/** Where every reflector starts. */
export const START: Course = { version: undefined, wait: 0, failures: 0 }

/** Pauses in milliseconds: after the first failure, which doubles with each, and the longest. */
export interface Backoff {
  readonly first: number
  readonly longest: number
  /** Until a kind that the cluster does not have is looked for again: somebody may install it. */
  readonly missingKind: number
}

export const BACKOFF: Backoff = { first: 200, longest: 30_000, missingKind: 300_000 }
/** A server that keeps breaking a watch may not know our version any more: a list settles it. */
const WATCH_TRIES = 5

/**
 * @param random from 0 to 1: many reflectors that lost the same server must not come back together
 */
export function nextCourse(
  course: Course,
  outcome: Outcome,
  random: number,
  backoff: Backoff = BACKOFF,
): Course {
  const later = (failures: number, version?: string, retryAfter?: number): Course =>
    afterPause(failures, version, random, retryAfter, backoff)
  switch (outcome.type) {
    case 'listed':
      // Only a watch that works ends a row of failures: else list, 410, list, 410 would run without a pause.
      return { version: outcome.version, wait: 0, failures: course.failures }
    case 'list failed':
      return later(course.failures, undefined, outcome.retryAfter)
    case 'no such kind':
      return { ...START, wait: backoff.missingKind }
    case 'watch ended':
      if (outcome.healthy) return { version: outcome.version, wait: 0, failures: 0 }
      return later(course.failures, outcome.version)
    case 'watch failed': {
      const failures = outcome.healthy ? 0 : course.failures
      const version = failures + 1 < WATCH_TRIES ? outcome.version : undefined
      return later(failures, version, outcome.retryAfter)
    }
    case 'watch expired':
      if (outcome.healthy) return START
      return later(course.failures)
  }
}

/** Exponential, the upper half of it left to chance, and never sooner than the server asked for. */
function afterPause(
  failures: number,
  version: string | undefined,
  random: number,
  retryAfter: number | undefined,
  backoff: Backoff,
): Course {
  const longest = Math.min(backoff.longest, backoff.first * 2 ** failures)
  const wait = Math.max(retryAfter ?? 0, Math.round(longest * (0.5 + random / 2)))
  return { version, wait, failures: failures + 1 }
}
