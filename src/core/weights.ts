/** From the plan and the state to numbers of pods. */
import type { Observation, SetSeen } from './observe.ts'
import { canaryCount, type Stage, stages, surgeCount } from './plan/expand.ts'
import { parsePlan } from './plan/plan.ts'
import { type Counts, type Fleet, limits, move, unbounded } from './replicas.ts'
import type { State } from './state.ts'

/** The stages of the release's frozen plan; none when it cannot be read, so that it goes on to promotion's checks. */
export function stagesOf(state: State): readonly Stage[] {
  const parsed = parsePlan(state.plan)
  return 'plan' in parsed ? stages(parsed.plan) : []
}

/** How many pods each side shall have at the stage the release is at, once everything stands. */
export function targetOf(state: State): Counts {
  const all = stagesOf(state)
  if (state.surge !== undefined)
    return { stable: state.total, canary: surgeCount(all, state.step, state.total) }
  const canary = canaryCount(all, state.step, state.total)
  // Stable is never scaled to 0 for a canary: N = 1 runs one of each.
  return { stable: Math.max(Math.min(1, state.total), state.total - canary), canary }
}

/** Stable's pods: those of the ReplicaSets in the snapshot, or of all when there is none. */
export function stableFleet(seen: Observation): Fleet {
  const known = seen.snapshot?.sets.map(set => set.metadata.name)
  const sets = known ? seen.sets.filter(set => known.includes(set.name)) : seen.sets
  const sum = (count: (set: SetSeen) => number) => sets.reduce((total, set) => total + count(set), 0)
  const existing = sum(set => set.existing) - mixSurge(seen, sets)
  return {
    desired: seen.replicas,
    existing: Math.max(seen.replicas, existing),
    // After down and up again, the counts may still be those from before: nobody is covered by pods that went.
    // And the watch of ReplicaSets may be behind that of Deployments: what both count on is there.
    available: seen.settled
      ? Math.min(
          seen.available,
          sum(set => (set.settled ? set.available : 0)),
        )
      : 0,
    unsettled: !seen.settled || sets.some(set => !set.settled),
  }
}

/**
 * The pods that Kubernetes keeps on top of spec.replicas while a paused Deployment has several ReplicaSets with
 * pods: maxSurge (pkg/controller/deployment sync.go scale). They are its doing and leave the room of the canary
 * as it is; nor are they counted on, since they go as soon as only one ReplicaSet is left.
 */
function mixSurge(seen: Observation, sets: readonly SetSeen[]): number {
  const active = sets.filter(set => set.desired > 0)
  if (active.length < 2 || !seen.paused) return 0
  return limits(seen.replicas, seen.strategy).ceiling - seen.replicas
}

const NO_PODS: Fleet = { desired: 0, existing: 0, available: 0 }

export function canaryFleet(seen: Observation): Fleet {
  return seen.canary ?? NO_PODS
}

/**
 * Whether the pods that stable is told to have and those of the canary that are available make up the total. Else
 * a rollout at stable's present size would take pods that nobody replaces.
 */
export function coversTotal(state: State, seen: Observation): boolean {
  return (state.stable ?? state.total) + canaryFleet(seen).available >= state.total
}

/** The next counts on the way to `target`, within what the user's strategy and the capacity invariant allow. */
export function nextCounts(state: State, seen: Observation, target: Counts): Counts {
  const surge = state.surge !== undefined
  const { ceiling, floor } = surge ? unbounded(state.total) : limits(state.total, seen.strategy)
  return move({ ceiling: ceiling - seen.leaving, floor }, stableFleet(seen), canaryFleet(seen), target)
}

/** What `stable` in the state shall be: nothing in surge mode, once spec.replicas is the user's again. */
export function stableField(state: State, seen: Observation, count: number): number | undefined {
  if (state.surge === undefined) return count
  return state.stable === undefined || seen.replicas === state.total ? undefined : state.total
}
