import { type Outcome, turn } from '../decision.ts'
import type { Said } from '../objects.ts'
import type { State } from '../state.ts'
import { STAGE_OVER } from './advance.ts'

/** The release is over: what is left of the state is a record, projected onto nothing. */
export function ended(state: State, phase: 'Succeeded' | 'Reverted', ...said: readonly Said[]): Outcome {
  return turn(
    state,
    {
      phase,
      applied: undefined,
      stable: undefined,
      ...STAGE_OVER,
      since: undefined,
      started: undefined,
      held: undefined,
      requests: undefined,
      putBacks: undefined,
      surge: undefined,
      unprotected: undefined,
    },
    ...said,
  )
}
