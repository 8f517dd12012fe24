/**
 * What the cluster looks like, in the words that decisions are made in. Pure: objects in, an Observation out.
 */

import { OURS } from './conditions.ts'
import { isName, type KeptDeployment, type KeptReplicaSet } from './kept.ts'
import type {
  Condition,
  ControllerRevision,
  DeploymentSpec,
  HorizontalPodAutoscaler,
  KubernetesObject,
  Pod,
  ReplicaSet,
} from './kubernetes.ts'
import { nameHash, OF_LABEL, RELEASE_LABEL, TRACK_LABEL } from './names.ts'
import type { Fleet } from './replicas.ts'
import { readSets } from './snapshot-data.ts'
import { references, templateHash } from './template.ts'

/** The objects that one Deployment's release is about, as the caches have them. */
export interface Gathered {
  readonly deployment: KeptDeployment
  /** ReplicaSets of the Deployment, of the canary and of `pods`; those of others are left out here, by owner. */
  readonly replicaSets: readonly KeptReplicaSet[]
  /** Whatever Deployment has the canary's name. */
  readonly canary: KeptDeployment | undefined
  readonly snapshots: readonly ControllerRevision[]
  /** Pods with the canary's labels. */
  readonly pods: readonly Pod[]
  /** Those that scale the Deployment. */
  readonly autoscalers?: readonly HorizontalPodAutoscaler[] | undefined
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
  /** Who changes spec.replicas all the time, in words; undefined where no autoscaler does. */
  readonly autoscaler: string | undefined
  /** Hash of the stored template. */
  readonly template: string
  readonly sets: readonly SetSeen[]
  /** Available pods by the Deployment's own status. News of it and of `sets` come by different watches. */
  readonly available: number
  readonly snapshot: SnapshotSeen | undefined
  readonly canary: CanarySeen | undefined
  /** An object of the canary's name that is not ours: whose it is, in words. */
  readonly stranger: string | undefined
  /** Pods of our canary that are not being deleted. */
  readonly pods: readonly Pod[]
  /** How many pods of a former canary are still there: its ReplicaSet was deleted, and theirs is yet to come. */
  readonly leaving: number
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
    autoscaler: autoscalerOf(gathered),
    template: templateHash(deployment.spec.template),
    sets: owned.map(seeSet),
    available: deployment.status?.availableReplicas ?? 0,
    snapshot: seeSnapshot(gathered.snapshots, deployment),
    canary: canary && seeCanary(canary, deployment),
    stranger: canary ? undefined : strangerOf(gathered),
    pods: podsOf(canary, gathered),
    leaving: countLeaving(canary, gathered),
    rolledOut: isRolledOut(deployment),
    stalled: stalled(deployment),
    stableFailure: stableFailure(deployment, owned),
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
export function ourCanary({ deployment, canary }: Gathered): KeptDeployment | undefined {
  if (!canary || isControlledBy(canary, deployment)) return canary
  const labels = canary.metadata.labels ?? {}
  const labelled = labels[TRACK_LABEL] === 'canary' && labels[OF_LABEL] === nameHash(deployment.metadata.name)
  return labelled && controllerOf(canary) === undefined ? canary : undefined
}

/** What is left of a former Deployment of the same name is nobody's: the garbage collector is about to take it. */
function strangerOf({ deployment, canary, nameTaken }: Gathered): string | undefined {
  if (canary) return isLeftBehind(canary, deployment) ? undefined : describeOwner(canary)
  return nameTaken ? 'it was not made by Canaryhook' : undefined
}

function isLeftBehind(canary: KeptDeployment, { metadata }: KeptDeployment): boolean {
  const { kind, name } = controllerOf(canary) ?? {}
  return canary.metadata.labels?.[TRACK_LABEL] === 'canary' && kind === 'Deployment' && name === metadata.name
}

function describeOwner(object: KubernetesObject): string {
  const owner = controllerOf(object)
  return owner ? `it belongs to ${owner.kind} ${owner.name}` : 'it was not made by Canaryhook'
}

/** A ScaledObject of KEDA works through an autoscaler of its own making: people know it by their name for it. */
function autoscalerOf({ autoscalers = [] }: Gathered): string | undefined {
  const [first] = [...autoscalers].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  if (!first) return undefined
  const { kind, name } = controllerOf(first) ?? { kind: 'HorizontalPodAutoscaler', name: first.metadata.name }
  return `${kind} ${name}`
}

function seeSet(set: KeptReplicaSet): SetSeen {
  const desired = set.spec.replicas ?? 1
  return {
    name: set.metadata.name,
    uid: set.metadata.uid ?? '',
    hash: templateHash(set.spec.template),
    desired,
    existing: Math.max(desired, set.status?.replicas ?? 0),
    // Told to shrink, it still counts, for a moment, the pods that it has just deleted.
    available: Math.min(desired, set.status?.availableReplicas ?? 0),
    settled: (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0),
  }
}

function seeCanary(canary: KeptDeployment, deployment: KeptDeployment): CanarySeen {
  const desired = canary.spec.replicas ?? 1
  const settled = canary.status?.observedGeneration === canary.metadata.generation
  return {
    release: canary.metadata.labels?.[RELEASE_LABEL] ?? '',
    orphan: !isControlledBy(canary, deployment),
    deleting: canary.metadata.deletionTimestamp !== undefined,
    desired,
    existing: Math.max(desired, canary.status?.replicas ?? 0),
    available: canary.status?.availableReplicas ?? 0,
    unsettled: !settled,
    failure: settled ? message(canary, 'ReplicaFailure', 'True') : undefined,
  }
}

function seeSnapshot(
  snapshots: readonly ControllerRevision[],
  owner: KeptDeployment,
): SnapshotSeen | undefined {
  const newest = snapshots
    .filter(snapshot => isControlledBy(snapshot, owner))
    .sort((a, b) => b.revision - a.revision)[0]
  if (!newest) return undefined
  const sets = snapshotSets(newest)
  return { name: newest.metadata.name, sets, hashes: sets.map(set => templateHash(set.spec.template)) }
}

/** The ReplicaSets that a snapshot holds; none when its data are not what we write. */
export function snapshotSets(snapshot: ControllerRevision): readonly ReplicaSet[] {
  return readSets(snapshot.data)
}

function podsOf(canary: KeptDeployment | undefined, gathered: Gathered): readonly Pod[] {
  const uids = setsOf(canary, gathered)
  return gathered.pods.filter(pod => {
    const owner = controllerOf(pod)
    return pod.metadata.deletionTimestamp === undefined && owner !== undefined && uids.has(owner.uid)
  })
}

/**
 * The garbage collector takes the pods some time after their Deployment. Those of a ReplicaSet that somebody
 * orphaned are not waited for: the next canary takes them over.
 */
function countLeaving(canary: KeptDeployment | undefined, gathered: Gathered): number {
  const uids = setsOf(canary, gathered)
  return gathered.pods.filter(pod => {
    const owner = controllerOf(pod)
    if (pod.metadata.deletionTimestamp !== undefined || !owner || uids.has(owner.uid)) return false
    const set = gathered.replicaSets.find(({ metadata }) => metadata.uid === owner.uid)
    return set === undefined || controllerOf(set) !== undefined
  }).length
}

function setsOf(canary: KeptDeployment | undefined, { replicaSets }: Gathered): ReadonlySet<string> {
  const sets = canary ? replicaSets.filter(set => isControlledBy(set, canary)) : []
  return new Set(sets.map(set => set.metadata.uid ?? ''))
}

function isSettled({ metadata, status }: KeptDeployment): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

/** The same condition as we set on a failed release is ours, and says nothing of a rollout. */
function stalled(deployment: KeptDeployment): string | undefined {
  if (deployment.spec.paused || !isSettled(deployment)) return undefined
  const told = message(deployment, 'Progressing', 'False', 'ProgressDeadlineExceeded')
  return told?.startsWith(OURS) ? undefined : told
}

/** Source: k8s.io/kubernetes pkg/controller/deployment/util DeploymentComplete. */
function isRolledOut(deployment: KeptDeployment): boolean {
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

/** Known of whole templates only, as they are while a release lives and of every ReplicaSet that serves. */
function referencesChanged({ spec }: KeptDeployment, owned: readonly KeptReplicaSet[]): boolean {
  const { template } = spec
  if (isName(template)) return false
  const wanted = references(template).join()
  const serving = owned.filter(set => (set.status?.availableReplicas ?? 0) > 0)
  return serving.some(set => !isName(set.spec.template) && references(set.spec.template).join() !== wanted)
}

/**
 * While a Deployment is paused its controller leaves its ReplicaFailure condition as it was; the ReplicaSets have
 * their own. Source: k8s.io/kubernetes pkg/controller/deployment sync.go calculateStatus, progress.go.
 */
function stableFailure(deployment: KeptDeployment, owned: readonly KeptReplicaSet[]): string | undefined {
  if (!deployment.spec.paused) return message(deployment, 'ReplicaFailure', 'True')
  const failures = owned
    .filter(({ spec }) => (spec.replicas ?? 1) > 0)
    .map(set => message(set, 'ReplicaFailure', 'True'))
  return failures.find(failure => failure !== undefined)
}

function message(
  { status: seen }: { readonly status?: { readonly conditions?: readonly Condition[] } },
  type: string,
  status: Condition['status'],
  reason?: string,
): string | undefined {
  const found = seen?.conditions?.find(condition => condition.type === type)
  if (found?.status !== status || (reason !== undefined && found.reason !== reason)) return undefined
  return found.message ?? found.reason ?? type
}
