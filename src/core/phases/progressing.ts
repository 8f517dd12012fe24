import { approvalsNeeded, nameOf } from '../approval.ts'
import type { AllCounts } from '../baseline-counts.ts'
import { instant, normal, type Outcome, stamp, stay, turn, warning } from '../decision.ts'
import { printDuration } from '../duration.ts'
import { explain, type Failure, failureOf } from '../health.ts'
import type { Observation } from '../observe.ts'
import { type Stage, stagePosition } from '../plan/expand.ts'
import { leavesRoom } from '../replicas.ts'
import { type State, withFields } from '../state.ts'
import {
  baselineFleet,
  canaryFleet,
  isAlone,
  nextCounts,
  stableField,
  stagesOf,
  targetOf,
} from '../weights.ts'
import { advance, promote } from './advance.ts'
import { failed } from './failed.ts'
import { mend } from './mend.ts'
import { carryOut } from './requests.ts'
import { goOverToSurge } from './surge.ts'
import { templateChanged } from './template-changed.ts'
import { testing } from './testing.ts'

/** The canary runs: bring each stage's weight up, hold it, watch it, go on. */
export function progressing(state: State, seen: Observation, now: number): Outcome {
  if (state.requests?.[0]) return carryOut(state.requests[0], state, seen, now)
  if (seen.template !== state.release) return templateChanged(state)
  if (seen.canary && seen.canary.release !== state.release) {
    const message = 'a canary of another version was found: it is ended first'
    return turn(state, { phase: 'Pending' }, normal('OtherCanary', message))
  }
  const otherBaseline = withoutBaseline(state, seen)
  if (otherBaseline) return otherBaseline
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
  if (stage.waits === 'approve' || state.reached) return hold(scene)
  return stands(scene) ? reached(scene) : approach(scene)
}

/** A baseline that is not of the version that serves is ended; one whose name is taken is done without. */
function withoutBaseline(state: State, seen: Observation): Outcome | undefined {
  if (state.baseline && seen.baselineStranger) {
    const message = `a Deployment of the baseline's name exists and ${seen.baselineStranger}: the release goes on without a baseline`
    return turn(state, { baseline: undefined }, warning('NoBaseline', message))
  }
  if (!seen.baseline || !seen.snapshot || seen.snapshot.hashes.includes(seen.baseline.release))
    return undefined
  const message = 'a baseline of another version was found: it is ended first'
  return turn(state, { phase: 'Pending' }, normal('OtherBaseline', message))
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
  readonly target: AllCounts
  readonly next: AllCounts
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
  if (seen.leak && isAlone(state)) return { reason: 'NotIsolated', message: seen.leak }
  return failureOf(seen, state.maxRestarts)
}

/** Somebody may have scaled, or changed the strategy, since the webhook accepted it (admission/unfit.ts). */
function hasRoom({ total, surge }: State, { strategy }: Observation): boolean {
  return surge !== undefined || leavesRoom(total, strategy)
}

/** The canary's pods that do what they shall at this stage: serve, or wait for their test. */
function readyPods({ state, seen }: Pick<Scene, 'state' | 'seen'>): number {
  if (!isAlone(state)) return canaryFleet(seen).available
  return seen.canary?.isolated ? seen.canary.running : 0
}

/** Whether the pods that are compared are all there; the baseline's while both take requests. */
function allReady(scene: Scene): boolean {
  const { state, seen, target } = scene
  if (readyPods(scene) < target.canary) return false
  return isAlone(state) || baselineFleet(seen).available >= target.baseline
}

/** The canary is all there, and stable may go to its share in the write that says so. */
function stands(scene: Scene): boolean {
  const { seen, target, next } = scene
  const canary = canaryFleet(seen)
  const baseline = baselineFleet(seen)
  const isTold = canary.desired === target.canary && !canary.unsettled
  const isBaselineTold = baseline.desired === target.baseline && !baseline.unsettled
  return isTold && isBaselineTold && allReady(scene) && next.stable === target.stable
}

function reached({ state, now, stage, target }: Scene): Outcome {
  const fields = { reached: stamp(now), unready: undefined }
  if (stage.hold === 0) return turn(state, fields)
  const beside = target.baseline > 0 ? `, ${target.baseline} baseline` : ''
  const counts = `${target.canary} canary${beside} and ${target.stable} stable pods`
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
  const { state, seen, now, stage } = scene
  if (!allReady(scene)) {
    return state.unready ? waitForPods(scene, state.unready) : turn(state, { unready: stamp(now) })
  }
  if (state.unready) return turn(state, { unready: undefined })
  if (stage.waits === 'test') return testing(state, seen, now, fleets(scene))
  if (state.held) return stay(state, fleets(scene))
  if (stage.waits) return waitForPeople(scene)

  const over = instant(state.reached, now) + stage.hold * 1000
  return now >= over ? advance(state, now) : stay(state, { ...fleets(scene), wakeAt: over })
}

/** A person is waited for, for ever or as long as the step says. */
function waitForPeople(scene: Scene): Outcome {
  const { state, now, stage } = scene
  if (stage.within === undefined) return stay(state, fleets(scene))
  const due = instant(state.since, now) + stage.within * 1000
  return now >= due ? failed(state, now, notApproved(scene)) : stay(state, { ...fleets(scene), wakeAt: due })
}

/** The canary is not all there: until the deadline, counted from `since`; while a person holds the release, longer. */
function waitForPods(scene: Scene, since: string | undefined): Outcome {
  const { state, now } = scene
  if (state.held) return stay(state, fleets(scene))
  const due = instant(since, now) + state.deadline * 1000
  return now >= due ? failed(state, now, missed(scene)) : stay(state, { ...fleets(scene), wakeAt: due })
}

function fleets({ state, seen, next }: Scene) {
  const hasTest = stagesOf(state).some(({ waits }) => waits === 'test')
  const hasPreview = state.preview !== undefined
  return {
    canary: next.canary === 0 ? ('none' as const) : next.canary,
    baseline: next.baseline === 0 ? ('none' as const) : next.baseline,
    isolated: isAlone(state),
    ...((hasTest || hasPreview) && next.canary > 0 && { service: 'make' as const }),
    // Another preview may have been a former release's.
    ingress: hasPreview && next.canary > 0 ? ('make' as const) : ('drop' as const),
    mend: mend(state, seen),
  }
}

function notApproved({ state, stage }: Scene): Failure {
  const given = state.approvals?.length ?? 0
  const who = given === 0 ? 'nobody' : `${given} of ${approvalsNeeded(stage)}`
  const message = `${nameOf(stage)}: ${who} approved within ${printDuration(stage.within ?? 0)}`
  return { reason: 'NotApproved', message }
}

function missed({ state, seen, stage, target }: Scene): Failure {
  const after = `not ready within ${printDuration(state.deadline)}`
  const message = `${stagePosition(stage)} (${stage.label}): ${after}: ${explain(seen, target)}`
  return { reason: 'DeadlineExceeded', message }
}
