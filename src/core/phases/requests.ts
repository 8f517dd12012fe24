import { approvalsNeeded } from '../approval.ts'
import { instant, normal, type Outcome, stamp, turn } from '../decision.ts'
import type { Observation } from '../observe.ts'
import { type Request, type State, withFields } from '../state.ts'
import { coversTotal, stagesOf } from '../weights.ts'
import { advance, promote } from './advance.ts'
import { failed } from './failed.ts'

/** Carries out the oldest thing a person asked for while the canary runs, and takes it off the list. */
export function carryOut(request: Request, asked: State, seen: Observation, now: number): Outcome {
  const rest = asked.requests?.slice(1) ?? []
  const state = withFields(asked, { requests: rest.length === 0 ? undefined : rest })
  const { by } = request
  switch (request.command) {
    case 'abort': {
      const because = request.because ? ` (${request.because})` : ''
      return failed(state, now, { reason: 'Aborted', message: `aborted by ${by}${because}` })
    }
    case 'pause':
      return turn(state, { held: { by, since: stamp(now) } }, normal('Paused', `paused by ${by}`))
    case 'resume':
      return turn(resumed(state, now), {}, normal('Resumed', `resumed by ${by}`))
    case 'skip':
      if (isPast(request, state)) return turn(state, {})
      return saying(
        covered(advance(state, now, `the last step was skipped by ${by}`), seen),
        normal('Skipped', `step skipped by ${by}`),
      )
    case 'approve':
      return isPast(request, state) ? turn(state, {}) : approved(state, seen, now, by)
    case 'promote':
      return covered(promote(state, now, `promoted by ${by}`), seen)
    case 'retry':
      return turn(state, {})
  }
}

/** It was meant for a stage that is over: one asked for before it ended that. */
function isPast({ step }: Request, state: State): boolean {
  return step !== undefined && step !== state.step
}

/** One more person approved; the release goes on when they are enough. */
function approved(state: State, seen: Observation, now: number, by: string): Outcome {
  const stage = stagesOf(state)[state.step]
  if (stage?.waits !== 'approve') return turn(state, {})
  const approvals = [...new Set([...(state.approvals ?? []), by])]
  const needed = approvalsNeeded(stage)
  const count = needed > 1 ? ` (${approvals.length} of ${needed})` : ''
  const said = normal('Approved', `approved by ${by}${count}`)
  if (approvals.length < needed) return turn(state, { approvals }, said)
  return saying(covered(advance(state, now), seen), said)
}

/** A promotion that does not wait for the canary begins with stable at its full size, not to end with fewer pods. */
function covered(outcome: Outcome, seen: Observation): Outcome {
  const { state } = outcome
  if (state.phase !== 'Promoting' || state.stable === undefined || coversTotal(state, seen)) return outcome
  return { ...outcome, state: withFields(state, { stable: state.total }) }
}

function saying(outcome: Outcome, said: ReturnType<typeof normal>): Outcome {
  return outcome.kind === 'turn' ? { ...outcome, said: [said, ...outcome.said] } : outcome
}

/** The time it was held for does not count. */
function resumed(state: State, now: number): State {
  const pause = now - instant(state.held?.since, now)
  const later = (time: string | undefined) => time && stamp(instant(time, now) + pause)
  return withFields(state, {
    held: undefined,
    since: later(state.since),
    reached: later(state.reached),
    unready: later(state.unready),
  })
}
