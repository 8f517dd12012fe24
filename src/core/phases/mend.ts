import type { Mend } from '../decision.ts'
import type { Observation, SetSeen } from '../observe.ts'
import { limits } from '../replicas.ts'
import type { State } from '../state.ts'
import { exchange, type Giving, takenOver } from './exchange.ts'

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
  const known = snapshot.sets.map(set => set.metadata.name)
  const right = seen.sets.filter(set => known.includes(set.name))
  const giving = strangers(state, seen, right)
  const missing = snapshot.sets.filter(set => !right.some(({ name }) => name === set.metadata.name))
  // Of several, each has its own share; of one, the whole.
  const isMix = snapshot.sets.length > 1
  const created = missing.map(set => {
    const replicas = isMix ? (set.spec.replicas ?? 1) : takenOver(0, 0, giving, seen)
    return { kind: 'create', set, replicas } as const
  })
  const asleep = isMix || giving.length > 0 ? [] : right.filter(({ desired }) => desired === 0)
  const woken = asleep.map(({ name }) => ({ kind: 'scale', name, replicas: seen.replicas }) as const)
  return [...created, ...woken, ...exchange(right, giving, seen)]
}

/**
 * Whatever else of the Deployment's has pods goes, its ready pods only as others cover them: an outage is no
 * way to take an unverified version back. At once goes the rejected version itself, and one pod of a ReplicaSet
 * that nothing else can come up beside as long as it has them all.
 */
function strangers(state: State, seen: Observation, right: readonly SetSeen[]): readonly Giving[] {
  const covering = right.reduce((sum, set) => sum + (set.settled ? set.available : 0), 0)
  const available = covering + (seen.canary?.available ?? 0)
  let needed = Math.max(0, limits(state.total, seen.strategy).floor - available)
  return seen.sets
    .filter(set => set.desired > 0 && !right.includes(set))
    .map(set => {
      const isRejected = state.phase === 'Failed' && set.hash === state.release
      const most = isSaturated(set, seen) ? set.desired - 1 : set.desired
      const kept = isRejected ? 0 : Math.min(most, set.available, needed)
      needed -= kept
      return { set, kept }
    })
}

/**
 * The ReplicaSet of the stored template has all the pods that the Deployment wants, available: for the Deployment
 * controller that is the end of a rollout, and it takes every other one down to 0 again, as often as it is scaled up.
 * Source: k8s.io/kubernetes pkg/controller/deployment sync.go scale, util IsSaturated.
 */
function isSaturated(set: SetSeen, seen: Observation): boolean {
  return set.hash === seen.template && set.desired === seen.replicas && set.available >= seen.replicas
}
