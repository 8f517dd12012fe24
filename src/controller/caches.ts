/** What the controller knows of the cluster: four watches, and the ways from their objects to a release. */
import type { Change, Cluster, ObjectRef, Watching } from '../cluster/port.ts'
import { controllerRevisions, deployments, pods, replicaSets } from '../cluster/resources.ts'
import { PREFIX, STATE } from '../core/annotations.ts'
import type { ControllerRevision, Deployment, KubernetesObject, Pod, ReplicaSet } from '../core/kubernetes.ts'
import { canaryName, nameHash, OF_LABEL, TRACK_LABEL } from '../core/names.ts'
import type { Gathered } from '../core/observe.ts'

export interface Caches {
  readonly deployments: Watching<Deployment>
  readonly replicaSets: Watching<ReplicaSet>
  readonly snapshots: Watching<ControllerRevision>
  isSynced(): boolean
  readonly synced: Promise<void>
  /** Everything about one Deployment; undefined when it is not (or no longer) ours to look after. */
  gather(ref: ObjectRef): Omit<Gathered, 'refused'> | undefined
  /** Keys of all Deployments that are looked after. */
  keys(): readonly string[]
  stop(): void
}

/** `namespace/name`, the key of a release in the queue. */
export function keyOf({ namespace, name }: { namespace?: string; name: string }): string {
  return `${namespace ?? 'default'}/${name}`
}

export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** @param enqueue called with the key of each release that a change may matter to */
export function startCaches(cluster: Cluster, enqueue: (key: string) => void): Caches {
  const names = new Map<string, string>()
  const setsByOwner = new ByKey<ReplicaSet>(set => ownerUids(set))
  const podsByRelease = new ByKey<Pod>(pod => releaseOf(pod))
  const snapshotsByOwner = new ByKey<ControllerRevision>(snapshot => ownerUids(snapshot))

  const enqueueRelease = (object: KubernetesObject): void => {
    const [release] = releaseOf(object)
    const name = release === undefined ? undefined : names.get(release)
    if (name !== undefined) enqueue(keyOf({ ...object.metadata, name }))
  }

  const deploymentCache = cluster.watch(
    deployments,
    { keep: isLookedAfter, slim: withoutBallast },
    ({ object, type }) => {
      if (isCanary(object)) return enqueueRelease(object)
      const { namespace = 'default', name } = object.metadata
      const release = `${namespace}/${nameHash(name)}`
      if (type === 'gone') names.delete(release)
      else names.set(release, name)
      enqueue(keyOf(object.metadata))
    },
  )
  const replicaSetCache = cluster.watch(replicaSets, { slim: withoutBallast }, change => {
    setsByOwner.take(change)
    const owner = change.object.metadata.ownerReferences?.find(({ controller }) => controller)
    const { namespace } = change.object.metadata
    if (isCanary(change.object)) enqueueRelease(change.object)
    if (owner && names.get(`${namespace}/${nameHash(owner.name)}`)) {
      enqueue(keyOf({ ...change.object.metadata, name: owner.name }))
    }
  })
  const snapshotCache = cluster.watch(
    controllerRevisions,
    { labelSelector: OF_LABEL, slim: withoutBallast },
    change => {
      snapshotsByOwner.take(change)
      enqueueRelease(change.object)
    },
  )
  // Only canary pods have this label, and only while a release runs: nothing is watched in vain.
  const podCache = cluster.watch(
    pods,
    { labelSelector: `${TRACK_LABEL}=canary`, slim: withoutBallast },
    change => {
      podsByRelease.take(change)
      enqueueRelease(change.object)
    },
  )

  const all = [deploymentCache, replicaSetCache, snapshotCache, podCache]
  const isUsers = (object: Deployment): boolean => !isCanary(object)
  return {
    deployments: deploymentCache,
    replicaSets: replicaSetCache,
    snapshots: snapshotCache,
    isSynced: () => all.every(cache => cache.isSynced),
    synced: Promise.all(all.map(cache => cache.synced)).then(() => undefined),
    keys: () =>
      deploymentCache
        .list()
        .filter(isUsers)
        .map(({ metadata }) => keyOf(metadata)),
    gather(ref) {
      const deployment = deploymentCache.get(ref)
      if (!deployment || isCanary(deployment)) return undefined
      const canary = deploymentCache.get({ namespace: ref.namespace, name: canaryName(ref.name) })
      const uid = deployment.metadata.uid ?? ''
      const canaryUid = canary?.metadata.uid ?? ''
      return {
        deployment,
        canary,
        replicaSets: [...setsByOwner.get(uid), ...setsByOwner.get(canaryUid)],
        snapshots: snapshotsByOwner.get(uid),
        pods: podsByRelease.get(`${ref.namespace}/${nameHash(ref.name)}`),
      }
    },
    stop: () => {
      for (const cache of all) cache.stop()
    },
  }
}

/** Deployments with anything of ours on them: the users' by annotation, canaries by label. */
function isLookedAfter(deployment: Deployment): boolean {
  if (isCanary(deployment)) return true
  return Object.keys(deployment.metadata.annotations ?? {}).some(
    key => key === STATE || key.startsWith(PREFIX),
  )
}

function isCanary(object: KubernetesObject): boolean {
  return object.metadata.labels?.[TRACK_LABEL] === 'canary'
}

/** `namespace/hash of the Deployment's name`, from our label. */
function releaseOf({ metadata }: KubernetesObject): readonly string[] {
  const of = metadata.labels?.[OF_LABEL]
  return of === undefined ? [] : [`${metadata.namespace ?? 'default'}/${of}`]
}

function ownerUids({ metadata }: KubernetesObject): readonly string[] {
  return (metadata.ownerReferences ?? []).filter(({ controller }) => controller).map(({ uid }) => uid)
}

/** What nobody of us reads; it is half of an object's size. */
function withoutBallast<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, annotations, ...metadata } = object.metadata
  const { 'kubectl.kubernetes.io/last-applied-configuration': __, ...kept } = annotations ?? {}
  return { ...object, metadata: { ...metadata, ...(annotations && { annotations: kept }) } }
}

/** Objects by a key that they name themselves. */
class ByKey<T extends KubernetesObject> {
  readonly #keys: (object: T) => readonly string[]
  readonly #objects = new Map<string, Map<string, T>>()

  constructor(keys: (object: T) => readonly string[]) {
    this.#keys = keys
  }

  get(key: string): readonly T[] {
    return [...(this.#objects.get(key)?.values() ?? [])]
  }

  take(change: Change<T>): void {
    const before = change.type === 'set' ? change.previous : change.object
    for (const key of before ? this.#keys(before) : []) this.#remove(key, before?.metadata.uid ?? '')
    if (change.type === 'gone') return
    for (const key of this.#keys(change.object)) {
      const objects = this.#objects.get(key) ?? new Map<string, T>()
      this.#objects.set(key, objects.set(change.object.metadata.uid ?? '', change.object))
    }
  }

  #remove(key: string, uid: string): void {
    const objects = this.#objects.get(key)
    objects?.delete(uid)
    if (objects?.size === 0) this.#objects.delete(key)
  }
}
