/**
 * Sees an app through watches without faults, and says at every change what must never have happened. It knows
 * what people asked for, since they tell it; how Canaryhook works it does not know.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../../src/cluster/port.ts'
import { controllerRevisions, deployments, pods } from '../../src/cluster/resources.ts'
import type {
  ControllerRevision,
  Deployment,
  KubernetesObject,
  Pod,
  PodTemplate,
} from '../../src/core/kubernetes.ts'
import { TRACK_LABEL } from '../../src/core/names.ts'
import { limits } from '../../src/core/replicas.ts'
import { readState, type State } from '../../src/core/state.ts'
import { templateHash } from '../../src/core/template.ts'
import { APP } from '../scenarios/manifest.ts'
import { wrongTurn } from './path.ts'
import type { Schedule } from './schedule.ts'

export interface PodSeen {
  readonly version: string
  readonly canary: boolean
  readonly baseline: boolean
  readonly ready: boolean
  readonly going: boolean
  readonly resourceVersion: string
}

/** News of one kind may be ahead of those of another by this much. */
const SKEW = 4000

export class Witness {
  /** What must not have happened, in sentences. */
  readonly problems: string[] = []
  /** What happened, with seconds since `begin()`. */
  readonly story: string[] = []
  /** Called at every change. */
  onChange: () => void = () => {}
  readonly pods = new Map<string, PodSeen>()
  deployment: Deployment | undefined
  canary: Deployment | undefined
  baseline: Deployment | undefined
  readonly snapshots = new Map<string, ControllerRevision>()
  readonly #schedule: Schedule
  /** Numbers of replicas that somebody may want by now. */
  readonly #totals: Set<number>
  /** Hashes of the templates that were applied, in order; each comes with its version. */
  readonly #applied: { readonly version: string; readonly hash: string }[] = []
  /** Versions that were let onto stable pods. */
  readonly #accepted = new Set(['v1'])
  #position = 0
  #written = 0
  #began = performance.now()
  /** The canary came on top of stable once: at the end of a promotion, and in surge mode. */
  #isOnTop = false
  #isServing = false
  /** Whether a canary or baseline may have been made after its maker was told that it was not. */
  mayCreateLate: () => boolean = () => false
  #isRobbed = false
  #isScaled = false
  #stops: (() => void)[] = []
  #read: () => Promise<Deployment | undefined> = async () => undefined

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.#totals = new Set([schedule.replicas])
  }

  async watch(cluster: Cluster, namespace: string): Promise<void> {
    this.#read = () => cluster.read(deployments, { namespace, name: APP })
    const watches = [
      cluster.watch(deployments, { namespace }, ({ type, object }) =>
        this.#seeDeployment(object, type === 'gone'),
      ),
      cluster.watch(pods, { namespace }, ({ type, object }) => this.#seePod(object, type === 'gone')),
      cluster.watch(controllerRevisions, { namespace }, ({ type, object }) => {
        if (type === 'gone') this.snapshots.delete(object.metadata.name)
        else this.snapshots.set(object.metadata.name, object)
        this.onChange()
      }),
    ]
    this.#stops = watches.map(watch => watch.stop)
    await Promise.all(watches.map(({ synced }) => synced))
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  /** v1 serves: from here on everything counts. */
  begin(): void {
    this.#began = performance.now()
    this.#isServing = true
  }

  /** Somebody wrote and this was the answer: what the watch told before is not the end. */
  wasWritten({ metadata }: KubernetesObject): void {
    const version = Number(metadata.resourceVersion ?? 0)
    this.#written = Math.max(this.#written, version)
  }

  /** The watch is behind what people were answered. */
  get isBehind(): boolean {
    return Number(this.deployment?.metadata.resourceVersion ?? 0) < this.#written
  }

  /** Whether the watches have told of everything that these lists, just read, hold. */
  isUpToDate(deployment: Deployment, present: readonly Pod[]): boolean {
    const ofApp = present.filter(({ metadata }) => metadata.labels?.app === APP)
    const isSeen = ({ metadata: { name, resourceVersion } }: Pod) =>
      this.pods.get(name)?.resourceVersion === resourceVersion
    return (
      this.deployment?.metadata.resourceVersion === deployment.metadata.resourceVersion &&
      this.pods.size === ofApp.length &&
      ofApp.every(isSeen)
    )
  }

  /** It was stored like this. */
  wasApplied(version: string, stored: Deployment): void {
    this.#applied.push({ version, hash: templateHash(stored.spec.template) })
  }

  /** Somebody takes pods away: what serves is no longer our doing alone. */
  podsWereTaken(): void {
    this.#isRobbed = true
  }

  /** Somebody is about to scale. */
  mayScaleTo(replicas: number): void {
    this.#isScaled = true
    if (replicas === 0) this.podsWereTaken()
    this.#totals.add(replicas)
  }

  tell(text: string): void {
    this.story.push(`${((performance.now() - this.#began) / 1000).toFixed(2)} ${text}`)
  }

  get state(): State | undefined {
    const read = readState(this.deployment?.metadata.annotations)
    return read.kind === 'ok' ? read.state : undefined
  }

  /** Pods that are not going. */
  get there(): readonly PodSeen[] {
    return [...this.pods.values()].filter(({ going }) => !going)
  }

  #seeDeployment(object: Deployment, gone: boolean): void {
    const { name } = object.metadata
    if (name === `${APP}-canary`) this.canary = gone ? undefined : object
    if (name === `${APP}-baseline`) this.baseline = gone ? undefined : object
    if (name === APP) {
      const before = this.state
      this.deployment = gone ? undefined : object
      if (!gone) this.#judgeDeployment(object, before)
    }
    this.note(this.describe())
    this.onChange()
  }

  #judgeDeployment(object: Deployment, before: State | undefined): void {
    const read = readState(object.metadata.annotations)
    if (read.kind === 'unreadable') this.blame(read.why)
    const after = this.state
    const wrong = wrongTurn(before, after)
    if (wrong !== '') this.blame(wrong)
    if (after?.phase === 'Promoting' || after?.surge !== undefined) this.#isOnTop = true
    if (after?.phase === 'Promoting') {
      const accepted = this.#applied.find(({ hash }) => hash === after.release)
      if (accepted) this.#accepted.add(accepted.version)
    }
    this.#judgeTemplate(templateHash(object.spec.template))
  }

  /** What is stored is what was applied, in the order of applying; the next one may be seen before its answer is. */
  #judgeTemplate(hash: string): void {
    const known = this.#applied
    while (this.#position < known.length && known[this.#position]?.hash !== hash) this.#position += 1
    if (this.#position < known.length) return
    const from = Math.max(0, known.length - 1)
    this.#position = from
    const isNow = () => this.#applied.slice(from).some(one => one.hash === hash)
    this.later(isNow, `a template was stored that nobody applied then (${hash})`)
  }

  #seePod(object: Pod, gone: boolean): void {
    if (object.metadata.labels?.app !== APP) return
    const { name } = object.metadata
    const before = { serving: this.#serving(), there: this.there.length }
    if (gone) this.pods.delete(name)
    else this.pods.set(name, seePod(object))
    if (this.#isServing) this.#judgePods(before, this.pods.get(name))
    this.note(this.describe())
    this.onChange()
  }

  #judgePods(before: { serving: number; there: number }, pod: PodSeen | undefined): void {
    const serving = this.#serving()
    const least = this.#least()
    if (serving < before.serving && serving < least) {
      this.blame(
        `only ${serving} pods that can serve are left of ${before.serving}, and ${least} is the least`,
      )
    }
    const count = this.there.length
    const most = this.#most()
    if (count > before.there && count > most) {
      this.later(() => count <= this.#most(), `${count} pods, and ${most} is the most`, 1000)
    }
    if (pod && !pod.canary && !this.#accepted.has(pod.version)) {
      const isAccepted = () => this.#accepted.has(pod.version)
      this.later(isAccepted, `a stable pod of ${pod.version}, which was not accepted`)
    }
  }

  #serving(): number {
    return this.there.filter(({ ready }) => ready).length
  }

  #least(): number {
    if (this.#isRobbed) return 0
    const { rollingUpdate, surge } = this.#schedule
    return Math.min(
      ...[...this.#totals].map(total => (surge ? total : limits(total, { rollingUpdate }).floor)),
    )
  }

  #most(): number {
    const { rollingUpdate } = this.#schedule
    if (this.#isOnTop) return Number.POSITIVE_INFINITY
    const most = [...this.#totals].map(total =>
      Math.max(limits(total, { rollingUpdate }).ceiling, Math.min(total + 1, 2)),
    )
    // Who scales in mid-release has as many of stable at once, beside the canary that is there.
    const scaled = this.#isScaled ? Math.max(...this.#totals) - 1 : 0
    return Math.max(...most) + scaled + this.#besides() + this.#ghosts()
  }

  /** Pods that come on top: one while it is tested alone, and a baseline with each canary pod where room is scarce. */
  #besides(): number {
    const { gates } = this.#schedule
    const tested = gates?.steps.includes('test') ? 1 : 0
    const canaries = Math.max(1, ...[...this.#totals].map(total => total - 1))
    return tested + (gates?.baseline ? canaries : 0)
  }

  /**
   * A create that its caller was told had failed, and that is done later: the canary may be back when the controller has
   * taken it away already and given its room to stable. It goes as soon as it is seen.
   */
  #ghosts(): number {
    return this.mayCreateLate() ? Math.max(...this.#totals) : 0
  }

  /** Blames what is wrong even when all news of this moment have come. */
  later(isRight: () => boolean, problem: string, within = SKEW): void {
    if (isRight()) return
    setTimeout(async () => {
      if (!isRight()) await this.#catchUp()
      if (!isRight()) this.blame(problem)
    }, within)
  }

  /** On a busy machine the watch may be seconds behind. */
  async #catchUp(): Promise<void> {
    const now = await this.#read()
    if (now) this.wasWritten(now)
    for (let tries = 0; now && this.isBehind && tries < 600; tries += 1) await sleep(100)
  }

  /** Told once, however often it is seen. */
  blame(problem: string): void {
    if (this.problems.includes(problem)) return
    this.tell(`PROBLEM: ${problem}`)
    this.problems.push(problem)
  }

  /** Tells what is news. */
  note(text: string): void {
    if (!this.story.at(-1)?.endsWith(text)) this.tell(text)
  }

  /** One line for people. */
  describe(): string {
    const { state, deployment, canary, baseline } = this
    const counts = new Map<string, [number, number]>()
    for (const { version, canary: isCanary, baseline: isBaseline, ready } of this.there) {
      const key = `${version}${isCanary ? ' canary' : ''}${isBaseline ? ' baseline' : ''}`
      const [all, serving] = counts.get(key) ?? [0, 0]
      counts.set(key, [all + 1, serving + (ready ? 1 : 0)])
    }
    return [
      state ? `${state.phase} step ${state.step + 1}${state.reached ? ' stands' : ''}` : 'no state',
      `total ${state?.total} replicas ${deployment?.spec.replicas}${deployment?.spec.paused ? ' paused' : ''}`,
      ...(canary ? [`canary ${canary.spec.replicas}`] : []),
      ...(baseline ? [`baseline ${baseline.spec.replicas}`] : []),
      [...counts].map(([key, [all, ready]]) => `${key} ${ready}/${all}`).join(', '),
    ].join('; ')
  }
}

/** The tag of the image. */
export function versionOf({
  spec,
}: {
  readonly spec?: Pick<NonNullable<PodTemplate['spec']>, 'containers'> | undefined
}): string {
  return spec?.containers?.[0]?.image?.split(':').at(-1) ?? ''
}

function seePod({ metadata, spec, status }: Pod): PodSeen {
  return {
    version: versionOf({ spec }),
    canary: metadata.labels?.[TRACK_LABEL] === 'canary',
    baseline: metadata.labels?.[TRACK_LABEL] === 'baseline',
    ready: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    going: metadata.deletionTimestamp !== undefined,
    resourceVersion: metadata.resourceVersion ?? '',
  }
}
