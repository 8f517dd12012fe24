import { instant, normal, type Outcome, stamp, stay, turn } from '../decision.ts'
import type { Observation } from '../observe.ts'
import type { State } from '../state.ts'
import { baselineFleet, canaryFleet, isBaselineCounted, stableFleet, targetOf } from '../weights.ts'
import { ended } from './ended.ts'
import { failed, STALLED } from './failed.ts'
import { templateChanged } from './template-changed.ts'

/** After this long the canary makes room pod by pod, instead of in two goes. */
const PATIENCE = 10_000

/**
 * The new version rolls out at stable's current count with the canary still serving; when that is complete,
 * stable grows to N, and the canary leaves as stable's pods become available.
 */
export function promoting(state: State, seen: Observation, now: number): Outcome {
  if (seen.template !== state.release) return templateChanged(state)
  if (state.requests) return turn(state, { requests: undefined })
  if (state.unprotected) {
    if (seen.paused) return stay(state, {})
    return ended(state, 'Succeeded', normal('RolledOut', 'rolled out without a canary'))
  }
  if (seen.stalled) {
    const message = `the rollout of the accepted version stalled, both versions serve: ${seen.stalled}`
    return failed(state, now, { reason: STALLED, message })
  }
  if (state.stable !== undefined && state.stable !== state.total) return rollOut(state, seen, now)
  return finish(state, seen, now)
}

function rollOut(state: State, seen: Observation, now: number): Outcome {
  if (seen.rolledOut && seen.replicas === state.stable) {
    const message = `the new version serves on stable: growing it to ${state.total}`
    return turn(state, { stable: state.total, since: stamp(now) }, normal('Growing', message))
  }
  return stay(state, { canary: canaryToKeep(state, seen), baseline: baselineToKeep(state, seen) })
}

function finish(state: State, seen: Observation, now: number): Outcome {
  const atFullSize = seen.rolledOut && seen.replicas === state.total
  if (atFullSize && !seen.canary && !seen.baseline) {
    return ended(
      state,
      'Succeeded',
      normal('Promoted', `release ${state.release} serves on all ${state.total} pods`),
    )
  }
  if (atFullSize) return stay(state, { canary: 'none' })
  const impatient = instant(state.since, now) + PATIENCE
  const canary = shrunk(state, seen, now >= impatient)
  const baseline = shrunkBaseline(state, seen, canary, now >= impatient)
  return stay(state, { canary, baseline, ...(now < impatient && { wakeAt: impatient }) })
}

/**
 * How many canary pods are still needed beside stable's available ones. Each change is a write, so they go in
 * two goes; but if stable cannot get pods (a quota is full) or takes long, each one that is covered goes.
 */
function shrunk(state: State, seen: Observation, impatient: boolean): number | 'keep' {
  const canary = canaryFleet(seen)
  // Before the Deployment controller saw the new size, and in surge mode, its pods are of the former version.
  if (state.surge !== undefined || !seen.settled || canary.desired === 0) return 'keep'
  const needed = Math.max(1, state.total - stableFleet(withoutSnapshot(seen)).available)
  if (needed >= canary.desired) return 'keep'
  if (impatient || seen.stableFailure !== undefined) return needed
  const whole = targetOf(state).canary
  return canary.desired >= whole && needed <= canary.desired / 2 ? needed : 'keep'
}

/**
 * The baseline's pods are of the former version, so they go before the canary's: as soon as the others make up the
 * total, or one by one where stable cannot get pods or takes long.
 */
function shrunkBaseline(
  state: State,
  seen: Observation,
  canary: number | 'keep',
  impatient: boolean,
): number | 'none' | 'keep' {
  const { desired } = baselineFleet(seen)
  if (state.surge !== undefined || !seen.settled || desired === 0) return 'keep'
  const { available, unsettled, desired: canaries } = canaryFleet(seen)
  const staying = unsettled ? 0 : Math.min(available, canary === 'keep' ? canaries : canary)
  const needed = Math.max(0, state.total - stableFleet(withoutSnapshot(seen)).available - staying)
  if (needed === 0) return 'none'
  return needed < desired && (impatient || seen.stableFailure !== undefined) ? needed : 'keep'
}

/** As many as there are; if somebody deleted the canary, as many as its stage had. */
function canaryToKeep(state: State, seen: Observation): number | 'keep' {
  if (seen.canary) return 'keep'
  const { canary } = targetOf(state)
  return canary === 0 ? 'keep' : canary
}

/** The same: stable is smaller for it where it is counted. */
function baselineToKeep(state: State, seen: Observation): number | 'keep' {
  return seen.baseline || !isBaselineCounted(state) ? 'keep' : targetOf(state).baseline
}

/** While promoting, whatever serves of the user's Deployment counts, of either version. */
function withoutSnapshot(seen: Observation): Observation {
  return { ...seen, snapshot: undefined }
}

/** The template that serves was applied again: un-paused, nothing restarts. */
export function reverting(state: State, seen: Observation): Outcome {
  if (seen.template !== state.release && !state.reason) return templateChanged(state)
  if (seen.paused) return stay(state, {})
  return ended(state, 'Reverted')
}
