/**
 * What the cluster looks like, in the words that decisions are made in. Pure: objects in, an Observation out.
 */
import { byName } from './by-name.ts'
import { leakOf } from './canary-service.ts'
import { OURS } from './conditions.ts'
import { isolateTemplate } from './gate.ts'
import { isName, type KeptDeployment, type KeptReplicaSet } from './kept.ts'
import type {
  Condition,
  ControllerRevision,
  CronJob,
  DeploymentSpec,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  Pod,
  ReplicaSet,
  Service,
  TargetGroupBinding,
} from './kubernetes.ts'
import { controllerOf, isControlledBy } from './owner-reference.ts'
import { isIsolated, ourSibling, type SiblingSeen, seeSibling, strangerOf } from './siblings.ts'
import { readSets } from './snapshot-data.ts'
import { readState } from './state.ts'
import { references, templateHash } from './template.ts'
import { readTest, type TestSeen } from './test-job.ts'

/** The objects that one Deployment's release is about, as the caches have them. */
export interface Gathered {
  readonly deployment: KeptDeployment
  /** ReplicaSets of the Deployment, of the canary, of the baseline and of `pods`; those of others are left out here, by owner. */
  readonly replicaSets: readonly KeptReplicaSet[]
  /** Whatever Deployment has the canary's name. */
  readonly canary: KeptDeployment | undefined
  /** Whatever Deployment has the baseline's name. */
  readonly baseline?: KeptDeployment | undefined
  readonly snapshots: readonly ControllerRevision[]
  /** Pods with the canary's labels, and with the baseline's. */
  readonly pods: readonly Pod[]
  readonly services?: InNamespace<Service>
  readonly ingresses?: InNamespace<Ingress>
  /** None where the cluster has no such kind. */
  readonly bindings?: InNamespace<TargetGroupBinding>
  /** Test Jobs of the Deployment, of any release, and their pods. */
  readonly tests?: readonly Job[]
  readonly testPods?: readonly Pod[]
  /** A CronJob of the namespace, by name. */
  readonly cronJob?: (name: string) => CronJob | undefined
  /** Those that scale the Deployment. */
  readonly autoscalers?: readonly HorizontalPodAutoscaler[] | undefined
  /** The last refusal of a write of ours for this release, in the API server's words. */
  readonly refused?: string | undefined
  /** The canary could not be made because something of its name exists that is not ours. */
  readonly nameTaken?: boolean | undefined
  /** The same of the baseline. */
  readonly baselineNameTaken?: boolean | undefined
}

/** The objects of a kind in the Deployment's namespace. To look at them costs: most releases have no need to. */
export interface InNamespace<T> {
  get(name: string): T | undefined
  all(): readonly T[]
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

export interface CanarySeen extends SiblingSeen {
  /** Pods whose containers are ready, whether they take requests or not. */
  readonly running: number
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
  readonly baseline: SiblingSeen | undefined
  /** The same as `stranger` of the baseline's name. */
  readonly baselineStranger: string | undefined
  /** Pods of our canary that are not being deleted. */
  readonly pods: readonly Pod[]
  /** How many pods of a former canary or baseline are still there: its ReplicaSet was deleted, and theirs is yet to come. */
  readonly leaving: number
  /** Test Jobs of this Deployment, of any release. */
  readonly tests: readonly TestSeen[]
  /** What would send requests to the canary although it is isolated: a sentence. */
  readonly leak: string | undefined
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
  const baseline = ourBaseline(gathered)
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
    canary: canary && seeCanary(canary, gathered),
    stranger: strangerOf(gathered.canary, deployment, 'canary', gathered.nameTaken ?? false),
    baseline: baseline && seeSibling(baseline, deployment),
    baselineStranger: strangerOf(
      gathered.baseline,
      deployment,
      'baseline',
      gathered.baselineNameTaken ?? false,
    ),
    pods: podsOf(canary, gathered),
    leaving: countLeaving([canary, baseline], gathered),
    tests: (gathered.tests ?? []).map(job => readTest(job, gathered.testPods ?? [])),
    leak: leak(canary, gathered),
    rolledOut: isRolledOut(deployment),
    stalled: stalled(deployment),
    stableFailure: stableFailure(deployment, owned),
    referencesChanged: referencesChanged(deployment, owned),
    conditions: deployment.status?.conditions ?? [],
    refused: gathered.refused,
  }
}

/** The canary, if what has its name is ours to touch. */
export function ourCanary({ deployment, canary }: Gathered): KeptDeployment | undefined {
  return ourSibling(canary, deployment, 'canary')
}

export function ourBaseline({ deployment, baseline }: Gathered): KeptDeployment | undefined {
  return ourSibling(baseline, deployment, 'baseline')
}

/** A ScaledObject of KEDA works through an autoscaler of its own making: people know it by their name for it. */
function autoscalerOf({ autoscalers = [] }: Gathered): string | undefined {
  const [first] = byName(autoscalers)
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

function seeCanary(canary: KeptDeployment, gathered: Gathered): CanarySeen {
  const running = podsOf(canary, gathered).filter(hasReadyContainers).length
  return { ...seeSibling(canary, gathered.deployment), running }
}

function hasReadyContainers({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, status }) => type === 'ContainersReady' && status === 'True') ?? false
  )
}

/** A gate keeps pods out of ready endpoints only; and a label may not be what the Services ask for. */
function leak(
  canary: KeptDeployment | undefined,
  { deployment, services, bindings }: Gathered,
): string | undefined {
  if (!canary || !isIsolated(canary) || isName(deployment.spec.template)) return undefined
  const read = readState(deployment.metadata.annotations)
  const key = read.kind === 'ok' ? read.state.isolate : undefined
  const template = isolateTemplate(deployment.spec.template, key)
  return leakOf(services?.all() ?? [], bindings?.all() ?? [], template)
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

/** What a baseline runs: the one ReplicaSet of the accepted version; undefined where a mix of several serves. */
export function acceptedSet({ snapshots, deployment }: Gathered): ReplicaSet | undefined {
  const sets = seeSnapshot(snapshots, deployment)?.sets ?? []
  return sets.length === 1 ? sets[0] : undefined
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
 * orphaned are not waited for: the next one takes them over.
 */
function countLeaving(present: readonly (KeptDeployment | undefined)[], gathered: Gathered): number {
  const uids = new Set(present.flatMap(sibling => [...setsOf(sibling, gathered)]))
  return gathered.pods.filter(pod => {
    const owner = controllerOf(pod)
    if (pod.metadata.deletionTimestamp !== undefined || !owner || uids.has(owner.uid)) return false
    const set = gathered.replicaSets.find(({ metadata }) => metadata.uid === owner.uid)
    return set === undefined || controllerOf(set) !== undefined
  }).length
}

function setsOf(owner: KeptDeployment | undefined, { replicaSets }: Gathered): ReadonlySet<string> {
  const sets = owner ? replicaSets.filter(set => isControlledBy(set, owner)) : []
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
