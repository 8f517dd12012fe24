/**
 * Sees the gates of an app's releases, and says what must never have happened: users who meet what was not
 * tested, steps that went by without the people they wait for, and Jobs that nobody takes away.
 */
import type { Change, Cluster } from '../../src/cluster/port.ts'
import { ingresses, jobs, services } from '../../src/cluster/resources.ts'
import type { Deployment, Job, KubernetesObject } from '../../src/core/kubernetes.ts'
import type { Stage } from '../../src/core/plan/expand.ts'
import type { State } from '../../src/core/state.ts'
import { templateHash } from '../../src/core/template.ts'
import { RUN_LABEL, readTest, runOf, STEP_LABEL } from '../../src/core/test-job.ts'
import { isAlone, stagesOf } from '../../src/core/weights.ts'
import { APP } from '../scenarios/manifest.ts'
import type { Person } from './gates.ts'
import { versionOf, type Witness } from './witness.ts'

export class GateWitness {
  readonly #witness: Witness
  readonly #jobs = new Map<string, Job>()
  /** Services and Ingresses that lead to a canary. */
  readonly #ways = new Set<string>()
  /** `run/step` of each test that passed. */
  readonly #passed = new Set<string>()
  /** The version that each run releases. */
  readonly #runs = new Map<string, string>()
  /** By version. */
  readonly #approvers = new Map<string, Set<Person>>()
  /** Names of canary pods that were ready once. */
  readonly #served = new Set<string>()
  #mayLeaveOut = false
  #stops: (() => void)[] = []

  constructor(witness: Witness) {
    this.#witness = witness
  }

  async watch(cluster: Cluster, namespace: string): Promise<void> {
    const way = (kind: string) => (change: Change<KubernetesObject>) => this.#seeWay(kind, change)
    const watches = [
      cluster.watch(jobs, { namespace }, change => this.#seeJob(change)),
      cluster.watch(services, { namespace }, way('Service')),
      cluster.watch(ingresses, { namespace }, way('Ingress')),
    ]
    this.#stops = watches.map(watch => watch.stop)
    await Promise.all(watches.map(({ synced }) => synced))
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  /** A command was taken, and this was the answer. */
  wasTold(word: string, by: Person, answer: Deployment): void {
    const version = versionOf(answer.spec.template)
    if (word === 'approve') this.#approvers.set(version, (this.#approvers.get(version) ?? new Set()).add(by))
    if (word === 'skip') this.#mayLeaveOut = true
  }

  /** What has to go before the app is at rest, in words; '' for nothing. */
  get leftovers(): string {
    const running = this.#tests().filter(({ result }) => result === 'running')
    return [...this.#ways, ...running.map(({ name }) => `Job ${name}`)].join(', ')
  }

  /**
   * What is wrong with the tests that are left when the app is at rest, in sentences.
   * @param failed a test has failed the release, and nobody deleted it
   */
  wrongRest(failed: boolean): readonly string[] {
    const left = this.#tests()
    const runs = new Set(left.map(({ run }) => run))
    const isThere = left.some(({ result }) => result === 'failed')
    return [
      ...(runs.size > 1 ? [`tests of ${runs.size} releases are left`] : []),
      ...(failed && !isThere ? ['the test that failed is not there to be looked at'] : []),
    ]
  }

  /** Call at every change of the app or its pods. */
  look(): void {
    const { state, deployment } = this.#witness
    if (!state || !deployment) return
    if (state.release === templateHash(deployment.spec.template)) {
      this.#runs.set(runOf(state), versionOf(deployment.spec.template))
    }
    this.#judgeUsers(state)
    this.#judgeStep(state)
  }

  #tests() {
    return [...this.#jobs.values()].map(job => readTest(job, []))
  }

  #seeJob({ type, object }: Change<Job>): void {
    const { name, labels } = object.metadata
    if (type === 'gone') this.#jobs.delete(name)
    else this.#jobs.set(name, object)
    const { result } = readTest(object, [])
    if (result === 'passed') this.#passed.add(`${labels?.[RUN_LABEL]}/${labels?.[STEP_LABEL]}`)
    this.#witness.note(`Job ${name} ${type === 'gone' ? 'is gone' : result}`)
    this.#witness.onChange()
  }

  #seeWay(kind: string, { type, object }: Change<KubernetesObject>): void {
    const { name } = object.metadata
    if (name === APP) return
    if (type === 'gone') this.#ways.delete(`${kind} ${name}`)
    else this.#ways.add(`${kind} ${name}`)
    this.#witness.note(`${kind} ${name} ${type === 'gone' ? 'is gone' : 'is there'}`)
    this.#witness.onChange()
  }

  /** A pod that gets ready takes requests of users: where a plan begins with a test, it comes after that. */
  #judgeUsers(state: State): void {
    const first = stagesOf(state).findIndex(({ waits }) => waits === 'test')
    if (first < 0 || !isAlone({ ...state, step: first })) return
    for (const [name, { canary, ready, version }] of this.#witness.pods) {
      if (!canary || !ready || this.#served.has(name)) continue
      this.#served.add(name)
      const isTested = () =>
        [...this.#runs].some(([run, released]) => released === version && this.#passed.has(`${run}/${first}`))
      this.#later(isTested, `users met a canary of ${version}, which had not passed its test`)
    }
  }

  #judgeStep(state: State): void {
    const isRunning = state.phase === 'Progressing' || state.phase === 'Promoting'
    if (!isRunning || state.unprotected) return
    const all = stagesOf(state)
    const past = state.phase === 'Promoting' ? all : all.slice(0, state.step)
    const run = runOf(state)
    for (const [step, stage] of past.entries()) {
      const isOver = () =>
        stage.waits === 'test'
          ? this.#passed.has(`${run}/${step}`)
          : stage.waits !== 'approve' || this.#isApproved(stage, this.#runs.get(run) ?? '')
      this.#later(isOver, `step ${step + 1} (${stage.label}) went by as if it were over`)
    }
  }

  /** The author of every change is alice. */
  #isApproved({ approvers }: Stage, version: string): boolean {
    const names = this.#approvers.get(version) ?? new Set()
    return approvers?.other ? names.has('bob') : names.size >= (approvers?.count ?? 1)
  }

  #later(isRight: () => boolean, problem: string): void {
    this.#witness.later(() => this.#mayLeaveOut || isRight(), problem)
  }
}
