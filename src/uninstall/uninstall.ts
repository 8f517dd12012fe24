/**
 * Takes Canaryhook away from every Deployment of a cluster, so that its processes can be removed: nothing stays paused,
 * no version ships that was not accepted, and nothing of ours is left. Decision 0019 says why in this order.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ApiError, type Cluster } from '../cluster/port.ts'
import { deployments } from '../cluster/resources.ts'
import { type Controller, type Election, startController } from '../controller/controller.ts'
import { keyOf, refTo } from '../controller/refs.ts'
import type { KeptDeployment } from '../core/kept.ts'
import { isLive, readState } from '../core/state.ts'
import { nextStep, type Step } from '../core/uninstall/next-step.ts'
import { Course } from './course.ts'
import { type Install, removeInstall } from './install.ts'
import { removeRegistration } from './registration.ts'
import { isIn, type Leftover, NOT_LISTED, openSight, type Sight } from './sight.ts'
import { summary } from './summary.ts'

export interface UninstallOptions {
  readonly cluster: Cluster
  /** Of the controller that works here where no other one does. */
  readonly log: Logger
  /** The name of the webhook's registration. */
  readonly registration: string
  /** In milliseconds, for everything. */
  readonly timeout: number
  /** Which namespaces count. */
  readonly isMeant: (namespace: string) => boolean
  /** Missing where this is certainly the only controller. */
  readonly election?: Election | undefined
  readonly install: Install
  /** Writes a line for people. */
  readonly print: (line: string) => void
  /** Ends it before its time, as a signal does. */
  readonly stop: AbortSignal
}

/** Every API server has noticed by then that the registration is gone: they watch it. */
const NOTICED = 2_000
/** When nothing changes, what waits is looked at again after this long. */
const LONGEST_LOOK = 500
/** Between two looks, so that many changes are one. */
const SHORTEST_LOOK = 50

/** @returns whether nothing of Canaryhook is left; what is left was printed */
export async function uninstall(options: UninstallOptions): Promise<boolean> {
  const { cluster, isMeant, print, timeout } = options
  const deadline = Date.now() + timeout
  const left = () => (options.stop.aborted ? 0 : Math.max(0, deadline - Date.now()))
  let changed = () => {}
  const sight = openSight(cluster, isMeant, () => changed())
  const nextChange = (limit: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, limit)
      changed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  try {
    const quietFrom = await unregister(options)
    if (quietFrom === undefined) return false
    if (!(await isIn(sight.synced, left()))) {
      print(NOT_LISTED)
      return false
    }
    const work = new Work(options, sight)
    try {
      while (left() > 0) {
        const isOver = await work.look()
        if (isOver && Date.now() >= quietFrom) break
        await nextChange(Math.min(LONGEST_LOOK, left()))
        await sleep(SHORTEST_LOOK)
      }
      const isDone = await work.look()
      await work.stopController()
      const remains = isDone ? await removeInstall(cluster, options.install, left) : []
      for (const line of [...work.unfinished(), ...remains.map(text => `✖ ${text}`)]) print(line)
      print(summary(work.all(), isDone && remains.length === 0))
      return isDone && remains.length === 0
    } finally {
      await work.stopController()
    }
  } finally {
    sight.stop()
  }
}

/**
 * @returns from when on nothing can come any more that the webhook has held, in milliseconds since 1970; undefined when
 *   the registration could not be removed: then nothing else may be done
 */
async function unregister({ cluster, registration, print }: UninstallOptions): Promise<number | undefined> {
  try {
    const timeout = await removeRegistration(cluster, registration)
    if (timeout === undefined) {
      print(`The webhook's registration ${registration} is not there: no change is held.`)
      return Date.now()
    }
    print(`The webhook's registration ${registration} is removed: from here on no change is held.`)
    const removed = Date.now()
    await sleep(NOTICED)
    return removed + NOTICED + timeout
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    print(`✖ The webhook's registration could not be removed, so nothing was done: ${error.message}`)
    print(`  By hand: kubectl delete mutatingwebhookconfiguration ${registration}; then run this again.`)
    return undefined
  }
}

/** All Deployments that are our concern, each on its way. */
class Work {
  readonly #options: UninstallOptions
  readonly #sight: Sight
  readonly #courses = new Map<string, Course>()
  readonly #open = new Set<string>()
  #orphans: readonly Leftover[] = []
  #orphanError = ''
  #controller: Controller | undefined

  constructor(options: UninstallOptions, sight: Sight) {
    this.#options = options
    this.#sight = sight
  }

  /**
   * One look at everything, and the next write for each.
   * @returns whether nothing is left to do
   */
  async look(): Promise<boolean> {
    const seen = new Set<string>()
    this.#open.clear()
    const writes: Promise<void>[] = []
    let isAborting = false
    let isWaiting = false
    for (const deployment of this.#sight.list()) {
      const course = this.#courseOf(deployment)
      seen.add(course.key)
      const step = nextStep(this.#sight.of(deployment), course.before, Date.now())
      if (step.kind !== 'done') this.#open.add(course.key)
      isAborting ||= step.kind === 'patch' && step.deed === 'abort'
      isWaiting ||= step.kind === 'wait' && lives(deployment)
      writes.push(this.#take(step, course, deployment))
    }
    this.#orphans = this.#sight.orphans()
    writes.push(...this.#orphans.map(orphan => this.#removeOrphan(orphan)))
    // What left our sight has nothing of ours any more.
    for (const course of this.#courses.values()) if (!seen.has(course.key)) this.#tell(course)
    await Promise.all(writes)
    // Before every abort is stored, a controller that begins to work could go on with a release.
    if (isWaiting && !isAborting) this.#startController()
    return this.#open.size === 0 && this.#orphans.length === 0
  }

  #courseOf(deployment: KeptDeployment): Course {
    const key = keyOf(deployment.metadata)
    const known = this.#courses.get(key)
    const course = known ?? new Course(key, deployment)
    this.#courses.set(key, course)
    course.see(deployment)
    return course
  }

  async #take(step: Step, course: Course, deployment: KeptDeployment): Promise<void> {
    switch (step.kind) {
      case 'done':
        return this.#tell(course)
      case 'wait':
        return course.waitsFor(step.until)
      case 'stuck':
        return course.isStuckAt(step.why, step.command)
      default:
        if (!course.mayTry(Date.now())) return
        try {
          if (step.kind === 'sweep') await this.#sweep(deployment)
          else await this.#patch(step, deployment)
          if (step.kind === 'sweep') course.did('sweep')
          else course.did(step.deed, step.former)
        } catch (error) {
          course.failed(error, Date.now())
        }
    }
  }

  async #patch(step: Extract<Step, { kind: 'patch' }>, deployment: KeptDeployment): Promise<void> {
    const { body } = step
    const patch = Array.isArray(body)
      ? ({ type: 'json', body } as const)
      : ({ type: 'strategic', body } as const)
    const subresource = step.to === 'status' ? 'status' : undefined
    const written = await this.#options.cluster.patch(deployments, refTo(deployment), patch, subresource)
    this.#sight.absorb(written)
  }

  async #sweep(deployment: KeptDeployment): Promise<void> {
    for (const leftover of this.#sight.leftoversOf(deployment)) await this.#remove(leftover)
  }

  async #remove(leftover: Leftover): Promise<void> {
    const { resource, ref, uid } = leftover
    await this.#options.cluster.remove(resource, ref, { uid })
    this.#sight.forget(leftover)
  }

  async #removeOrphan(orphan: Leftover): Promise<void> {
    try {
      await this.#remove(orphan)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#orphanError = error.message
    }
  }

  #tell(course: Course): void {
    const line = course.told()
    if (line !== undefined) this.#options.print(line)
  }

  /** The one that leads ends the releases; where none leads, it is this one. */
  #startController(): void {
    const { cluster, log, election } = this.#options
    this.#controller ??= startController({ cluster, log, now: Date.now, ...(election && { election }) })
  }

  async stopController(): Promise<void> {
    const controller = this.#controller
    this.#controller = undefined
    await controller?.stop()
  }

  unfinished(): readonly string[] {
    const orphans = this.#orphans.map(
      ({ resource, ref }) =>
        `✖ ${resource.kind} ${ref.namespace}/${ref.name} is left: ${this.#orphanError}. To remove it: kubectl -n ${ref.namespace} delete ${resource.plural}/${ref.name}`,
    )
    return [...[...this.#open].flatMap(key => this.#courses.get(key)?.unfinished() ?? []), ...orphans]
  }

  all(): readonly Course[] {
    return [...this.#courses.values()]
  }
}

function lives({ metadata }: KeptDeployment): boolean {
  const read = readState(metadata.annotations)
  return read.kind === 'ok' && isLive(read.state)
}
