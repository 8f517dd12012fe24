import { normal, type Outcome, turn } from '../decision.ts'
import type { Observation } from '../observe.ts'
import { parsePlan } from '../plan/plan.ts'
import { planWarnings } from '../plan/summary.ts'
import type { State } from '../state.ts'

/** So often may somebody put N back before the release leaves stable's size alone. */
const MOST_PUT_BACKS = 2

/**
 * An autoscaler owns spec.replicas: whatever a release wrote there, it would write over. In surge mode the
 * release has no wish for it.
 *
 * @returns why the release leaves stable's size alone from here on; undefined where it may not, or does already
 */
export function autoscaled(state: State, seen: Observation): string | undefined {
  if (state.surge !== undefined || seen.autoscaler === undefined) return undefined
  return `${seen.autoscaler} scales it`
}

/** Goes over to surge mode in the middle of a release, for any reason there is by then; undefined where none is. */
export function goOverToSurge(state: State, seen: Observation): Outcome | undefined {
  const surge = autoscaled(state, seen) ?? putBackTooOften(state)
  if (surge === undefined) return undefined
  const said = `stable is left at its size from here: ${surge}${sharesInSurge(state)}`
  return turn(state, { surge }, normal('Surge', said))
}

function putBackTooOften({ surge, putBacks = 0, total }: State): string | undefined {
  if (surge !== undefined || putBacks < MOST_PUT_BACKS) return undefined
  return `spec.replicas was put back to ${total} ${MOST_PUT_BACKS} times`
}

/** What its author was not told when he applied: he may have had shares in mind that surge mode cannot give. */
export function sharesInSurge({ plan, total }: State): string {
  const parsed = parsePlan(plan)
  const warnings = 'plan' in parsed ? planWarnings(parsed.plan, total, 'surge') : []
  return warnings.map(warning => `; ${warning}`).join('')
}
