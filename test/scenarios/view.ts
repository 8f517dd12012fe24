/** What there is to see of an app at one moment. Pure: objects in, a few plain facts out. */
import type {
  Condition,
  ControllerRevision,
  Deployment,
  KubernetesEvent,
  Pod,
  ReplicaSet,
} from '../../src/core/kubernetes.ts'
import { TRACK_LABEL } from '../../src/core/names.ts'
import { controllerOf } from '../../src/core/owner-reference.ts'
import { readState, type State } from '../../src/core/state.ts'
import { APP } from './manifest.ts'

/** The objects of one namespace. */
export interface Objects {
  readonly deployments: readonly Deployment[]
  readonly replicaSets: readonly ReplicaSet[]
  readonly pods: readonly Pod[]
  readonly snapshots: readonly ControllerRevision[]
  readonly events: readonly KubernetesEvent[]
}

export interface PodView {
  readonly name: string
  readonly version: string
  readonly ready: boolean
  readonly canary: boolean
  readonly baseline: boolean
  /** The name of its ReplicaSet; '' without one. */
  readonly set: string
}

export interface View {
  readonly at: number
  readonly deployment: Deployment | undefined
  readonly canary: Deployment | undefined
  readonly baseline: Deployment | undefined
  readonly state: State | undefined
  /** The image tag of the stored template; '' when the app is gone. */
  readonly version: string
  readonly replicas: number
  readonly paused: boolean
  /** Pods of the app, of stable, canary and baseline, but for those that are being deleted. */
  readonly pods: readonly PodView[]
  readonly replicaSets: readonly ReplicaSet[]
  readonly snapshots: readonly ControllerRevision[]
  /** `Warning CanaryFailed: …`, oldest first. */
  readonly events: readonly string[]
}

export function lookAt(objects: Objects): View {
  const deployment = objects.deployments.find(({ metadata }) => metadata.name === APP)
  const read = readState(deployment?.metadata.annotations)
  return {
    at: Date.now(),
    deployment,
    canary: objects.deployments.find(({ metadata }) => metadata.name === `${APP}-canary`),
    baseline: objects.deployments.find(({ metadata }) => metadata.name === `${APP}-baseline`),
    state: read.kind === 'ok' ? read.state : undefined,
    version: deployment ? tagOf(deployment.spec.template.spec?.containers?.[0]?.image) : '',
    replicas: deployment?.spec.replicas ?? 0,
    paused: deployment?.spec.paused ?? false,
    pods: objects.pods.filter(isOfTheApp).map(lookAtPod),
    replicaSets: objects.replicaSets,
    snapshots: objects.snapshots,
    events: objects.events
      .filter(({ source }) => source?.component === 'canaryhook')
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
  }
}

function isOfTheApp({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && metadata.labels?.[TRACK_LABEL] !== 'test'
}

function lookAtPod(pod: Pod): PodView {
  return {
    name: pod.metadata.name,
    version: tagOf(pod.spec?.containers?.[0]?.image),
    ready: pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    canary: pod.metadata.labels?.[TRACK_LABEL] === 'canary',
    baseline: pod.metadata.labels?.[TRACK_LABEL] === 'baseline',
    set: controllerOf(pod)?.name ?? '',
  }
}

function tagOf(image: string | undefined): string {
  return image?.split(':').at(-1) ?? ''
}

/** How many pods that serve there are, of one version or of all. */
export function ready(view: View, version?: string): number {
  return view.pods.filter(pod => pod.ready && (version === undefined || pod.version === version)).length
}

export function canaries(view: View): readonly PodView[] {
  return view.pods.filter(({ canary }) => canary)
}

export function baselinePods(view: View): readonly PodView[] {
  return view.pods.filter(({ baseline }) => baseline)
}

export function stablePods(view: View): readonly PodView[] {
  return view.pods.filter(({ canary, baseline }) => !canary && !baseline)
}

/**
 * How many pods there are and shall be: without those that a ReplicaSet is about to delete, since it has been made
 * smaller. One may make a pod sooner than another deletes its own; that is Kubernetes' doing, and over in a moment.
 */
export function wantedPods({ pods, replicaSets }: View): number {
  const surplus = replicaSets.map(({ metadata, spec }) => {
    const own = pods.filter(({ set }) => set === metadata.name).length
    return Math.max(0, own - (spec.replicas ?? 1))
  })
  return surplus.reduce((left, count) => left - count, pods.length)
}

export function names(pods: readonly PodView[]): readonly string[] {
  return pods.map(({ name }) => name).sort()
}

export function condition(view: View, type: string): Condition | undefined {
  return view.deployment?.status?.conditions?.find(found => found.type === type)
}

/** The conditions that are ours. */
export function ourConditions(view: View): readonly string[] {
  const conditions = view.deployment?.status?.conditions ?? []
  return conditions
    .filter(
      ({ type, message }) => ['Stalled', 'Reconciling'].includes(type) || message?.startsWith('canaryhook'),
    )
    .map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)
}

/** One line for people. */
export function describeView(view: View): string {
  if (!view.deployment) return 'the app is not there'
  const { state } = view
  const counts = new Map<string, [number, number]>()
  for (const pod of view.pods) {
    const key = `${pod.version}${pod.canary ? ' canary' : ''}${pod.baseline ? ' baseline' : ''}`
    const [all, serving] = counts.get(key) ?? [0, 0]
    counts.set(key, [all + 1, serving + (pod.ready ? 1 : 0)])
  }
  const pods = [...counts].map(([key, [all, serving]]) => `${key} ${serving}/${all}`).join(', ')
  return [
    state ? `${state.phase} step ${state.step + 1}${state.reached ? ' stands' : ''}` : 'no state',
    `${view.version}${view.paused ? ' paused' : ''} replicas ${view.replicas}`,
    `pods: ${pods || 'none'}`,
    ...ourConditions(view),
  ].join('; ')
}

/** What a user stored of a Deployment; the resource version changes with every status, this does not. */
export function asStored({ metadata, spec }: Deployment) {
  return { generation: metadata.generation, annotations: metadata.annotations, spec }
}
