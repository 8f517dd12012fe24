import { normal, type Outcome, stamp, stay, turn, warning } from '../decision.ts'
import type { Observation } from '../observe.ts'
import { type State, withFields } from '../state.ts'
import { nextCountsBack, stableField } from '../weights.ts'
import { STAGE_OVER } from './advance.ts'
import { failed } from './failed.ts'
import { autoscaled, sharesInSurge } from './surge.ts'
import { takeBack, unverifiedSet } from './unverified.ts'

/**
 * A template was changed and held. What comes of it is decided here, by what serves: the canary of a former
 * version is ended first; then a release, or un-pausing at once where there is nothing to protect or nothing
 * new.
 */
export function pending(state: State, seen: Observation, now: number): Outcome {
  if (!seen.settled) return stay(state, {})
  const unverified = unverifiedSet(state, seen)
  const isAccepted = !unverified && serves(seen)
  const aborted = state.requests?.find(request => request.command === 'abort')
  // Of the version that serves there is nothing to abort: it goes on serving, un-paused.
  if (aborted && !isAccepted) {
    if (!unverified && !isRecorded(seen)) return stay(state, { snapshot: 'take' })
    const message = `aborted by ${aborted.by}${aborted.because ? ` (${aborted.because})` : ''}`
    return failed(withFields(state, { release: seen.template }), now, { reason: 'Aborted', message })
  }
  const surge = autoscaled(state, seen)
  if (surge) return turn(state, { surge })
  const promoted = state.requests?.find(request => request.command === 'promote')
  if (seen.canary || seen.baseline) {
    const isStuck = isLacking(state, seen)
    if (isStuck && promoted) return promoteAtOnce(state, seen, now, promoted.by)
    return isStuck && isAccepted ? rollOutAgain(state, seen, now) : endFormerCanary(state, seen)
  }
  if (state.total === 0) {
    return unprotected(state, seen, now, normal('NoCanary', 'scaled to 0: there is nothing to compare with'))
  }
  const stable = stableField(state, seen, state.total)
  if (state.stable !== stable) return turn(state, { stable })

  if (promoted) return promoteAtOnce(state, seen, now, promoted.by)
  if (unverified) return stay(state, { mend: takeBack(unverified, state, seen) })
  if (isAccepted) {
    return turn(
      state,
      {
        phase: 'Reverting',
        release: seen.template,
        requests: undefined,
        reason: undefined,
        message: undefined,
      },
      normal('Reverted', 'the template is the one that serves: nothing to release, no pod restarts'),
    )
  }
  const serving = seen.sets.filter(set => set.available > 0)
  if (serving.length === 0) {
    // One of the two is behind: nothing ships without a canary because a watch is late.
    if (seen.available > 0) return stay(state, {})
    const said = warning('NoCanary', 'no pod of the former version is available: rolled out without a canary')
    return unprotected(state, seen, now, said)
  }
  if (!isRecorded(seen)) return stay(state, { snapshot: 'take' })
  return start(state, seen, now)
}

function start(state: State, seen: Observation, now: number): Outcome {
  const surge = state.surge ?? (seen.referencesChanged ? REFERENCES_CHANGED : undefined)
  const who = state.by === undefined ? '' : ` by ${state.by}`
  // There is no one template to make it of.
  const isMix = (seen.snapshot?.sets.length ?? 0) > 1
  const without = state.baseline && isMix ? `; without a baseline, as ${MIX}` : ''
  const left = (state.requests ?? []).filter(({ command }) => command !== 'retry' && command !== 'approve')
  return turn(
    state,
    {
      phase: 'Progressing',
      release: seen.template,
      surge,
      stable: stableField(withFields(state, { surge }), seen, state.total),
      ...STAGE_OVER,
      ...(isMix && { baseline: undefined }),
      step: 0,
      started: stamp(now),
      since: stamp(now),
      reason: undefined,
      message: undefined,
      failedAt: undefined,
      requests: left.length > 0 ? left : undefined,
    },
    normal(
      'CanaryStarted',
      `release ${seen.template}${who}: ${state.plan}${surge ? `; surge, as ${surge}${sharesInSurge(state)}` : ''}${without}`,
    ),
  )
}

const MIX = 'several versions serve'
const REFERENCES_CHANGED =
  'the new template names other ConfigMaps or Secrets and those of the former version may be pruned'

/**
 * Stable back to its full size first, then the canary of the former version goes. If that version was being
 * rolled out, the mix is what serves, and more than the snapshot knows.
 */
function endFormerCanary(state: State, seen: Observation): Outcome {
  const everySet = { ...seen, snapshot: undefined }
  const next = nextCountsBack(state, everySet)
  const stable = stableField(state, seen, next.stable)
  return stay(withFields(state, { stable }), {
    canary: next.canary === 0 ? 'none' : next.canary,
    baseline: next.baseline === 0 ? 'none' : next.baseline,
  })
}

/**
 * Several versions share stable's full size, and not all of their pods serve: of a version that is not fit they
 * never will, and the canary of the former release would have to make up for them for ever.
 */
function isLacking(state: State, seen: Observation): boolean {
  const active = seen.sets.filter(set => set.desired > 0)
  const isTold = seen.replicas === state.total && active.every(set => set.settled)
  return active.length > 1 && isTold && seen.available < state.total && (seen.canary?.available ?? 0) > 0
}

/** The stored template is one of those that serve: it takes the place of the others, and the canary serves until then. */
function rollOutAgain(state: State, seen: Observation, now: number): Outcome {
  const message =
    'the template is one of those that serve, and others lack pods: it is rolled out in their place'
  return leave(state, seen, now, normal('RolledOutAgain', message), {})
}

/**
 * The stored template serves already, or is the one that would if its pods were ready: it was accepted before.
 * A snapshot says so only as long as nothing else serves; a promotion leaves it behind for a moment.
 */
function serves(seen: Observation): boolean {
  const serving = seen.sets.filter(set => set.available > 0)
  if (serving.some(set => set.hash === seen.template)) return true
  const { sets = [], hashes = [] } = seen.snapshot ?? {}
  const known = new Set(sets.map(set => set.metadata.name))
  return hashes.includes(seen.template) && serving.every(set => known.has(set.name))
}

/** The snapshot is of what shall serve if this release fails. */
function isRecorded(seen: Observation): boolean {
  const active = seen.sets.filter(set => set.desired > 0).map(set => set.name)
  const recorded = seen.snapshot?.sets.map(set => set.metadata.name) ?? []
  return active.sort().join() === recorded.sort().join()
}

type Said = ReturnType<typeof normal>

function unprotected(state: State, seen: Observation, now: number, said: Said): Outcome {
  return leave(state, seen, now, said, { unprotected: true })
}

function promoteAtOnce(state: State, seen: Observation, now: number, by: string): Outcome {
  return leave(state, seen, now, warning('PromotedByHand', `promoted without a canary by ${by}`), {})
}

function leave(
  state: State,
  seen: Observation,
  now: number,
  said: Said,
  fields: { unprotected?: true },
): Outcome {
  return turn(
    state,
    {
      phase: 'Promoting',
      release: seen.template,
      since: stamp(now),
      stable: stableField(state, seen, state.total),
      requests: undefined,
      approvals: undefined,
      held: undefined,
      reason: undefined,
      message: undefined,
      failedAt: undefined,
      ...fields,
    },
    said,
  )
}
