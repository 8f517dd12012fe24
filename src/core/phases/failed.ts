import { instant, normal, type Outcome, stamp, stay, turn, warning } from '../decision.ts'
import type { Failure } from '../health.ts'
import type { ReplicaSet } from '../kubernetes.ts'
import type { Observation } from '../observe.ts'
import { type State, withFields } from '../state.ts'
import { canaryFleet, nextCountsBack, stableField } from '../weights.ts'
import { promote, STAGE_OVER } from './advance.ts'
import { mend } from './mend.ts'
import { autoscaled } from './surge.ts'
import { templateChanged } from './template-changed.ts'

/** A canary whose pods are known to be bad is taken away after this long even if stable is not back yet. */
const PATIENCE = 60_000
/**
 * These failures say that pods which serve are bad. The others (a deadline, an abort, a taken name) do not:
 * what is ready then stays until stable is back, however long that takes.
 */
const BAD_PODS = new Set(['CanaryRestarted'])
/** The rollout of an accepted version does not get on: both versions go on serving. */
export const STALLED = 'PromotionStalled'

/** The release failed: the former version goes back to its full size and the applied template is held. */
export function failed(state: State, now: number, { reason, message }: Failure): Outcome {
  return turn(
    state,
    {
      phase: 'Failed',
      reason,
      message,
      failedAt: stamp(now),
      ...STAGE_OVER,
      held: undefined,
      requests: undefined,
    },
    warning('CanaryFailed', reason === STALLED ? message : `rolling back: ${message}`),
  )
}

/** Held: v1 serves at full size, the canary goes, and the applied template waits for a retry or another. */
export function holding(state: State, seen: Observation, now: number): Outcome {
  const [request] = state.requests ?? []
  if (request?.command === 'retry') return retry(state, now, request.by)
  if (request?.command === 'promote') return promote(withoutRequests(state), now, `promoted by ${request.by}`)
  if (request) return turn(withoutRequests(state), {})
  if (seen.template !== state.release) return templateChanged(state)
  if (state.reason === STALLED) return stay(state, {})
  const surge = autoscaled(state, seen)
  if (surge) return turn(state, { surge })

  const counts = nextCountsBack(state, seen)
  const overdue = instant(state.failedAt, now) + PATIENCE
  const bad = BAD_PODS.has(state.reason ?? '')
  const hasToGo = state.total === 0 || (bad && now >= overdue)
  const canary = hasToGo ? 0 : counts.canary
  const held = withFields(state, { stable: stableField(state, seen, counts.stable) })

  const former = formerSet(seen)
  if (
    state.onFailure === 'restore' &&
    former &&
    !seen.canary &&
    !seen.baseline &&
    seen.replicas === state.total
  ) {
    return stay(withFields(held, { phase: 'Reverting' }), { restore: former })
  }
  const waiting = bad && canaryFleet(seen).desired > 0
  return stay(held, {
    canary: canary === 0 ? 'none' : canary,
    // Of the accepted version: it serves until stable is back, whatever became of the canary.
    baseline: counts.baseline === 0 ? 'none' : counts.baseline,
    mend: mend(state, seen),
    ...(waiting && now < overdue && { wakeAt: overdue }),
  })
}

function retry(state: State, now: number, by: string): Outcome {
  if (state.reason === STALLED) return promote(withoutRequests(state), now, `retried by ${by}`)
  // Whoever retries is not the author of the change: that stays, since others may have to approve it.
  return turn(withoutRequests(state), { phase: 'Pending' }, normal('Retried', `retried by ${by}`))
}

function withoutRequests(state: State): State {
  return withFields(state, { requests: undefined })
}

/** The one ReplicaSet of the former version; undefined when a mix of several serves. */
function formerSet(seen: Observation): ReplicaSet | undefined {
  const sets = seen.snapshot?.sets ?? []
  return sets.length === 1 ? sets[0] : undefined
}
