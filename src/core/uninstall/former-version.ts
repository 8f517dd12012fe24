/** Which version a Deployment shall run when its release is given up, by the record of it and by what serves. */
import { type KeptDeployment, type KeptReplicaSet, whole } from '../kept.ts'
import type { ControllerRevision, ReplicaSet } from '../kubernetes.ts'
import { readSets } from '../snapshot-data.ts'
import { templateHash } from '../template.ts'

export type FormerVersion =
  /** The stored template serves already, or was accepted before: it may be rolled out. */
  | { readonly kind: 'stored' }
  /** The template of this ReplicaSet has to be put back first. */
  | { readonly kind: 'other'; readonly set: ReplicaSet }
  /** Nothing is recorded and nothing serves. */
  | { readonly kind: 'unknown' }

/** The Deployment controller numbers a Deployment's ReplicaSets, the newest highest. */
const REVISION = 'deployment.kubernetes.io/revision'

/**
 * The snapshot says what was accepted; without one, it is what serves. Of a mix of accepted versions it is the newest:
 * that is where the rollout that made the mix was going.
 *
 * @param sets its ReplicaSets
 * @param rejected hash of the template that is being released, '' where no controller has looked at it yet
 */
export function formerVersion(
  deployment: KeptDeployment,
  sets: readonly KeptReplicaSet[],
  snapshots: readonly ControllerRevision[],
  rejected: string,
): FormerVersion {
  const stored = templateHash(deployment.spec.template)
  const recorded = recordedIn(snapshots)
  if (recorded.length > 0) {
    if (recorded.some(({ spec }) => templateHash(spec.template) === stored)) return { kind: 'stored' }
    return other(recorded)
  }
  const serving = sets
    .filter(({ status }) => (status?.availableReplicas ?? 0) > 0)
    .filter(({ spec }) => templateHash(spec.template) !== rejected)
  if (serving.some(({ spec }) => templateHash(spec.template) === stored)) return { kind: 'stored' }
  return other(serving.map(whole))
}

/** The ReplicaSets in the newest snapshot. */
function recordedIn(snapshots: readonly ControllerRevision[]): readonly ReplicaSet[] {
  const [newest] = [...snapshots].sort((a, b) => b.revision - a.revision)
  return readSets(newest?.data)
}

function other(sets: readonly ReplicaSet[]): FormerVersion {
  const [newest] = [...sets].sort((a, b) => revisionOf(b) - revisionOf(a))
  return newest ? { kind: 'other', set: newest } : { kind: 'unknown' }
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[REVISION] ?? 0)
}
