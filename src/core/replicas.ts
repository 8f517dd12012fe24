/**
 * Who may have how many pods next. The user's own rolling-update strategy bounds every move, and one
 * invariant of capacity holds at each write (docs/how-it-works.md): no healthy pod is taken away by us
 * unless what stays available is at least the floor.
 */
import { between } from './between.ts'
import type { DeploymentSpec, IntOrPercent } from './kubernetes.ts'

/** The bounds that the strategy sets for N pods. */
export interface Limits {
  /** Never more pods than this, stable and canary together: N + maxSurge. */
  readonly ceiling: number
  /** Never fewer available ones by our doing: N, or N − maxUnavailable where maxSurge is 0. */
  readonly floor: number
}

/** The pods of one side. */
export interface Fleet {
  /** spec.replicas. */
  readonly desired: number
  /** Pods that exist or are about to: at least `desired`, more while surplus ones are still there. */
  readonly existing: number
  readonly available: number
  /** The counts may be of a former size: they cover nobody, make no room, and prove of no pod that it does not serve. */
  readonly unsettled?: boolean
  /** Why no more of its pods can be made now (a quota is full): those that are there are all there will be. */
  readonly failure?: string | undefined
}

export interface Counts {
  readonly stable: number
  readonly canary: number
}

/**
 * Resolves maxSurge and maxUnavailable for `total` replicas as the Deployment controller does: surge is
 * rounded up, unavailable down, and if both come to 0, unavailable is 1.
 * Source: k8s.io/kubernetes pkg/controller/deployment/util ResolveFenceposts; 25% are the API's defaults.
 */
export function limits(total: number, strategy: DeploymentSpec['strategy']): Limits {
  const surge = resolve(strategy?.rollingUpdate?.maxSurge ?? '25%', total, Math.ceil)
  const unavailable = resolve(strategy?.rollingUpdate?.maxUnavailable ?? '25%', total, Math.floor)
  if (surge > 0) return { ceiling: total + surge, floor: total }
  return { ceiling: total, floor: Math.max(0, total - Math.max(1, unavailable)) }
}

/** Whether a canary fits in beside stable: a single replica cannot make way, so the strategy must allow one pod more. */
export function leavesRoom(total: number, strategy: DeploymentSpec['strategy']): boolean {
  return total !== 1 || limits(1, strategy).ceiling > 1
}

/** No bound on pods: in surge mode and at the end of a promotion the canary comes on top. */
export function unbounded(total: number): Limits {
  return { ceiling: Number.POSITIVE_INFINITY, floor: total }
}

function resolve(value: IntOrPercent, total: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value
  const percent = Number.parseInt(value, 10)
  return Number.isNaN(percent) ? 0 : round((percent * total) / 100)
}

/**
 * The next counts on the way to `target`: as far as the limits allow now. Calling it again with what came of
 * it leads to the target in slices.
 *
 * Each side goes up only into free room under the ceiling, and down only as far as the other side's
 * available pods cover. Unready canary pods count nothing and may go at once (a ReplicaSet deletes unready
 * pods first).
 */
export function move(limit: Limits, stable: Fleet, canary: Fleet, target: Counts): Counts {
  let nextStable = stable.desired
  if (stable.desired < target.stable) {
    // Before its controller knows the canary's new size, there may be one more of its pods any moment.
    const taken = canary.unsettled && limit.ceiling < Number.POSITIVE_INFINITY
    nextStable = taken
      ? stable.desired
      : between(stable.desired, limit.ceiling - canary.existing, target.stable)
  } else if (stable.desired > target.stable) {
    // Once for a whole slice: going down pod by pod as the canary's get ready would be a write for each. But
    // where a quota cuts the slice short, only stable's pods can make the room for the rest of it.
    const allThere = canary.available >= canary.desired || canary.failure !== undefined
    const covered = !canary.unsettled && allThere ? Math.min(canary.available, canary.desired) : 0
    nextStable = between(target.stable, limit.floor - covered, stable.desired)
  }

  let nextCanary = canary.desired
  if (canary.desired < target.canary) {
    // While stable's counts are of a former size, nobody knows how many pods there are.
    const taken =
      stable.unsettled && limit.ceiling < Number.POSITIVE_INFINITY ? limit.ceiling : stable.existing
    nextCanary = between(canary.desired, limit.ceiling - Math.max(nextStable, taken), target.canary)
  } else if (canary.desired > target.canary) {
    const needed = limit.floor - Math.min(stable.available, nextStable)
    const serving = canary.unsettled ? canary.desired : canary.available
    nextCanary = between(target.canary, Math.min(needed, serving), canary.desired)
  }
  return { stable: nextStable, canary: nextCanary }
}
