import { instant, normal, type Outcome, stamp, stay, turn } from '../decision.ts'
import { printDuration } from '../duration.ts'
import { explain, type Failure, failureOf } from '../health.ts'
import type { Observation } from '../observe.ts'
import { type Stage, stagePosition } from '../plan/expand.ts'
import { type Counts, limits } from '../replicas.ts'
import { type State, withFields } from '../state.ts'
import { canaryFleet, nextCounts, stableField, stagesOf, targetOf } from '../weights.ts'
import { advance, promote } from './advance.ts'
import { failed } from './failed.ts'
import { mend } from './mend.ts'
import { carryOut } from './requests.ts'
import { goOverToSurge } from './surge.ts'

/** The canary runs: bring each stage's weight up, hold it, watch it, go on. */
export function progressing(state: State, seen: Observation, now: number): Outcome {
  if (state.requests?.[0]) return carryOut(state.requests[0], state, seen, now)
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
  const surge = goOverToSurge(state, seen)
  if (surge) return surge
  if (state.total === 0 && seen.autoscaler) return asleep(state, seen.autoscaler)
  const failure = obstacle(state, seen)
  if (failure) return failed(state, now, failure)
  if (state.since === undefined) return awake(state, now)
  const stage = stagesOf(state)[state.step]
  if (!stage) return promote(state, now, 'every step passed')

  const target = targetOf(state)
  const next = nextCounts(state, seen, target)
  const fitted = withFields(state, { stable: stableField(state, seen, next.stable) })
  const scene: Scene = { state: fitted, seen, now, stage, target, next }
  if (stage.waits || state.reached) return hold(scene)
  return stands(scene) ? reached(scene) : approach(scene)
}

/**
 * To an autoscaler 0 is a size like any other (KEDA, when nothing is to be done): nothing was rejected, so the
 * release waits at its step, without a canary, and the step begins anew with the first pod.
 */
function asleep(state: State, autoscaler: string): Outcome {
  if (state.since === undefined) return stay(state, { canary: 'none' })
  return turn(
    state,
    { since: undefined, reached: undefined, unready: undefined },
    normal('ScaledToZero', `${autoscaler} scaled to 0: the release waits for the first pod`),
  )
}

function awake(state: State, now: number): Outcome {
  return turn(
    state,
    { since: stamp(now) },
    normal('ScaledUp', `scaled up to ${state.total}: the step begins anew`),
  )
}

/** One stage of a running release, looked at now. */
interface Scene {
  readonly state: State
  readonly seen: Observation
  readonly now: number
  readonly stage: Stage
  /** The pods of each side once the stage stands, and the next move on the way there. */
  readonly target: Counts
  readonly next: Counts
}

function obstacle(state: State, seen: Observation): Failure | undefined {
  if (state.total === 0) return { reason: 'ScaledToZero', message: 'scaled to 0 while the release ran' }
  if (!hasRoom(state, seen)) {
    const message =
      '1 replica with maxSurge 0 leaves no room for a canary; scale up or allow maxSurge: 1, then retry'
    return { reason: 'NoRoom', message }
  }
  if (seen.stranger) {
    const message = `a Deployment of the canary's name exists and ${seen.stranger}; rename or delete it, then retry`
    return { reason: 'NameTaken', message }
  }
  return failureOf(seen, state.maxRestarts)
}

/** Somebody may have scaled, or changed the strategy, since the webhook accepted it (admission/unfit.ts). */
function hasRoom({ total, surge }: State, { strategy }: Observation): boolean {
  return surge !== undefined || total > 1 || limits(total, strategy).ceiling > 1
}

/** The canary is all there, and stable may go to its share in the write that says so. */
function stands({ seen, target, next }: Scene): boolean {
  const canary = canaryFleet(seen)
  const isTold = canary.desired === target.canary && !canary.unsettled
  const allThere = isTold && canary.available >= target.canary
  return allThere && next.stable === target.stable
}

function reached({ state, now, stage, target }: Scene): Outcome {
  const fields = { reached: stamp(now), unready: undefined }
  if (stage.hold === 0) return turn(state, fields)
  const counts = `${target.canary} canary and ${target.stable} stable pods`
  return turn(state, fields, normal('CanaryWeight', `${stage.label} stands (${counts})`))
}

/** On the way to the weight. Where maxSurge cuts it into slices, each one that stands starts the deadline anew. */
function approach(scene: Scene): Outcome {
  const { state, seen, now, next } = scene
  const progress = next.stable !== seen.replicas && next.stable !== state.applied?.replicas
  return progress
    ? waitForPods({ ...scene, state: withFields(state, { since: stamp(now) }) }, stamp(now))
    : waitForPods(scene, state.since)
}

/** The weight stands: time passes, or a person is waited for, as long as the canary stays ready. */
function hold(scene: Scene): Outcome {
  const { state, seen, now, stage, target } = scene
  if (canaryFleet(seen).available < target.canary) {
    return state.unready ? waitForPods(scene, state.unready) : turn(state, { unready: stamp(now) })
  }
  if (state.unready) return turn(state, { unready: undefined })
  if (stage.waits || state.held) return stay(state, fleets(scene))

  const over = instant(state.reached, now) + stage.hold * 1000
  return now >= over ? advance(state, now) : stay(state, { ...fleets(scene), wakeAt: over })
}

/** The canary is not all there: until the deadline, counted from `since`; while a person holds the release, longer. */
function waitForPods(scene: Scene, since: string | undefined): Outcome {
  const { state, now } = scene
  if (state.held) return stay(state, fleets(scene))
  const due = instant(since, now) + state.deadline * 1000
  return now >= due ? failed(state, now, missed(scene)) : stay(state, { ...fleets(scene), wakeAt: due })
}

function fleets({ state, seen, next }: Scene) {
  return { canary: next.canary === 0 ? ('none' as const) : next.canary, mend: mend(state, seen) }
}

function missed({ state, seen, stage, target }: Scene): Failure {
  const after = `not ready within ${printDuration(state.deadline)}`
  const message = `${stagePosition(stage)} (${stage.label}): ${after}: ${explain(seen, target.canary)}`
  return { reason: 'DeadlineExceeded', message }
}
