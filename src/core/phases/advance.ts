import { normal, type Outcome, stamp, turn } from '../decision.ts'
import { type Stage, stagePosition } from '../plan/expand.ts'
import type { State } from '../state.ts'
import { stagesOf } from '../weights.ts'

/** What the state knew of the stage it was at: nothing of it holds when another begins, or none. */
export const STAGE_OVER = {
  reached: undefined,
  unready: undefined,
  attempt: undefined,
  tested: undefined,
  approvals: undefined,
} as const

/** On to the next stage, or to promotion after the last. */
export function advance(state: State, now: number, how = 'every step passed'): Outcome {
  const step = state.step + 1
  const stage = stagesOf(state)[step]
  if (!stage) return promote(state, now, how)
  return turn(
    state,
    { ...STAGE_OVER, step, since: stamp(now) },
    normal('CanaryAdvanced', `${weightOf(stage)} (${stagePosition(stage)}: ${stage.label})`),
  )
}

function weightOf({ target, waits }: Stage): string {
  if (!target) return `canary waits for ${waits === 'approve' ? 'approval' : 'its test'}`
  return 'percent' in target ? `canary weight ${target.percent}%` : `canary ${target.pods} pods`
}

/**
 * The stored template becomes the app: un-paused at the current stable count, with the canary still serving;
 * un-pausing and growing in one write would scale the former version up first.
 */
export function promote(state: State, now: number, how: string): Outcome {
  return turn(
    state,
    {
      phase: 'Promoting',
      ...STAGE_OVER,
      since: stamp(now),
      held: undefined,
      reason: undefined,
      message: undefined,
      failedAt: undefined,
    },
    normal('Promoting', `release ${state.release}: ${how}, rolling it out`),
  )
}
