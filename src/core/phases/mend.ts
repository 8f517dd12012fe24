import type { Mend } from '../decision.ts'
import type { Observation, SetSeen } from '../observe.ts'
import type { State } from '../state.ts'

/**
 * While a Deployment is paused, nobody in Kubernetes looks after which ReplicaSet serves: a deleted one is
 * not made again, scaling to 0 and back wakes whichever is newest, and one that lost its owner is adopted.
 * So the ones of the snapshot are made to serve, and no other.
 *
 * @returns what to do; nothing while stable shall have no pods (a clean-up would undo it again and again)
 */
export function mend(state: State, seen: Observation): readonly Mend[] {
  const { snapshot } = seen
  if (!snapshot || snapshot.sets.length === 0 || state.total === 0 || seen.replicas === 0) return []
  // Somebody un-paused it behind the webhook's back: a rollout runs that every mend would only contend with.
  if (!seen.paused || !seen.settled) return []
  const wanted: Mend[] = []
  for (const set of snapshot.sets) {
    // Of several, each has its own share; of one, the whole.
    const replicas = snapshot.sets.length === 1 ? seen.replicas : (set.spec.replicas ?? 1)
    const found = seen.sets.find(({ name }) => name === set.metadata.name)
    if (!found) wanted.push({ kind: 'create', set, replicas })
    else if (found.desired === 0 && snapshot.sets.length === 1) {
      wanted.push({ kind: 'scale', name: found.name, replicas })
    }
  }
  return [
    ...wanted,
    ...strangersDown(
      state,
      seen,
      snapshot.sets.map(set => set.metadata.name),
    ),
  ]
}

/**
 * Whatever else of the Deployment's has pods goes, its ready pods only as others cover them: an outage is no
 * way to take an unverified version back. At once goes the rejected version itself, and one pod of a ReplicaSet
 * that nothing else can come up beside as long as it has them all.
 */
function strangersDown(state: State, seen: Observation, known: readonly string[]): readonly Mend[] {
  const right = seen.sets.filter(set => known.includes(set.name))
  const available = right.reduce((sum, set) => sum + set.available, 0) + (seen.canary?.available ?? 0)
  let needed = Math.max(0, state.total - available)
  const wanted: Mend[] = []
  for (const set of seen.sets) {
    if (set.desired === 0 || known.includes(set.name)) continue
    const rejected = state.phase === 'Failed' && set.hash === state.release
    const most = isSaturated(set, seen) ? set.desired - 1 : set.desired
    const replicas = rejected ? 0 : Math.min(most, set.available, needed)
    needed -= replicas
    if (replicas < set.desired) wanted.push({ kind: 'scale', name: set.name, replicas })
  }
  return wanted
}

/**
 * The ReplicaSet of the stored template has all the pods that the Deployment wants, available: for the Deployment
 * controller that is the end of a rollout, and it takes every other one down to 0 again, as often as it is scaled up.
 * Source: k8s.io/kubernetes pkg/controller/deployment sync.go scale, util IsSaturated.
 */
function isSaturated(set: SetSeen, seen: Observation): boolean {
  return set.hash === seen.template && set.desired === seen.replicas && set.available >= seen.replicas
}
