/**
 * Who may have how many pods next where a baseline runs beside the canary: fresh pods of the accepted version, as
 * many as the canary has, so that like is compared with like. It extends the arithmetic of replicas.ts by a third
 * side, and the same invariant of capacity holds.
 */
import { between } from './between.ts'
import { type Counts, type Fleet, type Limits, move } from './replicas.ts'

/** The pods of all three sides. */
export interface AllCounts extends Counts {
  readonly baseline: number
}

export interface Fleets {
  readonly stable: Fleet
  readonly canary: Fleet
  readonly baseline: Fleet
}

/** Stable never has fewer pods than this for a baseline: it would be what serves most, and least of it. */
const LEAST_STABLE = 2

/** Whether the baseline takes its pods from the total as the canary does; else they come on top. */
export function sharesTotal(total: number, canary: number): boolean {
  return canary > 0 && total - 2 * canary >= LEAST_STABLE
}

/**
 * The next counts on the way to `target`.
 *
 * @param isCounted whether the baseline's pods are part of the total: then they make stable's pods superfluous as
 *   the canary's do, and take room under the ceiling. Else they are on top, and nobody counts on them.
 */
export function moveAll(limit: Limits, fleets: Fleets, target: AllCounts, isCounted: boolean): AllCounts {
  return isCounted ? moveTogether(limit, fleets, target) : moveOnTop(limit, fleets, target)
}

/** Canary and baseline take turns in whatever room there is for both; an odd pod is the canary's. */
function moveTogether(limit: Limits, fleets: Fleets, target: AllCounts): AllCounts {
  const { canary, baseline } = fleets
  const next = move(limit, fleets.stable, together(canary, baseline), {
    stable: target.stable,
    canary: target.canary + target.baseline,
  })
  const now = canary.desired + baseline.desired
  const grown = Math.max(now, next.canary)
  const half = Math.min(Math.floor(grown / 2), baseline.desired + grown - now)
  const more = between(baseline.desired, half, target.baseline)
  const grownCanary = between(canary.desired, grown - more, target.canary)

  const stays = limit.floor - covers(fleets.stable.available, next.stable)
  const nextCanary = shrunk(canary, target.canary, stays - covers(covering(baseline), more)) ?? grownCanary
  const nextBaseline = shrunk(baseline, target.baseline, stays - covers(covering(canary), nextCanary)) ?? more
  return { stable: next.stable, canary: nextCanary, baseline: nextBaseline }
}

/** The baseline follows the canary; its pods that serve go only as the others make up for them, like all. */
function moveOnTop(limit: Limits, fleets: Fleets, target: AllCounts): AllCounts {
  const { stable, canary, baseline } = fleets
  const next = move(limit, stable, canary, target)
  const covered = covers(stable.available, next.stable) + covers(covering(canary), next.canary)
  const follows = between(baseline.desired, next.canary, target.baseline)
  return { ...next, baseline: shrunk(baseline, target.baseline, limit.floor - covered) ?? follows }
}

/**
 * A fleet that has more pods than it shall: as many as are needed stay, of those that serve.
 * @returns undefined where it has not
 */
function shrunk(fleet: Fleet, target: number, needed: number): number | undefined {
  if (fleet.desired <= target) return undefined
  const serving = fleet.unsettled ? fleet.desired : fleet.available
  return between(target, Math.min(needed, serving), fleet.desired)
}

/** Both as one side, of which everything is there only when it is of both. */
function together(canary: Fleet, baseline: Fleet): Fleet {
  return {
    desired: canary.desired + baseline.desired,
    existing: canary.existing + baseline.existing,
    available: covers(canary.available, canary.desired) + covers(baseline.available, baseline.desired),
    unsettled: Boolean(canary.unsettled || baseline.unsettled),
    failure: canary.failure ?? baseline.failure,
  }
}

function covering({ unsettled, available }: Fleet): number {
  return unsettled ? 0 : available
}

/** Of the pods that are available, those that are to stay. */
function covers(available: number, staying: number): number {
  return Math.min(available, staying)
}
