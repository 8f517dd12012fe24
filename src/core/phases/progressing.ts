import { instant, normal, type Outcome, stamp, stay, turn } from '../decision.ts'
import { printDuration } from '../duration.ts'
import { explain, type Failure, failureOf } from '../health.ts'
import type { Observation } from '../observe.ts'
import { type Stage, stagePosition } from '../plan-expand.ts'
import type { Counts } from '../replicas.ts'
import { type State, withFields } from '../state.ts'
import { canaryFleet, nextCounts, stableField, stagesOf, targetOf } from '../weights.ts'
import { advance, promote } from './advance.ts'
import { failed } from './failed.ts'
import { mend } from './mend.ts'
import { carryOut } from './requests.ts'

/** So often may somebody put N back before the release leaves stable's size alone. */
const MOST_PUT_BACKS = 2

/** The canary runs: bring each stage's weight up, hold it, watch it, go on. */
export function progressing(state: State, seen: Observation, now: number): Outcome {
  if (state.requests?.[0]) return carryOut(state.requests[0], state, now)
  if (seen.template !== state.release) {
    return turn(
      state,
      { phase: 'Pending' },
      normal('TemplateChanged', 'the template was changed: starting over'),
    )
  }
  if (seen.canary && seen.canary.release !== state.release) {
    const message = 'a canary of another version was found: it is ended first'
    return turn(state, { phase: 'Pending' }, normal('OtherCanary', message))
  }
  const failure = obstacle(state, seen)
  if (failure) return failed(state, now, failure)
  if (state.surge === undefined && (state.putBacks ?? 0) >= MOST_PUT_BACKS) {
    const surge = `spec.replicas was put back to ${state.total} ${MOST_PUT_BACKS} times`
    return turn(state, { surge }, normal('Surge', `stable is left at its size from here: ${surge}`))
  }
  const stage = stagesOf(state)[state.step]
  if (!stage) return promote(state, now)

  const target = targetOf(state)
  const next = nextCounts(state, seen, target)
  const fitted = withFields(state, { stable: stableField(state, seen, next.stable) })
  if (stage.waits || state.reached) return hold(fitted, seen, now, stage, target, next)
  return stands(seen, target, next)
    ? reached(fitted, now, stage, target)
    : approach(fitted, seen, now, stage, target, next)
}

function obstacle(state: State, seen: Observation): Failure | undefined {
  if (state.total === 0) return { reason: 'ScaledToZero', message: 'scaled to 0 while the release ran' }
  if (seen.stranger) {
    const message = `a Deployment of the canary's name exists and ${seen.stranger}; rename or delete it, then retry`
    return { reason: 'NameTaken', message }
  }
  return failureOf(seen, state.maxRestarts)
}

/** The canary is all there, and stable may go to its share in the write that says so. */
function stands(seen: Observation, target: Counts, next: Counts): boolean {
  const canary = canaryFleet(seen)
  const allThere = canary.desired === target.canary && canary.available >= target.canary
  return allThere && next.stable === target.stable
}

function reached(state: State, now: number, stage: Stage, target: Counts): Outcome {
  const fields = { reached: stamp(now), unready: undefined }
  if (stage.hold === 0) return turn(state, fields)
  const counts = `${target.canary} canary and ${target.stable} stable pods`
  return turn(state, fields, normal('CanaryWeight', `${stage.label} stands (${counts})`))
}

function approach(
  state: State,
  seen: Observation,
  now: number,
  stage: Stage,
  target: Counts,
  next: Counts,
): Outcome {
  // Where maxSurge cuts a step into slices, each one that stands is progress and has the whole time.
  const progress = next.stable !== seen.replicas && next.stable !== state.applied?.replicas
  const since = progress ? now : instant(state.since, now)
  const due = since + state.deadline * 1000
  if (!state.held && now >= due) return failed(state, now, missed(state, seen, stage, target))
  const going = progress ? withFields(state, { since: stamp(now) }) : state
  return stay(going, { ...fleets(state, seen, next), ...(!state.held && { wakeAt: due }) })
}

/** The weight stands: time passes, or a person is waited for, as long as the canary stays ready. */
function hold(
  state: State,
  seen: Observation,
  now: number,
  stage: Stage,
  target: Counts,
  next: Counts,
): Outcome {
  const wants = fleets(state, seen, next)
  if (canaryFleet(seen).available < target.canary) {
    if (!state.unready) return turn(state, { unready: stamp(now) })
    const due = instant(state.unready, now) + state.deadline * 1000
    if (!state.held && now >= due) return failed(state, now, missed(state, seen, stage, target))
    return stay(state, { ...wants, ...(!state.held && { wakeAt: due }) })
  }
  if (state.unready) return turn(state, { unready: undefined })
  if (stage.waits || state.held) return stay(state, wants)

  const over = instant(state.reached, now) + stage.hold * 1000
  return now >= over ? advance(state, now) : stay(state, { ...wants, wakeAt: over })
}

function fleets(state: State, seen: Observation, next: Counts) {
  return { canary: next.canary === 0 ? ('none' as const) : next.canary, mend: mend(state, seen) }
}

function missed(state: State, seen: Observation, stage: Stage, target: Counts): Failure {
  const after = `not ready within ${printDuration(state.deadline)}`
  const message = `${stagePosition(stage)} (${stage.label}): ${after}: ${explain(seen, target.canary)}`
  return { reason: 'DeadlineExceeded', message }
}
