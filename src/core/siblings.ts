/** The Deployments that Canaryhook runs beside the user's: whether one that has their name is ours, and how it fares. */
import { ISOLATED_LABEL, OPENED } from './gate.ts'
import type { KeptDeployment } from './kept.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { nameHash, OF_LABEL, RELEASE_LABEL, TRACK_LABEL } from './names.ts'
import { controllerOf, isControlledBy } from './owner-reference.ts'
import type { Fleet } from './replicas.ts'

/** What it runs: the version that is tried, or fresh pods of the accepted one. The value of our label. */
export type Track = 'canary' | 'baseline'

export interface SiblingSeen extends Fleet {
  /** It takes no requests: its pods are gated, or left out of the Services by a label. */
  readonly isolated: boolean
  /** Hash of the template it was made of; '' when its label is gone. */
  readonly release: string
  /** It carries our labels but nobody owns it: a restored backup, or somebody orphaned it. */
  readonly orphan: boolean
  readonly deleting: boolean
  /** Why the last pod could not be made: the message of its ReplicaFailure condition. */
  readonly failure: string | undefined
}

/** What has a sibling's name, if it is ours to touch: owned by the Deployment, or labelled by us and owned by nobody. */
export function ourSibling(
  found: KeptDeployment | undefined,
  deployment: KeptDeployment,
  track: Track,
): KeptDeployment | undefined {
  if (!found || isControlledBy(found, deployment)) return found
  const labels = found.metadata.labels ?? {}
  const labelled = labels[TRACK_LABEL] === track && labels[OF_LABEL] === nameHash(deployment.metadata.name)
  return labelled && controllerOf(found) === undefined ? found : undefined
}

/** Whose it is, in words, where it is not ours. @param isTaken whether making it showed that there is one */
export function strangerOf(
  found: KeptDeployment | undefined,
  deployment: KeptDeployment,
  track: Track,
  isTaken: boolean,
): string | undefined {
  if (ourSibling(found, deployment, track)) return undefined
  if (found) return isLeftBehind(found, deployment, track) ? undefined : describeOwner(found)
  return isTaken ? 'it was not made by Canaryhook' : undefined
}

/** What is left of a former Deployment of the same name is nobody's: the garbage collector is about to take it. */
function isLeftBehind(found: KeptDeployment, { metadata }: KeptDeployment, track: Track): boolean {
  const { kind, name } = controllerOf(found) ?? {}
  return found.metadata.labels?.[TRACK_LABEL] === track && kind === 'Deployment' && name === metadata.name
}

function describeOwner(object: KubernetesObject): string {
  const owner = controllerOf(object)
  return owner ? `it belongs to ${owner.kind} ${owner.name}` : 'it was not made by Canaryhook'
}

/** What a canary and a baseline have in common. @param deployment the user's */
export function seeSibling(sibling: KeptDeployment, deployment: KeptDeployment): SiblingSeen {
  const { metadata, spec, status } = sibling
  const desired = spec.replicas ?? 1
  const settled = status?.observedGeneration === metadata.generation
  const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  return {
    release: metadata.labels?.[RELEASE_LABEL] ?? '',
    isolated: isIsolated(sibling),
    orphan: !isControlledBy(sibling, deployment),
    deleting: metadata.deletionTimestamp !== undefined,
    desired,
    existing: Math.max(desired, status?.replicas ?? 0),
    available: isIsolated(sibling) ? 0 : serving(sibling),
    unsettled: !settled,
    failure:
      settled && failure?.status === 'True' ? (failure.message ?? failure.reason ?? failure.type) : undefined,
  }
}

/**
 * Its available pods; of one that was tested alone only those of its present template: the tested pod may be
 * available, by a label, and still serves nobody.
 */
function serving({ metadata, status = {} }: KeptDeployment): number {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  if (metadata.labels?.[ISOLATED_LABEL] !== OPENED) return availableReplicas
  return Math.max(0, availableReplicas - Math.max(0, replicas - updatedReplicas))
}

export function isIsolated(sibling: KeptDeployment): boolean {
  return sibling.metadata.labels?.[ISOLATED_LABEL] === 'true'
}
