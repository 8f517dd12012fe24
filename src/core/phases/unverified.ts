import type { Mend } from '../decision.ts'
import type { Observation, SetSeen } from '../observe.ts'
import { limits } from '../replicas.ts'
import type { State } from '../state.ts'
import { exchange } from './exchange.ts'

/**
 * The ReplicaSet of a stored template that no release brought, though it has pods: the template was changed
 * past the webhook while a rollout ran, by a webhook that comes after it or while it was not asked. Its pods
 * being available does not make it accepted. The release that ran has not been forgotten then; a change that
 * the webhook holds has no pods, and begins with no release.
 *
 * Where nothing else serves any more it is what serves, and taking it back would be an outage.
 */
export function unverifiedSet(state: State, seen: Observation): SetSeen | undefined {
  const accepted = [state.release, ...(seen.snapshot?.hashes ?? [])]
  if (state.release === '' || accepted.includes(seen.template)) return undefined
  const found = seen.sets.find(set => set.hash === seen.template && set.desired > 0)
  return found && othersOf(found, seen).some(set => set.available > 0) ? found : undefined
}

/** Its pods go as far as others cover them, which take their place. */
export function takeBack(unverified: SetSeen, state: State, seen: Observation): readonly Mend[] {
  const others = othersOf(unverified, seen)
  const available = others.reduce((sum, set) => sum + set.available, 0)
  const needed = Math.max(0, limits(state.total, seen.strategy).floor - available)
  const kept = Math.min(unverified.desired, unverified.available, needed)
  return exchange(
    others.filter(({ desired }) => desired > 0),
    [{ set: unverified, kept }],
    seen,
  )
}

function othersOf({ name }: SetSeen, seen: Observation): readonly SetSeen[] {
  return seen.sets.filter(set => set.name !== name)
}
