/** Makers of the objects that Canaryhook creates. Pure. */
import type { KeptDeployment } from './kept.ts'
import type {
  ControllerRevision,
  Deployment,
  KubernetesEvent,
  KubernetesObject,
  OwnerReference,
  PodTemplate,
  ReplicaSet,
} from './kubernetes.ts'
import { canaryName, nameHash, OF_LABEL, RELEASE_LABEL, snapshotName, TRACK_LABEL } from './names.ts'
import { limits } from './replicas.ts'
import { printSets } from './snapshot-data.ts'
import { templateHash } from './template.ts'

/**
 * The canary Deployment: the stored template with our two labels, selected by the user's selector and these
 * labels, so that it never counts the pods of another.
 *
 * @param deployment the user's Deployment, with the template to try
 * @param replicas the number of canary pods
 */
export function makeCanary(deployment: Deployment, replicas: number): Deployment {
  const { name, namespace } = deployment.metadata
  const ours = { [TRACK_LABEL]: 'canary', [OF_LABEL]: nameHash(name) }
  const { selector, template, minReadySeconds, strategy } = deployment.spec
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: canaryName(name),
      ...(namespace !== undefined && { namespace }),
      labels: {
        ...copied(deployment.metadata.labels),
        ...ours,
        [RELEASE_LABEL]: templateHash(template),
      },
      annotations: copied(deployment.metadata.annotations),
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, ...ours } },
      template: labelled(template, ours),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      ...(strategy && { strategy }),
      // The largest value means "no deadline" to the Deployment controller: deadlines are ours.
      progressDeadlineSeconds: 2147483647,
      revisionHistoryLimit: 1,
    },
  }
}

function labelled(template: PodTemplate, labels: Record<string, string>): PodTemplate {
  const metadata = template.metadata ?? {}
  return { ...template, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } } }
}

/** By these, tools decide that an object is theirs to keep or prune; the canary is not. */
const NOT_COPIED = [
  /^canaryhook\.dev\//,
  /^kubectl\.kubernetes\.io\//,
  /^deployment\.kubernetes\.io\//,
  /^app\.kubernetes\.io\/(managed-by|instance)$/,
  /^(meta\.)?helm\.sh\//,
  /^argocd\.argoproj\.io\//,
  /(^|\.)toolkit\.fluxcd\.io\//,
  /^applyset\.kubernetes\.io\//,
  /^objectset\.rio\.cattle\.io\//,
]

function copied(map: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map ?? {}).filter(([key]) => !NOT_COPIED.some(pattern => pattern.test(key))),
  )
}

/**
 * The record of the ReplicaSets that serve, from which one can be made again. `controller: true` and none of
 * the app's labels: a StatefulSet with the same selector would adopt it otherwise.
 */
export function makeSnapshot(deployment: KubernetesObject, sets: readonly ReplicaSet[]): ControllerRevision {
  const { name, namespace } = deployment.metadata
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: snapshotName(
        name,
        sets.map(set => set.metadata.uid ?? ''),
      ),
      ...(namespace !== undefined && { namespace }),
      labels: { [TRACK_LABEL]: 'stable', [OF_LABEL]: nameHash(name) },
      ownerReferences: [ownerReference(deployment)],
    },
    // Of several, the newest counts; generations only grow.
    revision: deployment.metadata.generation ?? 1,
    data: printSets(sets.map(remembered)),
  }
}

function remembered({ metadata, spec }: ReplicaSet): ReplicaSet {
  const { name, namespace, labels, annotations, ownerReferences } = metadata
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(ownerReferences && { ownerReferences: ownerReferences.map(unblocking) }),
    },
    spec,
  }
}

/** Blocking the owner's deletion takes the right to its finalizers, which we do not ask for. */
function unblocking({ blockOwnerDeletion: _, ...reference }: OwnerReference): OwnerReference {
  return reference
}

/** A remembered ReplicaSet, to be created again with as many pods as stable shall have. */
export function restoredSet(set: ReplicaSet, replicas: number, deployment: KeptDeployment): ReplicaSet {
  const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) }
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } }
}

/**
 * What the Deployment controller notes on a ReplicaSet that it scales. One that serves with another number
 * here counts as being scaled, for ever when its size is right already, and no rollout begins meanwhile.
 * Source: k8s.io/kubernetes pkg/controller/deployment sync.go isScalingEvent and scale.
 */
export function sizeAnnotations({ spec }: KeptDeployment): Readonly<Record<string, string>> {
  const replicas = spec.replicas ?? 1
  return {
    'deployment.kubernetes.io/desired-replicas': String(replicas),
    'deployment.kubernetes.io/max-replicas': String(limits(replicas, spec.strategy).ceiling),
  }
}

function ownerReference(owner: KubernetesObject): OwnerReference {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
  }
}

/** What a user reads in `kubectl describe deployment`. */
export interface Said {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, for machines. */
  readonly reason: string
  /** A plain sentence. */
  readonly message: string
}

/**
 * @param now milliseconds since 1970
 * @param count makes the names of several events of one moment differ
 */
export function makeEvent(
  deployment: KubernetesObject,
  said: Said,
  now: number,
  count: number,
): KubernetesEvent {
  const { name, namespace = 'default', uid = '' } = deployment.metadata
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${(now * 1000 + count).toString(16)}`, namespace },
    involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name, uid },
    type: said.type,
    reason: said.reason,
    message: cut(said.message),
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    source: { component: 'canaryhook' },
  }
}

/** The events API allows messages of 1024 bytes (k8s.io/kubernetes pkg/apis/core/validation events.go). */
function cut(message: string): string {
  const bytes = new TextEncoder().encode(message)
  if (bytes.length <= 1024) return message
  return `${new TextDecoder().decode(bytes.slice(0, 1020)).replace(/\uFFFD+$/, '')}…`
}
