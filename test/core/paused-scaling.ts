/**
 * What the Deployment controller does to the ReplicaSets of a paused Deployment, line by line.
 * Source: k8s.io/kubernetes pkg/controller/deployment sync.go scale, util GetReplicaSetProportion and IsSaturated.
 */

export interface ScaledSet {
  readonly name: string
  readonly desired: number
  readonly available: number
  /** Its annotation deployment.kubernetes.io/max-replicas: the sum that it was scaled for last. */
  readonly scaledFor: number | undefined
}

export interface Scaling {
  readonly replicas: number
  /** spec.replicas + maxSurge. */
  readonly ceiling: number
  /** The ReplicaSet of the stored template, if there is one. */
  readonly newest: string | undefined
}

/** @param sets oldest first @returns the new sizes, by name */
export function scaledPaused(
  sets: readonly ScaledSet[],
  { replicas, ceiling, newest }: Scaling,
): ReadonlyMap<string, number> {
  const active = sets.filter(set => set.desired > 0)
  if (active.length < 2) {
    const only = active[0] ?? sets.find(({ name }) => name === newest) ?? sets.at(-1)
    return new Map(only ? [[only.name, replicas]] : [])
  }
  const saturated = sets.find(
    ({ name, desired, available }) => name === newest && desired === replicas && available >= replicas,
  )
  if (saturated) return new Map(active.filter(set => set !== saturated).map(({ name }) => [name, 0]))

  const allowed = replicas > 0 ? ceiling : 0
  const more = allowed - active.reduce((sum, { desired }) => sum + desired, 0)
  const age = (set: ScaledSet) => sets.indexOf(set)
  // The largest first; of equals the newer one where pods are added, the older one where some go.
  const order = [...active].sort((one, other) =>
    one.desired !== other.desired
      ? other.desired - one.desired
      : more > 0
        ? age(other) - age(one)
        : age(one) - age(other),
  )
  const sizes = new Map<string, number>()
  let added = 0
  for (const { name, desired, scaledFor = allowed } of order) {
    const share = replicas === 0 ? -desired : Math.round((desired * allowed) / scaledFor) - desired
    const left = more - added
    const part = more === 0 || left === 0 ? 0 : more > 0 ? Math.min(share, left) : Math.max(share, left)
    sizes.set(name, desired + part)
    added += part
  }
  const [first] = order
  if (first) sizes.set(first.name, Math.max(0, (sizes.get(first.name) ?? 0) + more - added))
  return sizes
}
