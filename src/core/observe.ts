/**
 * What the cluster looks like, in the words that decisions are made in. Pure: objects in, an Observation out.
 */

import { OURS } from './conditions.ts'
import type {
  Condition,
  ControllerRevision,
  Deployment,
  DeploymentSpec,
  KubernetesObject,
  Pod,
  ReplicaSet,
} from './kubernetes.ts'
import { nameHash, OF_LABEL, RELEASE_LABEL, TRACK_LABEL } from './names.ts'
import type { Fleet } from './replicas.ts'
import { references, templateHash } from './template.ts'

/** The objects that one Deployment's release is about, as the caches have them. */
export interface Gathered {
  readonly deployment: Deployment
  /** ReplicaSets of the namespace; those of others are left out here, by owner. */
  readonly replicaSets: readonly ReplicaSet[]
  /** Whatever Deployment has the canary's name. */
  readonly canary: Deployment | undefined
  readonly snapshots: readonly ControllerRevision[]
  /** Pods with the canary's labels. */
  readonly pods: readonly Pod[]
  /** The last refusal of a write of ours for this release, in the API server's words. */
  readonly refused?: string | undefined
  /** The canary could not be made because something of its name exists that is not ours. */
  readonly nameTaken?: boolean | undefined
}

/** A ReplicaSet of the user's Deployment. */
export interface SetSeen {
  readonly name: string
  readonly uid: string
  readonly hash: string
  readonly desired: number
  readonly existing: number
  readonly available: number
  /** The counts are of the stored size: what they say of a former one may have gone since. */
  readonly settled: boolean
}

export interface CanarySeen extends Fleet {
  /** The release it was made for; '' when its label is gone. */
  readonly release: string
  /** It carries our labels but nobody owns it: a restored backup, or somebody orphaned it. */
  readonly orphan: boolean
  readonly deleting: boolean
  /** Why the last pod could not be made: the message of its ReplicaFailure condition. */
  readonly failure: string | undefined
}

export interface Observation {
  readonly namespace: string
  readonly name: string
  /** The Deployment controller has seen the stored spec: what its ReplicaSets say is about it. */
  readonly settled: boolean
  readonly paused: boolean
  readonly replicas: number
  readonly strategy: DeploymentSpec['strategy']
  /** Hash of the stored template. */
  readonly template: string
  readonly sets: readonly SetSeen[]
  readonly snapshot: SnapshotSeen | undefined
  readonly canary: CanarySeen | undefined
  /** An object of the canary's name that is not ours: whose it is, in words. */
  readonly stranger: string | undefined
  /** Pods of our canary that are not being deleted. */
  readonly pods: readonly Pod[]
  /** The Deployment controller has seen the spec and every pod is of the stored template and available. */
  readonly rolledOut: boolean
  /** Its own message that the rollout does not get on, while it is not paused. */
  readonly stalled: string | undefined
  /** Why stable's pods cannot be made (quota, policy). */
  readonly stableFailure: string | undefined
  /** The stored template names other ConfigMaps or Secrets than a ReplicaSet that serves. */
  readonly referencesChanged: boolean
  readonly conditions: readonly Condition[]
  readonly refused: string | undefined
}

export interface SnapshotSeen {
  readonly name: string
  readonly sets: readonly ReplicaSet[]
  readonly hashes: readonly string[]
}

/** @returns what decide() needs to know; nothing in it refers to objects of others */
export function observe(gathered: Gathered): Observation {
  const { deployment } = gathered
  const owned = gathered.replicaSets.filter(set => isControlledBy(set, deployment))
  const canary = ourCanary(gathered)
  return {
    namespace: deployment.metadata.namespace ?? 'default',
    name: deployment.metadata.name,
    settled: isSettled(deployment),
    paused: deployment.spec.paused ?? false,
    replicas: deployment.spec.replicas ?? 1,
    strategy: deployment.spec.strategy,
    template: templateHash(deployment.spec.template),
    sets: owned.map(seeSet),
    snapshot: seeSnapshot(gathered.snapshots, deployment),
    canary: canary && seeCanary(canary, deployment),
    stranger: canary ? undefined : strangerOf(gathered),
    pods: canary ? podsOf(canary, gathered) : [],
    rolledOut: isRolledOut(deployment),
    stalled: stalled(deployment),
    stableFailure: message(deployment, 'ReplicaFailure', 'True'),
    referencesChanged: referencesChanged(deployment, owned),
    conditions: deployment.status?.conditions ?? [],
    refused: gathered.refused,
  }
}

/** Whether `owner` is the managing controller of `object`, by uid: names and labels of others prove nothing. */
export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid
}

function controllerOf(object: KubernetesObject) {
  return object.metadata.ownerReferences?.find(reference => reference.controller)
}

/** The canary, if what has its name is ours to touch: owned by the Deployment, or labelled by us and owned by nobody. */
export function ourCanary({ deployment, canary }: Gathered): Deployment | undefined {
  if (!canary || isControlledBy(canary, deployment)) return canary
  const labels = canary.metadata.labels ?? {}
  const labelled = labels[TRACK_LABEL] === 'canary' && labels[OF_LABEL] === nameHash(deployment.metadata.name)
  return labelled && controllerOf(canary) === undefined ? canary : undefined
}

function strangerOf({ canary, nameTaken }: Gathered): string | undefined {
  if (canary) return describeOwner(canary)
  return nameTaken ? 'it was not made by Canaryhook' : undefined
}

function describeOwner(object: KubernetesObject): string {
  const owner = controllerOf(object)
  return owner ? `it belongs to ${owner.kind} ${owner.name}` : 'it was not made by Canaryhook'
}

function seeSet(set: ReplicaSet): SetSeen {
  const desired = set.spec.replicas ?? 1
  return {
    name: set.metadata.name,
    uid: set.metadata.uid ?? '',
    hash: templateHash(set.spec.template),
    desired,
    existing: Math.max(desired, set.status?.replicas ?? 0),
    available: set.status?.availableReplicas ?? 0,
    settled: (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0),
  }
}

function seeCanary(canary: Deployment, deployment: Deployment): CanarySeen {
  const desired = canary.spec.replicas ?? 1
  const settled = canary.status?.observedGeneration === canary.metadata.generation
  return {
    release: canary.metadata.labels?.[RELEASE_LABEL] ?? '',
    orphan: !isControlledBy(canary, deployment),
    deleting: canary.metadata.deletionTimestamp !== undefined,
    desired,
    existing: Math.max(desired, canary.status?.replicas ?? 0),
    available: canary.status?.availableReplicas ?? 0,
    failure: settled ? message(canary, 'ReplicaFailure', 'True') : undefined,
  }
}

function seeSnapshot(snapshots: readonly ControllerRevision[], owner: Deployment): SnapshotSeen | undefined {
  const newest = snapshots
    .filter(snapshot => isControlledBy(snapshot, owner))
    .sort((a, b) => b.revision - a.revision)[0]
  if (!newest) return undefined
  const sets = snapshotSets(newest)
  return { name: newest.metadata.name, sets, hashes: sets.map(set => templateHash(set.spec.template)) }
}

/** The ReplicaSets that a snapshot holds; none when its data are not what we write. */
export function snapshotSets(snapshot: ControllerRevision): readonly ReplicaSet[] {
  const data = snapshot.data
  if (typeof data !== 'object' || data === null || !('replicaSets' in data)) return []
  return Array.isArray(data.replicaSets) ? (data.replicaSets as ReplicaSet[]) : []
}

function podsOf(canary: Deployment, gathered: Gathered): readonly Pod[] {
  const sets = gathered.replicaSets.filter(set => isControlledBy(set, canary))
  const uids = new Set(sets.map(set => set.metadata.uid))
  return gathered.pods.filter(pod => {
    const owner = controllerOf(pod)
    return pod.metadata.deletionTimestamp === undefined && owner !== undefined && uids.has(owner.uid)
  })
}

function isSettled({ metadata, status }: Deployment): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

/** The same condition as we set on a failed release is ours, and says nothing of a rollout. */
function stalled(deployment: Deployment): string | undefined {
  if (deployment.spec.paused || !isSettled(deployment)) return undefined
  const told = message(deployment, 'Progressing', 'False', 'ProgressDeadlineExceeded')
  return told?.startsWith(OURS) ? undefined : told
}

/** Source: k8s.io/kubernetes pkg/controller/deployment/util DeploymentComplete. */
function isRolledOut(deployment: Deployment): boolean {
  const { spec, status } = deployment
  const replicas = spec.replicas ?? 1
  return (
    !spec.paused &&
    isSettled(deployment) &&
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas &&
    (status?.availableReplicas ?? 0) === replicas
  )
}

function referencesChanged(deployment: Deployment, owned: readonly ReplicaSet[]): boolean {
  const wanted = references(deployment.spec.template).join()
  const serving = owned.filter(set => (set.status?.availableReplicas ?? 0) > 0)
  return serving.some(set => references(set.spec.template).join() !== wanted)
}

function message(
  deployment: Deployment,
  type: string,
  status: Condition['status'],
  reason?: string,
): string | undefined {
  const found = deployment.status?.conditions?.find(condition => condition.type === type)
  if (found?.status !== status || (reason !== undefined && found.reason !== reason)) return undefined
  return found.message ?? found.reason ?? type
}
