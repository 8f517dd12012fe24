/** Makers of the objects that Canaryhook creates. Pure. */
import { ISOLATED_LABEL, isolateTemplate } from './gate.ts'
import type { KeptDeployment } from './kept.ts'
import type {
  ControllerRevision,
  Deployment,
  KubernetesEvent,
  KubernetesObject,
  LabelSelector,
  OwnerReference,
  PodTemplate,
  ReplicaSet,
} from './kubernetes.ts'
import { baselineName, canaryName, labelsFor, RELEASE_LABEL, snapshotName } from './names.ts'
import { ownerReference } from './owner-reference.ts'
import { limits } from './replicas.ts'
import type { Track } from './siblings.ts'
import { printSets } from './snapshot-data.ts'
import { templateHash } from './template.ts'

/**
 * The template of a canary that was tested alone changes once, when its pod makes way for pods that serve. That one
 * takes no requests: it goes first, so that there are never more pods than the user's strategy allows. Others keep
 * the user's strategy: somebody else's webhook may change their template at any write.
 */
const REPLACED = {
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge: 0, maxUnavailable: '100%' },
} as const

/** How a canary takes no requests of users (gate.ts), and whether it does so now. */
export interface Isolation {
  readonly isolated: boolean
  /** The label that the Services of the app ask for, where the pods are isolated by leaving it out. */
  readonly key?: string | undefined
}

/**
 * The canary Deployment: the stored template with our two labels, selected by the user's selector and these
 * labels, so that it never counts the pods of another.
 *
 * @param deployment the user's Deployment, with the template to try
 * @param replicas the number of canary pods
 */
export function makeCanary(
  deployment: Deployment,
  replicas: number,
  isolation: Isolation = { isolated: false },
): Deployment {
  const { name } = deployment.metadata
  const { template } = deployment.spec
  return makeSibling(deployment, canaryName(name), 'canary', template, replicas, isolation)
}

/**
 * The baseline Deployment: the same of the version that serves, so that fresh pods are compared with fresh pods.
 *
 * @param accepted the ReplicaSet that serves, as the snapshot remembers it
 */
export function makeBaseline(
  deployment: Deployment,
  accepted: ReplicaSet,
  replicas: number,
  isolation: Isolation = { isolated: false },
): Deployment {
  const { name } = deployment.metadata
  return makeSibling(deployment, baselineName(name), 'baseline', templateOf(accepted), replicas, isolation)
}

/** A ReplicaSet's template without the label that the Deployment controller added to it. */
export function templateOf({ spec }: ReplicaSet): PodTemplate {
  const { 'pod-template-hash': _, ...labels } = spec.template.metadata?.labels ?? {}
  return { ...spec.template, metadata: { ...spec.template.metadata, labels } }
}

/** A Deployment beside the user's, with pods of its own. */
function makeSibling(
  deployment: Deployment,
  siblingName: string,
  track: Track,
  template: PodTemplate,
  replicas: number,
  { isolated, key }: Isolation,
): Deployment {
  const { name, namespace } = deployment.metadata
  const ours = labelsFor(track, name)
  const { selector, minReadySeconds, strategy } = deployment.spec
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: siblingName,
      ...(namespace !== undefined && { namespace }),
      labels: {
        ...copied(deployment.metadata.labels),
        ...ours,
        [RELEASE_LABEL]: templateHash(template),
        ...(isolated && { [ISOLATED_LABEL]: 'true' }),
      },
      annotations: copied(deployment.metadata.annotations),
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas,
      selector: withLabels(key === undefined ? selector : withoutKey(selector, key), ours),
      template: labelled(isolated ? isolateTemplate(template, key) : template, ours),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      ...(isolated ? { strategy: REPLACED } : strategy && { strategy }),
      // The largest value means "no deadline" to the Deployment controller: deadlines are ours.
      progressDeadlineSeconds: 2147483647,
      revisionHistoryLimit: 1,
    },
  }
}

function withLabels(selector: LabelSelector, labels: Readonly<Record<string, string>>): LabelSelector {
  return { ...selector, matchLabels: { ...selector.matchLabels, ...labels } }
}

/** A selector cannot be changed later: it must hold for the pods with the label and without it. */
function withoutKey({ matchLabels, matchExpressions, ...rest }: LabelSelector, key: string): LabelSelector {
  const labels = Object.entries(matchLabels ?? {}).filter(([label]) => label !== key)
  const expressions = (matchExpressions ?? []).filter(expression => expression.key !== key)
  return {
    ...rest,
    matchLabels: Object.fromEntries(labels),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  }
}

function labelled(template: PodTemplate, labels: Record<string, string>): PodTemplate {
  const metadata = template.metadata ?? {}
  return { ...template, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } } }
}

/** By these, tools decide that an object is theirs to keep or prune; what we make is not. */
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

export function copied(map: Readonly<Record<string, string>> | undefined): Record<string, string> {
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
      labels: labelsFor('stable', name),
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
