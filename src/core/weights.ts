/** From the plan and the state to numbers of pods. */
import { type AllCounts, moveAll, sharesTotal } from './baseline-counts.ts'
import type { Observation, SetSeen } from './observe.ts'
import { canaryCount, type Stage, stages, surgeCount } from './plan/expand.ts'
import { parsePlan } from './plan/plan.ts'
import { type Fleet, limits, unbounded } from './replicas.ts'
import type { State } from './state.ts'

/** The last plan that was read: a look at a release asks for its stages a dozen times. */
let last: { readonly text: string; readonly stages: readonly Stage[] } = { text: '', stages: [] }

/** The stages of the release's frozen plan; none when it cannot be read, so that it goes on to promotion's checks. */
export function stagesOf({ plan: text }: State): readonly Stage[] {
  if (text !== last.text) {
    const parsed = parsePlan(text)
    last = { text, stages: 'plan' in parsed ? stages(parsed.plan) : [] }
  }
  return last.stages
}

/** How many pods each side shall have at the stage the release is at, once everything stands. */
export function targetOf(state: State): AllCounts {
  const canary = canaryTarget(state)
  const baseline = state.baseline ? canary : 0
  if (isOnTop(state)) return { stable: state.total, canary, baseline }
  const others = isBaselineCounted(state) ? canary + baseline : canary
  // Stable is never scaled to 0 for a canary: N = 1 runs one of each.
  return { stable: Math.max(Math.min(1, state.total), state.total - others), canary, baseline }
}

function canaryTarget(state: State): number {
  const all = stagesOf(state)
  if (isAlone(state)) return Math.min(1, state.total)
  const count = state.surge === undefined ? canaryCount : surgeCount
  return count(all, state.step, state.total)
}

/** Stable keeps its size, and whatever else there is comes on top. */
function isOnTop(state: State): boolean {
  return state.surge !== undefined || isAlone(state)
}

/** N = stable + canary + baseline, where that leaves stable enough; else the baseline is on top. */
export function isBaselineCounted(state: State): boolean {
  return Boolean(state.baseline) && !isOnTop(state) && sharesTotal(state.total, canaryTarget(state))
}

/**
 * Whether the canary is tested without requests of users: from the first `test` to the first weight. It is one
 * pod then, on top of all that serve.
 */
export function isAlone(state: State): boolean {
  const sofar = stagesOf(state).slice(0, state.step + 1)
  return sofar.every(({ target }) => target === undefined) && sofar.some(({ waits }) => waits === 'test')
}

/** Percent of the pods that take requests which are the canary's at this stage; 0 as long as it takes none. */
export function weightOf(state: State): number {
  const { stable, canary, baseline } = targetOf(state)
  return isAlone(state) || canary === 0 ? 0 : Math.round((100 * canary) / (stable + canary + baseline))
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

export function baselineFleet(seen: Observation): Fleet {
  return seen.baseline ?? NO_PODS
}

/**
 * Whether the pods that stable is told to have and those of the others that are available make up the total. Else
 * a rollout at stable's present size would take pods that nobody replaces.
 */
export function coversTotal(state: State, seen: Observation): boolean {
  const baseline = isBaselineCounted(state) ? baselineFleet(seen).available : 0
  return (state.stable ?? state.total) + canaryFleet(seen).available + baseline >= state.total
}

/** The next counts on the way to `target`, within what the user's strategy and the capacity invariant allow. */
export function nextCounts(state: State, seen: Observation, target: AllCounts): AllCounts {
  const { ceiling, floor } = isOnTop(state) ? unbounded(state.total) : limits(state.total, seen.strategy)
  const fleets = { stable: stableFleet(seen), canary: canaryFleet(seen), baseline: baselineFleet(seen) }
  // One that is to go serves until then, and what serves may be counted on.
  const isCounted = target.baseline === 0 || isBaselineCounted(state)
  return moveAll({ ceiling: ceiling - seen.leaving, floor }, fleets, target, isCounted)
}

/** Back to stable alone. */
export function nextCountsBack(state: State, seen: Observation): AllCounts {
  return nextCounts(state, seen, { stable: state.total, canary: 0, baseline: 0 })
}

/** What `stable` in the state shall be: nothing in surge mode, once spec.replicas is the user's again. */
export function stableField(state: State, seen: Observation, count: number): number | undefined {
  if (state.surge === undefined) return count
  return state.stable === undefined || seen.replicas === state.total ? undefined : state.total
}
