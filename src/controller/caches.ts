/** What the controller knows of the cluster: its watches, and the ways from their objects to a release. */
import type { Cluster, ObjectRef, Watching } from '../cluster/port.ts'
import {
  controllerRevisions,
  deployments,
  ingresses,
  pods,
  replicaSets,
  services,
  targetGroupBindings,
} from '../cluster/resources.ts'
import { PREFIX, STATE } from '../core/annotations.ts'
import { isName, type KeptDeployment, type KeptReplicaSet } from '../core/kept.ts'
import type { ControllerRevision, KubernetesObject, Pod } from '../core/kubernetes.ts'
import { baselineName, canaryName, nameHash, OF_LABEL, TRACK_LABEL } from '../core/names.ts'
import type { Gathered } from '../core/observe.ts'
import { controllerOf } from '../core/owner-reference.ts'
import { watchAutoscalers } from './autoscalers.ts'
import { ByKey } from './by-key.ts'
import { watchNamespaced } from './namespaced.ts'
import { keyOf, refOf } from './refs.ts'
import {
  slimBinding,
  slimDeployment,
  slimIngress,
  slimPod,
  slimReplicaSet,
  slimService,
  withoutBallast,
} from './slim.ts'
import { type Tests, watchTests } from './tests.ts'

export interface Caches {
  readonly deployments: Watching<KeptDeployment>
  readonly replicaSets: Watching<KeptReplicaSet>
  readonly snapshots: Watching<ControllerRevision>
  readonly tests: Tests
  isSynced(): boolean
  readonly synced: Promise<void>
  /** Everything about one Deployment; undefined when it is not (or no longer) ours to look after. */
  gather(ref: ObjectRef): Omit<Gathered, 'refused'> | undefined
  /** How many Deployments are looked after. */
  count(): number
  /** Keys of those with a release that lives or with something left of one: where there is work to do. */
  unsettled(): readonly string[]
  stop(): void
}

/** @param enqueue called with the key of each release that a change may matter to */
export function startCaches(cluster: Cluster, enqueue: (key: string) => void): Caches {
  const names = new Map<string, string>()
  /** Keys of Deployments that say themselves that there is work. */
  const restless = new Set<string>()
  /** `namespace/hash`, as the label says whose they are, of all canaries, baselines, and ways to canaries. */
  const canaries = new Set<string>()
  const baselines = new Set<string>()
  const canaryServices = new Set<string>()
  const previews = new Set<string>()
  const podsByRelease = new ByKey<Pod>(pod => releaseOf(pod).map(release => `${trackOf(pod)}:${release}`))
  const snapshots = new ByKey<ControllerRevision>(ownerOrRelease)

  const enqueueRelease = (object: KubernetesObject): void => {
    const [release] = releaseOf(object)
    const name = release === undefined ? undefined : names.get(release)
    if (name !== undefined) enqueue(keyOf({ ...object.metadata, name }))
  }

  /** Those of a namespace with something going on. */
  const enqueueNamespace = ({ metadata }: KubernetesObject): void => {
    const prefix = `${metadata.namespace ?? 'default'}/`
    for (const key of restless) if (key.startsWith(prefix)) enqueue(key)
  }

  const tests = watchTests(cluster, enqueueRelease, enqueueNamespace)

  /** Whether anything of ours stands beside a Deployment. */
  const isAnythingLeft = (release: string, uid = ''): boolean =>
    [canaries, baselines, canaryServices, previews].some(releases => releases.has(release)) ||
    [snapshots.get(release), snapshots.get(uid), tests.ownedBy(uid)].some(found => found.length > 0)

  const deploymentCache = cluster.watch<KeptDeployment>(
    deployments,
    { keep: isLookedAfter, slim: slimDeployment, packed: true },
    ({ object, type }) => {
      if (isSibling(object)) {
        note(isCanary(object) ? canaries : baselines, object, type)
        return enqueueRelease(object)
      }
      const { namespace = 'default', name } = object.metadata
      const release = `${namespace}/${nameHash(name)}`
      const key = keyOf(object.metadata)
      if (type === 'gone') names.delete(release)
      else names.set(release, name)
      const isQuiet = type === 'gone' || isResting(object)
      const wasRestless = restless.delete(key)
      if (!isQuiet) restless.add(key)
      // Ten thousand that are at rest are listed at the start: nothing is to be done for them.
      if (!isQuiet || wasRestless || isAnythingLeft(release, object.metadata.uid)) enqueue(key)
    },
  )
  const replicaSetCache = cluster.watch<KeptReplicaSet>(
    replicaSets,
    { slim: slimReplicaSet, packed: true },
    ({ object }) => {
      const owner = controllerOf(object)
      if (isSibling(object)) enqueueRelease(object)
      const key = owner && keyOf({ ...object.metadata, name: owner.name })
      if (key !== undefined && restless.has(key)) enqueue(key)
    },
  )
  const snapshotCache = cluster.watch(
    controllerRevisions,
    { labelSelector: OF_LABEL, slim: withoutBallast },
    change => {
      snapshots.take(change)
      enqueueRelease(change.object)
    },
  )
  // Only pods of canaries, baselines and tests have this label, and only while a release runs: nothing is watched in vain.
  const labelSelector = `${TRACK_LABEL} in (baseline,canary,test)`
  const podCache = cluster.watch(pods, { labelSelector, slim: slimPod }, change => {
    podsByRelease.take(change)
    enqueueRelease(change.object)
  })
  const enqueueFrom =
    (releases: Set<string>) =>
    (object: KubernetesObject, type: 'set' | 'gone'): void => {
      if (isCanary(object)) {
        note(releases, object, type)
        enqueueRelease(object)
      }
      enqueueNamespace(object)
    }
  const serviceCache = watchNamespaced(cluster, services, slimService, enqueueFrom(canaryServices))
  const ingressCache = watchNamespaced(cluster, ingresses, slimIngress, enqueueFrom(previews))
  const bindingCache = watchNamespaced(cluster, targetGroupBindings, slimBinding, enqueueNamespace, {
    optional: true,
  })

  const autoscalers = watchAutoscalers(cluster, ({ namespace, name }) => {
    if (names.get(`${namespace}/${nameHash(name)}`) === name) enqueue(keyOf({ namespace, name }))
  })

  const all = [
    deploymentCache,
    replicaSetCache,
    snapshotCache,
    podCache,
    serviceCache,
    ingressCache,
    bindingCache,
    tests,
    autoscalers,
  ]
  return {
    deployments: deploymentCache,
    replicaSets: replicaSetCache,
    snapshots: snapshotCache,
    tests,
    isSynced: () => all.every(cache => cache.isSynced),
    synced: Promise.all(all.map(cache => cache.synced)).then(() => undefined),
    count: () => names.size,
    unsettled() {
      const labelled = [...snapshotCache.list(), ...tests.list()].flatMap(releaseOf)
      const left = [...canaries, ...baselines, ...canaryServices, ...previews, ...labelled].flatMap(
        release => {
          const name = names.get(release)
          return name === undefined ? [] : keyOf({ ...refOf(release), name })
        },
      )
      return [...new Set([...restless, ...left])]
    },
    gather(ref) {
      const deployment = deploymentCache.get(ref)
      if (!deployment || isSibling(deployment)) return undefined
      const canary = deploymentCache.get({ namespace: ref.namespace, name: canaryName(ref.name) })
      const uid = deployment.metadata.uid ?? ''
      const release = `${ref.namespace}/${nameHash(ref.name)}`
      const baseline = deploymentCache.get({ namespace: ref.namespace, name: baselineName(ref.name) })
      const siblingPods = [
        ...podsByRelease.get(`canary:${release}`),
        ...podsByRelease.get(`baseline:${release}`),
      ]
      return {
        deployment,
        canary,
        baseline,
        // Unpacked when somebody looks at them: with most Deployments nothing goes on, and nobody does.
        get replicaSets() {
          const owners = [uid, canary?.metadata.uid, baseline?.metadata.uid]
          const owned = owners.flatMap(owner => replicaSetCache.ownedBy(owner ?? ''))
          return [...owned, ...othersOf(siblingPods, owned, replicaSetCache)]
        },
        snapshots: [...snapshots.get(uid), ...snapshots.get(release)],
        pods: siblingPods,
        services: serviceCache.of(ref.namespace),
        bindings: bindingCache.of(ref.namespace),
        ingresses: ingressCache.of(ref.namespace),
        tests: tests.ownedBy(uid),
        testPods: podsByRelease.get(`test:${release}`),
        cronJob: name => tests.cronJob({ namespace: ref.namespace, name }),
        autoscalers: autoscalers.of(ref),
      }
    },
    stop: () => {
      for (const cache of all) cache.stop()
    },
  }
}

/** Deployments with anything of ours on them: the users' by annotation, canaries and baselines by label. */
function isLookedAfter(deployment: KeptDeployment): boolean {
  if (isSibling(deployment)) return true
  return Object.keys(deployment.metadata.annotations ?? {}).some(
    key => key === STATE || key.startsWith(PREFIX),
  )
}

/** No release lives and nothing of one is left on it (slim.ts keeps what is), as with most most of the time. */
function isResting({ metadata, spec, status }: KeptDeployment): boolean {
  if (!isName(spec.template) || metadata.managedFields) return false
  return !(status?.conditions ?? []).some(({ type }) => OUR_CONDITIONS.has(type))
}

const OUR_CONDITIONS = new Set(['Reconciling', 'Stalled'])

function isCanary(object: KubernetesObject): boolean {
  return trackOf(object) === 'canary'
}

/** A Deployment that we run beside the user's. */
function isSibling(object: KubernetesObject): boolean {
  return isCanary(object) || trackOf(object) === 'baseline'
}

function trackOf({ metadata }: KubernetesObject): string | undefined {
  return metadata.labels?.[TRACK_LABEL]
}

/** `namespace/hash of the Deployment's name`, from our label. */
function releaseOf({ metadata }: KubernetesObject): readonly string[] {
  const of = metadata.labels?.[OF_LABEL]
  return of === undefined ? [] : [`${metadata.namespace ?? 'default'}/${of}`]
}

/** Keeps which releases have an object of a kind. */
function note(releases: Set<string>, object: KubernetesObject, type: 'set' | 'gone'): void {
  for (const release of releaseOf(object)) {
    if (type === 'gone') releases.delete(release)
    else releases.add(release)
  }
}

/** The ReplicaSets of pods whose canary or baseline went: as a rule there are none. */
function othersOf(
  siblingPods: readonly Pod[],
  owned: readonly KeptReplicaSet[],
  cache: Watching<KeptReplicaSet>,
): readonly KeptReplicaSet[] {
  const known = new Set(owned.map(({ metadata }) => metadata.uid))
  const names = new Map<string, string>()
  for (const pod of siblingPods) {
    const owner = controllerOf(pod)
    if (owner && !known.has(owner.uid)) names.set(owner.name, pod.metadata.namespace ?? 'default')
  }
  return [...names].flatMap(([name, namespace]) => cache.get({ namespace, name }) ?? [])
}

/** A snapshot that lost its owner, by an orphaning deletion, belongs to whoever has the name: to be taken up or away. */
function ownerOrRelease(snapshot: KubernetesObject): readonly string[] {
  const owner = controllerOf(snapshot)
  return owner ? [owner.uid] : releaseOf(snapshot)
}
