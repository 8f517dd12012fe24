import type { Mend } from '../decision.ts'
import type { Observation, SetSeen } from '../observe.ts'
import { limits } from '../replicas.ts'

/** A ReplicaSet that has to give its pods up, and how many of them it keeps until others cover them. */
export interface Giving {
  readonly set: SetSeen
  readonly kept: number
}

/**
 * The next sizes of ReplicaSets of a paused Deployment whose pods shall take the place of others': the largest of
 * those that may have pods grows as the others shrink.
 *
 * @param taking those that may have pods
 * @returns all to be written at once
 */
export function exchange(
  taking: readonly SetSeen[],
  giving: readonly Giving[],
  seen: Observation,
): readonly Mend[] {
  const [first, ...others] = [...taking].sort((one, other) => other.desired - one.desired)
  if (!first || giving.length === 0) return scaled(giving.map(({ set, kept }) => [set, kept]))
  const beside = others.reduce((sum, set) => sum + set.desired, 0)
  const wanted = (agreed: readonly Giving[]) => {
    const replicas = Math.max(first.desired, takenOver(first.desired, beside, agreed, seen))
    return [[first, replicas], ...agreed.map(({ set, kept }) => [set, kept] as const)] as const
  }
  if (!isUndone(first, wanted(giving)[0][1], beside, giving, seen)) return scaled(wanted(giving))
  // Those that are starting may settle it.
  if (first.available < first.desired) return []
  return scaled(wanted(giving.map(({ set, kept }) => ({ set, kept: Math.min(kept, first.desired - 1) }))))
}

/**
 * Whether the Deployment controller would put everything back if it looked between the two writes: what is added to the
 * one it would take from it, and what is taken from the other it would give it again. It may always be the faster one.
 * It cannot do so to a ReplicaSet that is the smaller one by then, for which one pod more has to go than is covered.
 */
function isUndone(
  { desired }: SetSeen,
  replicas: number,
  beside: number,
  giving: readonly Giving[],
  seen: Observation,
): boolean {
  const sum = giving.reduce((total, { set }) => total + set.desired, beside)
  const isTaken = sum + replicas > limits(seen.replicas, seen.strategy).ceiling
  const isLargest = giving.every(({ set }) => replicas >= set.desired)
  return isTaken && isLargest && giving.some(({ kept }) => kept > 0 && kept >= desired)
}

function scaled(sizes: readonly (readonly [SetSeen, number])[]): readonly Mend[] {
  return sizes
    .filter(([set, replicas]) => replicas !== set.desired)
    .map(([{ name }, replicas]) => ({ kind: 'scale', name, replicas }))
}

/**
 * How many pods the ReplicaSet shall have that takes over from others.
 *
 * The Deployment controller holds the sum of all ReplicaSets of a paused Deployment that have pods at spec.replicas +
 * maxSurge: what is missing it gives to the largest of them, what is too much it takes from the largest, ready or not
 * (pkg/controller/deployment sync.go scale). So what one gives and another takes leaves the sum as it is. And as long
 * as the one that takes is much smaller, it does not become the largest: should the Deployment controller look between
 * the two writes, it takes from the others.
 *
 * @param taking its present number of pods, 0 when it has to be made
 * @param beside pods of ReplicaSets that neither give nor take
 */
export function takenOver(
  taking: number,
  beside: number,
  giving: readonly Giving[],
  { replicas, strategy }: Observation,
): number {
  const kept = giving.reduce((sum, one) => sum + one.kept, 0)
  const whole = replicas - beside
  if (kept === 0) return whole
  const most = Math.min(whole, limits(replicas, strategy).ceiling - beside - kept)
  const largest = Math.max(...giving.map(({ set }) => set.desired))
  return taking < largest - 1 ? Math.min(most, largest - 1) : most
}
