/** Carries one schedule out on a rig, in a namespace of its own, and judges what came of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { type Controller, startController } from '../../src/controller/controller.ts'
import { stagesOf } from '../../src/core/weights.ts'
import { APP } from '../scenarios/manifest.ts'
import { dice } from './dice.ts'
import { type End, endOf, wrongEnd } from './end.ts'
import { type FaultyCluster, faulty } from './faulty-cluster.ts'
import { describeCall } from './faulty-writes.ts'
import { GateWitness } from './gate-witness.ts'
import type { Person } from './gates.ts'
import { Hands } from './hands.ts'
import type { Rig } from './rig.ts'
import { type Act, type Schedule, scheduleOf, type Trouble, type Version } from './schedule.ts'
import { makeSurroundings } from './surroundings.ts'
import { Witness } from './witness.ts'

export interface Result {
  readonly seed: number
  /** What must not have happened; empty when all is well. */
  readonly problems: readonly string[]
  /** What happened, for people who want to know why. */
  readonly story: readonly string[]
  readonly phase: string
  readonly writes: number
  readonly faults: number
  /** Milliseconds from the end of all faults until the app was at rest. */
  readonly restedAfter: number
}

/** After the faults end, a run that is not at rest and in which nothing happens for so long is lost. */
const PATIENCE = 45_000
/** And one that is not at rest by then goes round in circles. */
const MOST_PATIENCE = 240_000
/** So long without a write is rest. */
const QUIET = 400

/** By plural, the names that we may write to. */
const OURS: Readonly<Record<string, RegExp>> = {
  deployments: new RegExp(`^${APP}(-canary|-baseline)?$`),
  controllerrevisions: new RegExp(`^${APP}-stable-`),
  replicasets: new RegExp(`^${APP}-`),
  services: new RegExp(`^${APP}-canary$`),
  ingresses: new RegExp(`^${APP}-canary$`),
  jobs: new RegExp(`^${APP}-test-`),
}

const V1: Version = { name: 'v1', quality: 'good' }

export async function runSchedule(rig: Rig, seed: number): Promise<Result> {
  return new Run(rig, scheduleOf(seed)).run()
}

class Run {
  readonly #rig: Rig
  readonly #schedule: Schedule
  readonly #namespace: string
  readonly #witness: Witness
  readonly #gates: GateWitness
  readonly #hands: Hands
  readonly #layer: FaultyCluster
  readonly #wanted: { version: Version; replicas: Set<number>; mayEndFailed: boolean }
  readonly #everWanted: Set<number>
  #controller: Controller | undefined
  #clock = 0
  #replicas: number
  #began = 0

  constructor(rig: Rig, schedule: Schedule) {
    this.#rig = rig
    this.#schedule = schedule
    this.#namespace = `seed-${schedule.seed}`
    this.#witness = new Witness(schedule)
    this.#gates = new GateWitness(this.#witness)
    this.#hands = new Hands(rig.sandbox, schedule, this.#namespace)
    this.#replicas = schedule.replicas
    this.#everWanted = new Set([schedule.replicas])
    this.#wanted = { version: V1, replicas: new Set([schedule.replicas]), mayEndFailed: false }
    const settings = { ...schedule.faults, namespace: this.#namespace }
    this.#layer = faulty(rig.cluster, dice(schedule.seed).for('faults'), settings)
    this.#witness.mayCreateLate = () =>
      this.#layer.calls.some(
        ({ verb, plural, fault }) => verb === 'create' && plural === 'deployments' && fault.endsWith('later'),
      )
  }

  async run(): Promise<Result> {
    const { seed, acts, troubles, calmAt } = this.#schedule
    await this.#serveV1()
    this.#witness.tell(JSON.stringify(this.#schedule))
    this.#witness.begin()
    this.#began = performance.now()
    this.#startController()
    const patience = this.#patience(calmAt)
    const people = this.#act(acts)
    await this.#trouble(troubles)
    await this.#until(calmAt)
    this.#calm()
    const helper = this.#helpUntil(patience.signal)
    const end = await Promise.race([people.then(() => this.#rest(patience.signal)), givenUp(patience.signal)])
    const restedAfter = performance.now() - this.#began - calmAt
    helper.stop()
    patience.stop()
    if (end === undefined) this.#witness.blame(this.#restless())
    else for (const wrong of this.#wrongEnd(end)) this.#witness.blame(wrong)
    this.#judgeWrites()
    await this.#clean()
    return {
      seed,
      problems: this.#witness.problems,
      story: this.#story(),
      phase: this.#witness.state?.phase ?? 'none',
      writes: this.#layer.calls.length,
      faults: this.#faults,
      restedAfter,
    }
  }

  async #serveV1(): Promise<void> {
    const { sandbox, cluster } = this.#rig
    await makeSurroundings(sandbox, this.#namespace)
    await this.#witness.watch(cluster, this.#namespace)
    await this.#gates.watch(cluster, this.#namespace)
    await this.#apply(V1)
    const serves = () =>
      this.#witness.deployment?.status?.availableReplicas === this.#replicas &&
      this.#witness.there.filter(({ ready }) => ready).length === this.#replicas
    await new Promise<void>(resolve => {
      this.#witness.onChange = () => serves() && resolve()
      this.#witness.onChange()
    })
    this.#witness.onChange = () => this.#gates.look()
  }

  #wrongEnd(end: End): readonly string[] {
    const { acts, rollingUpdate, steps } = this.#schedule
    const mayLackRoom = this.#everWanted.has(1) && rollingUpdate.maxSurge === 0
    const mayMissApproval = /approve for/.test(steps)
    const isTestLost = acts.some(({ does }) => does === 'delete the tests')
    const isTestFailed = end.reason === 'TestFailed' && this.#wanted.version.test === 'fails'
    return [
      ...wrongEnd(end, { ...this.#wanted, mayLackRoom, mayMissApproval }),
      ...this.#gates.wrongRest(isTestFailed && !isTestLost),
    ]
  }

  #restless(): string {
    const left = this.#gates.leftovers
    return `it never came to rest after everything worked again${left === '' ? '' : `: ${left} left`}`
  }

  #startController(): void {
    const write = (line: string) => {
      const { msg, level } = JSON.parse(line) as { msg: string; level: number }
      this.#witness.tell(`  ${level >= 40 ? '!' : '·'} ${msg}`)
    }
    this.#controller = startController({
      cluster: this.#layer.connect(),
      log: pino({ level: 'info' }, { write }),
      now: () => Date.now() + this.#clock,
    })
  }

  async #act(acts: readonly Act[]): Promise<void> {
    for (const act of acts) {
      await this.#until(act.at)
      await this.#do(act)
    }
  }

  async #do(act: Act): Promise<void> {
    this.#witness.tell(`>> ${JSON.stringify(act)}`)
    switch (act.does) {
      case 'apply':
        return this.#apply(act.version)
      case 'scale':
        return this.#scale(act.replicas)
      case 'command':
        return this.#command(act.word, 'by' in act ? act.by : 'alice')
      case 'delete the canary':
        this.#witness.podsWereTaken()
        return this.#hands.remove(`${APP}-canary`)
      case 'delete the ReplicaSets':
        this.#witness.podsWereTaken()
        return this.#hands.removeReplicaSets()
      case 'delete the baseline':
        this.#witness.podsWereTaken()
        return this.#hands.remove(`${APP}-baseline`)
      case 'delete the tests':
        return this.#hands.removeTests()
    }
  }

  async #apply(version: Version): Promise<void> {
    const said = await this.#hands.apply(version, this.#replicas)
    if (!said.done) return this.#witness.tell(`   refused: ${said.why}`)
    this.#witness.wasWritten(said.object)
    this.#witness.wasApplied(version.name, said.object)
    // Another version is another release: what was said of the former one is over.
    if (this.#wanted.version.name !== version.name) this.#wanted.mayEndFailed = false
    this.#wanted.version = version
  }

  async #scale(replicas: number): Promise<void> {
    this.#witness.mayScaleTo(replicas)
    this.#everWanted.add(replicas)
    // It ends a release, if one runs; whether one does, chance decides.
    if (replicas === 0) this.#wanted.mayEndFailed = true
    const said = await this.#hands.scale(replicas)
    if (!said.done) return this.#witness.tell(`   refused: ${said.why}`)
    this.#witness.wasWritten(said.object)
    this.#replicas = replicas
    // Asking for the size that stable just has in the release changes nothing, and nobody can tell.
    this.#wanted.replicas = new Set([...this.#everWanted].filter(total => total >= replicas))
  }

  async #command(word: string, by: Person): Promise<void> {
    if (word === 'abort') this.#wanted.mayEndFailed = true
    const said = await this.#hands.command(word, by)
    if (!said.done) return this.#witness.tell(`   refused: ${said.why}`)
    this.#witness.wasWritten(said.object)
    this.#gates.wasTold(word, by, said.object)
  }

  async #trouble(troubles: readonly Trouble[]): Promise<void> {
    for (const trouble of troubles) {
      await this.#until(trouble.at)
      this.#witness.tell(`** ${JSON.stringify(trouble)}`)
      if (trouble.is === 'clock jump') this.#clock += trouble.by
      if (trouble.is === 'webhook') this.#rig.setWebhook(this.#namespace, trouble.mood)
      if (trouble.is === 'crash') {
        this.#layer.crash()
        // It never comes to rest, for its calls never come back; only its timers end.
        void this.#controller?.stop()
        await sleep(trouble.pause)
        this.#startController()
      }
    }
  }

  #calm(): void {
    this.#witness.tell('** everything works again')
    this.#rig.setWebhook(this.#namespace, 'works')
    this.#layer.heal()
  }

  /** Aborted when waiting on is in vain. A slow machine makes everything late, so what counts is that something happens. */
  #patience(calmAt: number): { readonly signal: AbortSignal; stop(): void } {
    const end = new AbortController()
    let last = performance.now()
    let happened = ''
    const timer = setInterval(() => {
      const now = performance.now()
      const happens = `${this.#witness.story.length} ${this.#layer.calls.length}`
      if (happens !== happened || now < this.#began + calmAt) last = now
      happened = happens
      if (now - last > PATIENCE || now - this.#began - calmAt > MOST_PATIENCE) end.abort()
    }, 500)
    return { signal: end.signal, stop: () => clearInterval(timer) }
  }

  /** People who approve whatever waits for it, and resume what somebody paused. */
  #helpUntil(patience: AbortSignal): { stop(): void } {
    const timer = setInterval(async () => {
      const { state } = this.#witness
      const waits = state?.phase === 'Progressing' && stagesOf(state)[state.step]?.waits === 'approve'
      if (state?.requests || patience.aborted) return
      if (waits) for (const by of ['alice', 'bob'] as const) await this.#command('approve', by)
      else if (state?.held) await this.#command('resume', 'alice')
    }, 300)
    return { stop: () => clearInterval(timer) }
  }

  /** Waits until nothing is left to do and nothing is written any more. */
  async #rest(patience: AbortSignal): Promise<End | undefined> {
    const { calls } = this.#layer
    while (!patience.aborted) {
      const written = calls.length
      const began = this.#end()
      if (began) {
        await sleep(QUIET)
        const now = this.#end()
        if (now && calls.length === written && (await this.#isAllSeen())) return now
      } else {
        await sleep(25)
      }
    }
    return undefined
  }

  /** On a busy machine watches may be seconds behind, each by itself. */
  async #isAllSeen(): Promise<boolean> {
    const { deployment, pods } = await this.#hands.look()
    return this.#witness.isUpToDate(deployment, pods)
  }

  #end(): End | undefined {
    return this.#gates.leftovers === '' ? endOf(this.#witness, this.#wanted.replicas) : undefined
  }

  #judgeWrites(): void {
    const { calls } = this.#layer
    for (const call of calls) {
      if (!OURS[call.plural]?.test(call.name))
        this.#witness.blame(`touched what is not ours: ${describeCall(call)}`)
    }
    // Three for each of a few steps, eight for a release, for each of the versions; and each fault may cost some.
    const bound = 40 + this.#schedule.acts.length * 20 + this.#faults * 4
    if (calls.length > bound) this.#witness.blame(`${calls.length} writes, and ${bound} is the most`)
  }

  get #faults(): number {
    const { calls, watchFaults } = this.#layer
    const failed = calls.filter(({ fault }) => fault !== '').length
    return failed + watchFaults.length + this.#schedule.troubles.length
  }

  async #clean(): Promise<void> {
    const ended = this.#controller?.stop().then(() => true)
    if (!(await Promise.race([ended, sleep(10_000)]))) this.#witness.blame('the controller did not stop')
    this.#layer.crash()
    this.#witness.stop()
    this.#gates.stop()
    await this.#hands.remove(APP)
  }

  #story(): readonly string[] {
    const { calls, watchFaults } = this.#layer
    const written = calls.map(call => {
      const at = ((call.at - (this.#began - this.#layer.began)) / 1000).toFixed(2)
      return `${at}   ${describeCall(call)}${call.fault === '' ? '' : ` (${call.fault})`}`
    })
    const all = [...this.#witness.story, ...written].sort(
      (a, b) => Number.parseFloat(a) - Number.parseFloat(b),
    )
    return [...all, `watches: ${watchFaults.join('; ')}`]
  }

  async #until(at: number): Promise<void> {
    const rest = this.#began + at - performance.now()
    if (rest > 0) await sleep(rest)
  }
}

function givenUp(patience: AbortSignal): Promise<undefined> {
  return new Promise(resolve => patience.addEventListener('abort', () => resolve(undefined)))
}
