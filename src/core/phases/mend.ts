import type { Mend } from '../decision.ts'
import type { Observation } from '../observe.ts'
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
  const known = new Set(snapshot.sets.map(set => set.metadata.name))
  for (const set of seen.sets) {
    if (set.desired > 0 && !known.has(set.name)) wanted.push({ kind: 'scale', name: set.name, replicas: 0 })
  }
  return wanted
}
