/** The ways that a stored state may go, from one write to the next. Pure. */
import type { Phase, State } from '../../src/core/state.ts'

/** One write may carry several turns at once: a retry goes from Failed through Pending to Progressing. */
const NEXT: Readonly<Record<Phase, readonly Phase[]>> = {
  Pending: ['Pending', 'Progressing', 'Promoting', 'Reverting', 'Reverted', 'Failed'],
  Progressing: ['Progressing', 'Promoting', 'Reverting', 'Failed', 'Pending'],
  Promoting: ['Promoting', 'Succeeded', 'Failed', 'Pending'],
  Reverting: ['Reverting', 'Reverted', 'Pending'],
  Failed: ['Failed', 'Pending', 'Progressing', 'Promoting', 'Reverting'],
  Succeeded: ['Succeeded', 'Pending'],
  Reverted: ['Reverted', 'Pending'],
}

/** @returns what is wrong with going from one stored state to the next; '' when nothing is */
export function wrongTurn(before: State | undefined, after: State | undefined): string {
  if (!before) return after && after.phase !== 'Pending' ? `a state began as ${after.phase}` : ''
  if (!after) return `the state of phase ${before.phase} was lost`
  if (!NEXT[before.phase].includes(after.phase)) return `${before.phase} became ${after.phase}`
  const sameRelease = before.phase === 'Progressing' && after.phase === 'Progressing'
  if (sameRelease && before.release === after.release && after.step < before.step) {
    return `step ${before.step + 1} went back to step ${after.step + 1}`
  }
  return ''
}
