/**
 * A tiny cluster in memory for property tests: one user's Deployment, its ReplicaSets, the canary, as real
 * objects, with a model of the Deployment controller and of pods that become ready or do not. The webhook and
 * the decisions are the real ones; only the API server and Kubernetes' controllers are modelled here.
 */
import jsonpatch from 'jsonpatch'
import { admit } from '../../src/core/admission/admit.ts'
import { decide } from '../../src/core/decide.ts'
import type { Decision } from '../../src/core/decision.ts'
import type {
  AdmissionAnswer,
  Condition,
  ControllerRevision,
  Deployment,
  HorizontalPodAutoscaler,
  Pod,
  PodTemplate,
  ReplicaSet,
} from '../../src/core/kubernetes.ts'
import { makeBaseline, makeCanary, makeSnapshot, restoredSet } from '../../src/core/objects.ts'
import { acceptedSet, type Gathered, observe } from '../../src/core/observe.ts'
import { isControlledBy } from '../../src/core/owner-reference.ts'
import { limits } from '../../src/core/replicas.ts'
import type { Track } from '../../src/core/siblings.ts'
import { readState, type State } from '../../src/core/state.ts'
import { templateHash } from '../../src/core/template.ts'
import { deploymentWrite, repair } from '../../src/core/writes.ts'
import { scaledPaused } from './paused-scaling.ts'

const CONTROLLER = 'system:serviceaccount:canaryhook:canaryhook'

/** A write of the controller, named, with what it does to the world. */
export interface Write {
  readonly what: string
  readonly run: () => void
}

interface Pods {
  total: number
  ready: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export class World {
  now = Date.parse('2026-01-01T00:00:00Z')
  deployment: Deployment
  sets: ReplicaSet[] = []
  canary: Deployment | undefined
  baseline: Deployment | undefined
  snapshots: ControllerRevision[] = []
  /** Those that scale the Deployment; scaling itself is up to the test. */
  autoscalers: HorizontalPodAutoscaler[] = []
  /** Versions whose pods never become ready. */
  readonly broken = new Set<string>()
  /** Everything that happened, for the message of a failed property. */
  readonly story: string[] = []
  readonly #pods = new Map<string, Pods>()
  /** The generation that the Deployment controller saw last, by uid. */
  readonly #observed = new Map<string, number>()
  /** The ReplicaSets' annotation max-replicas. */
  readonly #scaledFor = new Map<string, number>()
  #uids = 0
  #progress = { seen: '', at: 0 }

  constructor(
    replicas: number,
    annotations: Record<string, string>,
    strategy?: Deployment['spec']['strategy'],
  ) {
    this.deployment = {
      metadata: {
        name: 'shop',
        namespace: 'default',
        uid: 'shop',
        generation: 1,
        resourceVersion: '1',
        annotations,
      },
      spec: {
        replicas,
        selector: { matchLabels: { app: 'shop' } },
        template: template('v1'),
        ...(strategy && { strategy }),
      },
    }
    this.settle()
  }

  get state(): State | undefined {
    const read = readState(this.deployment.metadata.annotations)
    return read.kind === 'ok' ? read.state : undefined
  }

  /** Pods that serve, of either side. */
  get available(): number {
    return [...this.#pods.values()].reduce((sum, pods) => sum + pods.ready, 0)
  }

  get stableAvailable(): number {
    return this.owned(this.deployment).reduce((sum, set) => sum + this.pods(set).ready, 0)
  }

  /** Those of stable that still serve once Kubernetes has carried out what its ReplicaSets say. */
  get stableLasting(): number {
    return sum(this.owned(this.deployment).map(set => Math.min(this.pods(set).ready, desired(set))))
  }

  get canaryAvailable(): number {
    return this.canary ? this.owned(this.canary).reduce((sum, set) => sum + this.pods(set).ready, 0) : 0
  }

  get baselineAvailable(): number {
    return this.baseline ? sum(this.owned(this.baseline).map(set => this.pods(set).ready)) : 0
  }

  /** Pods that exist or are about to. */
  get existing(): number {
    const counts = this.sets.map(set => Math.max(this.pods(set).total, set.spec.replicas ?? 0))
    const pending = this.deployments.map(deployment =>
      Math.max(0, (deployment.spec.replicas ?? 0) - sum(this.owned(deployment).map(desired))),
    )
    return sum(counts) + sum(pending)
  }

  /** The user's Deployment and those beside it. */
  private get deployments(): readonly Deployment[] {
    return [this.deployment, this.canary, this.baseline].filter(one => one !== undefined)
  }

  /** What Kubernetes made of the specs so far. */
  get fingerprint(): string {
    return this.sets
      .map(set => `${set.metadata.name} ${desired(set)} ${JSON.stringify(this.pods(set))}`)
      .join()
  }

  /** The ReplicaSets' versions that have ready pods, sorted. */
  get serving(): readonly string[] {
    const sets = this.owned(this.deployment).filter(set => this.pods(set).ready > 0)
    return sets.map(set => versionOf(set.spec.template)).sort()
  }

  /** A person's update, through the real admission. */
  update(change: (deployment: Deployment) => Deployment, by = 'alice'): AdmissionAnswer {
    return this.admitted(change(this.deployment), by)
  }

  apply(version: string, replicas?: number): AdmissionAnswer {
    return this.update(deployment => ({
      ...deployment,
      spec: { ...deployment.spec, template: template(version), ...(replicas !== undefined && { replicas }) },
    }))
  }

  command(word: string): AdmissionAnswer {
    return this.update(({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, annotations: { ...metadata.annotations, 'canaryhook.dev/command': word } },
    }))
  }

  /** kubectl scale: past the webhook. */
  scale(replicas: number): void {
    this.deployment = bumped({ ...this.deployment, spec: { ...this.deployment.spec, replicas } })
  }

  gather(): Gathered {
    const pods = this.canary ? this.owned(this.canary).flatMap(set => this.podsOf(set)) : []
    return {
      deployment: this.withStatus(this.deployment),
      canary: this.canary && this.withStatus(this.canary),
      baseline: this.baseline && this.withStatus(this.baseline),
      replicaSets: this.sets.map(set => this.withSetStatus(set)),
      snapshots: this.snapshots,
      pods,
      autoscalers: this.autoscalers,
    }
  }

  /** What the controller would write now, in its order; see src/controller/act.ts. */
  writes(): { readonly decision: Decision; readonly writes: readonly Write[] } {
    const gathered = this.gather()
    const decision = decide(this.state, observe(gathered), this.now)
    const writes: Write[] = []
    const add = (what: string, run: () => void) => writes.push({ what, run })
    if (decision.snapshot === 'take') {
      const active = this.owned(this.deployment).filter(set => desired(set) > 0)
      const snapshot = makeSnapshot(this.deployment, active)
      add('snapshot', () => {
        this.snapshots = [snapshot]
      })
    }
    for (const mend of decision.mend) {
      add(`mend ${mend.kind}`, () => {
        const { replicas = 1, strategy } = this.deployment.spec
        const name = mend.kind === 'scale' ? mend.name : mend.set.metadata.name
        this.#scaledFor.set(name, limits(replicas, strategy).ceiling)
        if (mend.kind === 'scale') this.setReplicas(mend.name, mend.replicas)
        else
          this.sets.push({
            ...restoredSet(mend.set, mend.replicas, this.deployment),
            metadata: { ...mend.set.metadata, uid: this.uid() },
          })
      })
    }
    const first = deploymentWrite(gathered.deployment, decision, this.now)
    if (first) add(`${first.to} ${JSON.stringify(decision.state?.phase)}`, () => this.write(first, decision))
    this.addSibling(add, 'canary', decision.canary, count => makeCanary(this.deployment, count))
    this.addSibling(add, 'baseline', decision.baseline, count => {
      const accepted = acceptedSet(gathered)
      return accepted && makeBaseline(this.deployment, accepted, count)
    })
    if (decision.snapshot === 'drop' && this.snapshots.length > 0) {
      add('drop snapshot', () => {
        this.snapshots = []
      })
    }
    return { decision, writes }
  }

  private addSibling(
    add: (what: string, run: () => void) => void,
    track: Track,
    wanted: number | 'none' | 'keep',
    make: (count: number) => Deployment | undefined,
  ): void {
    const present = this[track]
    if (wanted === 'keep') return
    if (wanted === 'none') {
      if (present) add(`delete ${track}`, () => this.lose(track))
      return
    }
    if (present) {
      if (present.spec.replicas === wanted) return
      add(`${track} ${present.spec.replicas} -> ${wanted}`, () => {
        this[track] = bumped({ ...present, spec: { ...present.spec, replicas: wanted } })
      })
      return
    }
    const made = make(wanted)
    if (!made) return
    add(`create ${track} ${wanted}`, () => {
      this[track] = { ...made, metadata: { ...made.metadata, uid: this.uid(), generation: 1 } }
    })
  }

  /** One round of Kubernetes' own controllers: Deployments size their ReplicaSets, these their pods. */
  sync(): void {
    for (const deployment of this.deployments) this.syncDeployment(deployment)
    this.watchProgress()
    for (const set of this.sets) {
      const pods = this.pods(set)
      const wanted = desired(set)
      if (pods.total > wanted) pods.ready = Math.min(pods.ready, wanted)
      pods.total = wanted
    }
  }

  /** The progress deadline of the Deployment controller: 600 s without a change while it is not paused. */
  private watchProgress(): void {
    const { spec, status } = this.withStatus(this.deployment)
    const seen = `${spec.paused} ${spec.replicas} ${status?.updatedReplicas} ${status?.availableReplicas}`
    if (seen !== this.#progress.seen) this.#progress = { seen, at: this.now }
    const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas]
    const complete = counts.every(count => count === spec.replicas)
    const others = (this.deployment.status?.conditions ?? []).filter(({ type }) => type !== 'Progressing')
    if (spec.paused) return
    const late = !complete && this.now - this.#progress.at > 600_000
    const condition: Condition = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "shop" has timed out progressing.',
    }
    this.deployment = { ...this.deployment, status: { conditions: late ? [...others, condition] : others } }
  }

  /** Up to `count` pods become ready. */
  ready(count: number): void {
    let left = count
    for (const set of this.sets) {
      const pods = this.pods(set)
      if (this.broken.has(versionOf(set.spec.template))) continue
      const more = Math.min(left, pods.total - pods.ready)
      pods.ready += more
      left -= more
    }
  }

  /** A serving pod of stable becomes unready. */
  hiccup(): void {
    const set = this.owned(this.deployment).find(candidate => this.pods(candidate).ready > 0)
    if (set) this.pods(set).ready -= 1
  }

  /** The user's cluster deletes the canary Deployment, the baseline's, or stable's ReplicaSets. */
  lose(what: Track | 'sets'): void {
    const owner = what === 'sets' ? this.deployment : this[what]
    if (owner) for (const set of this.owned(owner)) this.removeSet(set)
    if (what !== 'sets') this[what] = undefined
  }

  /** Kubernetes scales up the ReplicaSet of a version, as when it is the newest of those without pods. */
  wake(version: string): void {
    const set = this.owned(this.deployment).find(({ spec }) => versionOf(spec.template) === version)
    if (set) this.setReplicas(set.metadata.name, this.deployment.spec.replicas ?? 1)
    this.sync()
  }

  /** Kubernetes comes to rest: every pod that can be ready is. */
  settle(): void {
    for (let round = 0; round < 60; round += 1) {
      this.sync()
      this.ready(Number.POSITIVE_INFINITY)
    }
  }

  private admitted(object: Deployment, by: string): AdmissionAnswer {
    const request = {
      uid: 'r',
      operation: 'UPDATE',
      userInfo: { username: by },
      object,
      oldObject: this.deployment,
    } as const
    const answer = admit(request, { controllerUser: CONTROLLER })
    if (!answer.allowed) return answer
    const patched = jsonpatch.apply_patch(
      structuredClone(object),
      structuredClone(answer.patch),
    ) as Deployment
    const changed = JSON.stringify(patched.spec) !== JSON.stringify(this.deployment.spec)
    this.deployment = changed ? bumped(patched) : patched
    return answer
  }

  private write(first: NonNullable<ReturnType<typeof deploymentWrite>>, decision: Decision): void {
    const body = first.body as Partial<Deployment>
    const merged: Deployment = {
      ...this.deployment,
      metadata: {
        ...this.deployment.metadata,
        annotations: withoutNulls({ ...this.deployment.metadata.annotations, ...body.metadata?.annotations }),
      },
    }
    if (first.to === 'status') {
      this.deployment = { ...merged, status: { ...merged.status, conditions: this.conditions(body) } }
      return
    }
    this.admitted({ ...merged, spec: { ...merged.spec, ...body.spec } }, CONTROLLER)
    if (decision.state && repair(this.deployment, decision.state))
      throw new Error('the webhook did not project')
    const second = deploymentWrite(
      this.withStatus(this.deployment),
      { ...decision, restore: undefined },
      this.now,
    )
    if (second?.to === 'status') this.write(second, decision)
  }

  private conditions(body: Partial<Deployment>): readonly Condition[] {
    const kept = new Map((this.deployment.status?.conditions ?? []).map(one => [one.type, one]))
    for (const patch of body.status?.conditions ?? []) {
      if ('$patch' in patch) kept.delete(patch.type)
      else kept.set(patch.type, patch)
    }
    return [...kept.values()]
  }

  private syncDeployment(deployment: Deployment): void {
    this.#observed.set(deployment.metadata.uid ?? '', deployment.metadata.generation ?? 1)
    const replicas = deployment.spec.replicas ?? 1
    const owned = this.owned(deployment)
    if (deployment.spec.paused) {
      this.syncPaused(deployment, owned)
      return
    }
    const hash = templateHash(deployment.spec.template)
    const fresh = owned.find(set => templateHash(set.spec.template) === hash) ?? this.newSet(deployment)
    const { ceiling, floor } = limits(replicas, deployment.spec.strategy)
    const slack = Math.min(floor, replicas - (ceiling > replicas ? Math.floor(replicas / 4) : 0))
    const former = this.owned(deployment).filter(set => set !== fresh && desired(set) > 0)
    const all = sum(this.owned(deployment).map(desired))
    const up =
      former.length === 0 ? replicas : Math.min(replicas, desired(fresh) + Math.max(0, ceiling - all))
    this.setReplicas(fresh.metadata.name, up)
    let spare = sum(this.owned(deployment).map(set => this.pods(set).ready)) - slack
    for (const set of former) {
      const unready = Math.max(0, desired(set) - this.pods(set).ready)
      const down = Math.min(desired(set), unready + Math.max(0, spare))
      spare -= Math.max(0, down - unready)
      this.setReplicas(set.metadata.name, desired(set) - down)
    }
  }

  private syncPaused({ spec }: Deployment, owned: readonly ReplicaSet[]): void {
    const replicas = spec.replicas ?? 1
    const { ceiling } = limits(replicas, spec.strategy)
    const hash = templateHash(spec.template)
    const newest = owned.find(set => templateHash(set.spec.template) === hash)?.metadata.name
    const sets = owned.map(set => {
      const { name } = set.metadata
      const { ready } = this.pods(set)
      return { name, desired: desired(set), available: ready, scaledFor: this.#scaledFor.get(name) }
    })
    for (const [name, size] of scaledPaused(sets, { replicas, ceiling, newest })) {
      this.setReplicas(name, size)
      this.#scaledFor.set(name, ceiling)
    }
  }

  private newSet(deployment: Deployment): ReplicaSet {
    const hash = templateHash(deployment.spec.template)
    const name = `${deployment.metadata.name}-${hash}`
    const { uid = '' } = deployment.metadata
    const reference = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: deployment.metadata.name,
      uid,
      controller: true,
    }
    const labels = { ...deployment.spec.template.metadata?.labels, 'pod-template-hash': hash }
    const spec = {
      replicas: 0,
      selector: deployment.spec.selector,
      template: { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } },
    }
    const set: ReplicaSet = {
      metadata: { name, namespace: 'default', uid: this.uid(), ownerReferences: [reference] },
      spec,
    }
    this.sets.push(set)
    return set
  }

  private owned(owner: Deployment): ReplicaSet[] {
    return this.sets.filter(set => isControlledBy(set, owner))
  }

  private setReplicas(name: string, replicas: number): void {
    this.sets = this.sets.map(set =>
      set.metadata.name === name ? { ...set, spec: { ...set.spec, replicas } } : set,
    )
  }

  private removeSet(set: ReplicaSet): void {
    this.sets = this.sets.filter(other => other !== set)
    this.#pods.delete(set.metadata.uid ?? '')
  }

  private pods(set: ReplicaSet): Pods {
    const uid = set.metadata.uid ?? ''
    const found = this.#pods.get(uid) ?? { total: 0, ready: 0 }
    this.#pods.set(uid, found)
    return found
  }

  private podsOf(set: ReplicaSet): Pod[] {
    const { uid = '', name } = set.metadata
    return Array.from({ length: this.pods(set).total }, (_, index) => ({
      metadata: {
        name: `${name}-${index}`,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true }],
      },
    }))
  }

  private withSetStatus(set: ReplicaSet): ReplicaSet {
    const { total, ready } = this.pods(set)
    return { ...set, status: { replicas: total, availableReplicas: ready } }
  }

  private withStatus(deployment: Deployment): Deployment {
    const owned = this.owned(deployment)
    const hash = templateHash(deployment.spec.template)
    const updated = owned.filter(set => templateHash(set.spec.template) === hash)
    const status: Mutable<NonNullable<Deployment['status']>> = {
      observedGeneration: this.#observed.get(deployment.metadata.uid ?? '') ?? 0,
      replicas: sum(owned.map(set => this.pods(set).total)),
      updatedReplicas: sum(updated.map(set => this.pods(set).total)),
      availableReplicas: sum(owned.map(set => this.pods(set).ready)),
      conditions: deployment.status?.conditions ?? [],
    }
    return { ...deployment, status }
  }

  private uid(): string {
    this.#uids += 1
    return `uid-${this.#uids}`
  }
}

export function template(version: string): PodTemplate {
  return {
    metadata: { labels: { app: 'shop' } },
    spec: { containers: [{ name: 'shop', image: `shop:${version}` }] },
  }
}

function versionOf({ spec }: PodTemplate): string {
  return spec?.containers?.[0]?.image?.split(':')[1] ?? ''
}

function bumped(deployment: Deployment): Deployment {
  const { generation = 1 } = deployment.metadata
  return { ...deployment, metadata: { ...deployment.metadata, generation: generation + 1 } }
}

function withoutNulls(annotations: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

function desired(set: ReplicaSet): number {
  return set.spec.replicas ?? 1
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
