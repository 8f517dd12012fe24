/** A controller over a cluster in memory, one look at a time. */
import pino from 'pino'
import { type Caches, startCaches } from '../../src/controller/caches.ts'
import { createReconciler } from '../../src/controller/reconcile.ts'
import type {
  ControllerRevision,
  Deployment,
  KubernetesObject,
  Pod,
  ReplicaSet,
} from '../../src/core/kubernetes.ts'
import { isControlledBy } from '../../src/core/owner-reference.ts'
import { readState, type State } from '../../src/core/state.ts'
import { NOW } from '../core/shop.ts'
import { MemoryCluster } from './memory-cluster.ts'

export interface Objects {
  readonly deployments: readonly Deployment[]
  readonly replicaSets?: readonly ReplicaSet[]
  readonly snapshots?: readonly ControllerRevision[]
  readonly pods?: readonly Pod[]
}

export class Scene {
  readonly cluster = new MemoryCluster()
  readonly caches: Caches
  /** Keys that a change called for. */
  readonly called: string[] = []
  /** Log lines of info and above. */
  readonly lines: { readonly msg: string; readonly [field: string]: unknown }[] = []
  now = NOW
  readonly #reconcile: (key: string) => Promise<number | undefined>

  constructor({ deployments, replicaSets = [], snapshots = [], pods = [] }: Objects) {
    const all: [string, readonly KubernetesObject[]][] = [
      ['deployments', deployments],
      ['replicasets', replicaSets],
      ['controllerrevisions', snapshots],
      ['pods', pods],
    ]
    for (const [plural, objects] of all)
      for (const object of objects) this.cluster.put(plural, settled(object))
    const log = pino({ level: 'info' }, { write: line => this.lines.push(JSON.parse(line)) })
    this.caches = startCaches(this.cluster, key => this.called.push(key))
    this.#reconcile = createReconciler({
      cluster: this.cluster,
      caches: this.caches,
      log,
      now: () => this.now,
    })
  }

  /** One look at default/shop. @returns the writes it made, and when it wants to look again */
  async look(): Promise<{ readonly writes: readonly string[]; readonly wakeAt: number | undefined }> {
    const before = this.cluster.writes.length
    const wakeAt = await this.#reconcile('default/shop')
    return { writes: this.cluster.writes.slice(before), wakeAt }
  }

  /** The writes of one look that fails. @throws when it does not fail */
  async lookInVain(): Promise<{ readonly writes: readonly string[]; readonly code: unknown }> {
    const before = this.cluster.writes.length
    const failure = await this.#reconcile('default/shop').then(
      () => undefined,
      (error: { code?: unknown }) => error,
    )
    if (!failure) throw new Error(`it did not fail; it wrote ${this.cluster.writes.slice(before)}`)
    return { writes: this.cluster.writes.slice(before), code: failure.code }
  }

  /** The Deployment controller has seen every spec, and counted the pods of the ReplicaSets. */
  settle(): void {
    for (const name of this.cluster.names('deployments')) {
      const object = this.cluster.get<Deployment>('deployments', name)
      if (object) this.cluster.put('deployments', settled(this.#counted(object)))
    }
  }

  #counted(deployment: Deployment): Deployment {
    const sets = this.cluster
      .names('replicasets')
      .flatMap(name => this.cluster.get<ReplicaSet>('replicasets', name) ?? [])
      .filter(set => isControlledBy(set, deployment))
    if (sets.length === 0) return deployment
    const availableReplicas = sets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0)
    return { ...deployment, status: { ...deployment.status, availableReplicas } }
  }

  get shop(): Deployment | undefined {
    return this.cluster.get('deployments', 'shop')
  }

  get state(): State | undefined {
    const read = readState(this.shop?.metadata.annotations)
    return read.kind === 'ok' ? read.state : undefined
  }

  /** `Stalled: aborted by bob`, one for each condition of shop. */
  get conditions(): readonly string[] {
    return (this.shop?.status?.conditions ?? []).map(({ type, message }) => `${type}: ${message}`)
  }
}

function settled<T extends KubernetesObject>(object: T): T {
  if (object.kind !== 'Deployment') return object
  const { status } = object as unknown as Deployment
  return { ...object, status: { ...status, observedGeneration: object.metadata.generation ?? 1 } }
}
