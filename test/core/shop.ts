/** The app of the tables: Deployment default/shop, its versions, ReplicaSets, pods, snapshot and canary. */
import type {
  ControllerRevision,
  Deployment,
  DeploymentSpec,
  ObjectMeta,
  Pod,
  PodTemplate,
  ReplicaSet,
} from '../../src/core/kubernetes.ts'
import { makeBaseline, makeCanary, makeSnapshot } from '../../src/core/objects.ts'
import { printState, type State } from '../../src/core/state.ts'
import { templateHash } from '../../src/core/template.ts'

export const CONTROLLER = 'system:serviceaccount:canaryhook:canaryhook'
export const STEPS = 'canaryhook.dev/steps'
export const COMMAND = 'canaryhook.dev/command'
export const STATE = 'canaryhook.dev/state'
export const NOW = Date.parse('2026-03-01T12:00:00Z')

/** A time as the state has it, in seconds from NOW. */
export function at(seconds: number): string {
  return new Date(NOW + seconds * 1000).toISOString()
}

export function template(version: string): PodTemplate {
  return {
    metadata: { labels: { app: 'shop' } },
    spec: { containers: [{ name: 'shop', image: `shop:${version}` }] },
  }
}

/** The hash of a version's template: what a release is called. */
export function release(version: string): string {
  return templateHash(template(version))
}

export interface Shop {
  readonly version?: string
  readonly spec?: Partial<DeploymentSpec>
  readonly annotations?: Readonly<Record<string, string>>
  readonly state?: State | string | undefined
  readonly metadata?: Partial<ObjectMeta>
  readonly status?: Deployment['status']
}

/** An opted-in Deployment with 10 replicas of v1, as stored. */
export function shop({ version = 'v1', spec, annotations, state, metadata, status }: Shop = {}): Deployment {
  const text = typeof state === 'object' ? printState(state) : state
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'shop',
      namespace: 'default',
      uid: 'shop-uid',
      generation: 3,
      resourceVersion: '100',
      annotations: { [STEPS]: '10%, 50%', ...annotations, ...(text !== undefined && { [STATE]: text }) },
      ...metadata,
    },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: 'shop' } },
      template: template(version),
      ...spec,
    },
    ...(status && { status }),
  }
}

/** The state of a release of v2 at its first step, 10% of 10, since a minute; fields may be taken out by undefined. */
export function state(fields: { readonly [K in keyof State]?: State[K] | undefined } = {}): State {
  const all = {
    version: 1,
    phase: 'Progressing',
    release: release('v2'),
    by: 'alice',
    plan: '10%, 50%',
    deadline: 600,
    maxRestarts: 2,
    onFailure: 'hold',
    total: 10,
    stable: 10,
    step: 0,
    since: at(-60),
    ...fields,
  }
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as State
}

/** What a release of v2 looks like as stored: paused, with the state and what was projected of it. */
export function held(fields: Parameters<typeof state>[0] = {}, more: Shop = {}): Deployment {
  const running = state(fields)
  const paused = running.phase !== 'Promoting' && running.phase !== 'Reverting'
  const applied = running.applied ?? { paused, replicas: running.stable }
  const replicas = applied.replicas ?? running.total
  const spec = { replicas, ...(paused && { paused }), ...more.spec }
  return shop({ version: 'v2', ...more, spec, state: { ...running, applied } })
}

/** A ReplicaSet of shop, all of its pods available unless said otherwise. */
export function replicaSet(version: string, replicas: number, available = replicas): ReplicaSet {
  const name = `shop-${version}`
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `${name}-uid`,
      labels: { app: 'shop', 'pod-template-hash': version },
      ownerReferences: [owner('Deployment', 'shop')],
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'shop', 'pod-template-hash': version } },
      template: {
        ...template(version),
        metadata: { labels: { app: 'shop', 'pod-template-hash': version } },
      },
    },
    status: { replicas, availableReplicas: available },
  }
}

export function snapshot(...sets: readonly ReplicaSet[]): ControllerRevision {
  const made = makeSnapshot(shop(), sets)
  return { ...made, metadata: { ...made.metadata, uid: `${made.metadata.name}-uid` } }
}

/** The canary Deployment of v2, all of its pods available unless said otherwise. */
export function canary(replicas: number, available = replicas): Deployment {
  const made = makeCanary(shop({ version: 'v2' }), replicas)
  return {
    ...made,
    metadata: { ...made.metadata, uid: 'shop-canary-uid', generation: 1, resourceVersion: '50' },
    status: { observedGeneration: 1, replicas, updatedReplicas: replicas, availableReplicas: available },
  }
}

/** The baseline Deployment: of v1, as many pods, all available unless said otherwise. */
export function baseline(replicas: number, available = replicas): Deployment {
  const made = makeBaseline(shop(), replicaSet('v1', replicas), replicas)
  return {
    ...made,
    metadata: { ...made.metadata, uid: 'shop-baseline-uid', generation: 1, resourceVersion: '51' },
    status: { observedGeneration: 1, replicas, updatedReplicas: replicas, availableReplicas: available },
  }
}

/** The ReplicaSet of the canary Deployment. */
export function canarySet(replicas: number, available = replicas): ReplicaSet {
  const set = replicaSet('v2', replicas, available)
  const name = 'shop-canary-v2'
  const ownerReferences = [owner('Deployment', 'shop-canary')]
  return { ...set, metadata: { ...set.metadata, name, uid: `${name}-uid`, ownerReferences } }
}

/** The ReplicaSet of the baseline Deployment. */
export function baselineSet(replicas: number): ReplicaSet {
  const set = replicaSet('v1', replicas)
  const { labels } = baseline(replicas).spec.template.metadata ?? {}
  const name = 'shop-baseline-v1'
  const ownerReferences = [owner('Deployment', 'shop-baseline')]
  return {
    ...set,
    metadata: { ...set.metadata, name, uid: `${name}-uid`, ownerReferences, ...(labels && { labels }) },
  }
}

/** A pod of the baseline. */
export function baselinePod(name: string): Pod {
  const { labels = {} } = baseline(1).spec.template.metadata ?? {}
  const ownerReferences = [owner('ReplicaSet', 'shop-baseline-v1')]
  return { metadata: { name, namespace: 'default', uid: `${name}-uid`, labels, ownerReferences } }
}

/** A pod of the canary. */
export function pod(name: string, status: NonNullable<Pod['status']> = {}): Pod {
  const { labels = {} } = canary(1).spec.template.metadata ?? {}
  const ownerReferences = [owner('ReplicaSet', 'shop-canary-v2')]
  return { metadata: { name, namespace: 'default', uid: `${name}-uid`, labels, ownerReferences }, status }
}

export function owner(kind: string, name: string) {
  return { apiVersion: 'apps/v1', kind, name, uid: `${name}-uid`, controller: true }
}
