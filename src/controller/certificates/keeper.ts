/**
 * In the leader alone: keeps the Secret and the registration as rotation.ts wants them. Each write rests on what
 * was seen (resourceVersion); after each one everything is looked at anew. While all is well it asks nothing of
 * the API server: two watches tell it what others change.
 */
import type { Logger } from 'pino'
import { contentPatch, EMPTY, printContent, readContent } from '../../certs/content.ts'
import { factsOf, type Judged } from '../../certs/facts.ts'
import { renewed } from '../../certs/renewal.ts'
import { type Lives, type Move, nextMove, type Plan } from '../../certs/rotation.ts'
import { ApiError, type Cluster, type ObjectRef, type Watching } from '../../cluster/port.ts'
import { secrets } from '../../cluster/resources.ts'
import type { Secret } from '../../core/kubernetes.ts'
import type { Clock } from '../clock.ts'
import { Registration } from './registration.ts'
import { Told } from './told.ts'

export interface KeeperOptions {
  /** Written to only while this process leads. */
  readonly cluster: Cluster
  readonly secret: ObjectRef
  readonly secrets: Watching<Secret>
  /** The name of the MutatingWebhookConfiguration. */
  readonly configuration: string
  /** DNS names and IP addresses that API servers call the webhook by. */
  readonly names: readonly string[]
  readonly lives: Lives
  readonly clock: Clock
  readonly log: Logger
  /** Aborted when the term ends, or the process. */
  readonly signal: AbortSignal
}

export interface Keeper {
  /** The Secret is another one than before. */
  look(): void
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

/** The same write twice within this time means that somebody undoes it: not more often than that. */
const PACE = 1_000
const FIRST_RETRY = 500
const LONGEST_RETRY = 60_000

const SURPRISES = new Set(['CLUSTER_CONFLICT', 'CLUSTER_EXISTS', 'CLUSTER_NOT_FOUND', 'CLUSTER_NOT_LEADING'])

const DONE: Readonly<Record<Exclude<Move['type'], 'wait'>, string>> = {
  begin: 'made an authority and a certificate for the webhook',
  prepare: 'made the next authority; it takes over once every API server knows it',
  switch: 'the next authority has taken over, with a new certificate for the webhook',
  renew: 'renewed the certificate of the webhook',
  trust: 'wrote down which authorities are trusted',
  register: 'registered which authorities are trusted',
}

/** Starts it; it ends with the signal. Never throws. */
export function startKeeper(options: KeeperOptions): Keeper {
  const { cluster, secret: ref, names, lives, clock, log, signal } = options
  const name = `Secret ${ref.namespace}/${ref.name}`
  const failure = new Told()
  const damage = new Told()
  const obstacle = new Told()
  let wake = () => {}
  const registration = new Registration(cluster, options.configuration, clock, () => wake())
  signal.addEventListener('abort', () => {
    registration.stop()
    wake()
  })

  async function run(): Promise<void> {
    await unlessAborted(Promise.all([options.secrets.synced, registration.synced]), signal)
    let pause = FIRST_RETRY
    let last: { readonly type: Move['type']; readonly at: number } | undefined
    while (!signal.aborted) {
      const { plan, judged, secret } = think()
      const { move } = plan
      tellObstacle(move)
      const early = last?.type === move.type ? last.at + PACE - clock.now() : 0
      if (move.type === 'wait' || early > 0) {
        await waitFor(move.type === 'wait' ? move.for : early)
        continue
      }
      last = { type: move.type, at: clock.now() }
      tellDamage(judged)
      try {
        await carryOut(plan, judged, secret)
        log.info({ authorities: plan.trusted.length }, DONE[move.type])
        failure.isNews('')
        pause = FIRST_RETRY
      } catch (error) {
        tellFailure(error)
        await waitFor(pause)
        pause = Math.min(LONGEST_RETRY, pause * 2)
      }
    }
  }

  function think(): { plan: Plan; judged: Judged; secret: Secret | undefined } {
    const now = clock.wall()
    const secret = options.secrets.get(ref)
    const { bundles, written } = registration
    const judged = factsOf({
      content: secret && readContent(secret.data),
      bundles,
      age: pem => registration.ageOf(pem),
      names,
      written: Math.max(written, timeOf(secret?.metadata.creationTimestamp)),
    })
    return { plan: nextMove(judged.facts, now, lives), judged, secret }
  }

  async function carryOut(plan: Plan, { facts }: Judged, secret: Secret | undefined): Promise<void> {
    if (plan.move.type === 'register') await registration.write(plan.trusted.join(''))
    else await store(plan, facts, secret)
  }

  async function store(plan: Plan, facts: Judged['facts'], secret: Secret | undefined): Promise<void> {
    const before = secret ? readContent(secret.data) : EMPTY
    const after = renewed(plan, before, facts, { names, lives, now: clock.wall() })
    const stored = secret
      ? await cluster.patch(secrets, ref, {
          type: 'merge',
          body: {
            metadata: { resourceVersion: secret.metadata.resourceVersion },
            data: contentPatch(before, after),
          },
        })
      : await cluster.create(secrets, ref.namespace, {
          metadata: { ...ref, labels: { 'app.kubernetes.io/name': 'canaryhook' } },
          type: 'Opaque',
          data: printContent(after),
        })
    options.secrets.absorb(stored)
  }

  /** Resolves after so many milliseconds, or when something changed. */
  function waitFor(milliseconds: number): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const done = () => {
        cancel()
        wake = () => {}
        resolve()
      }
      const cancel = clock.after(milliseconds, done)
      wake = done
    })
  }

  function tellDamage({ problems }: Judged): void {
    const text = problems.length > 0 ? `${name}: ${problems.join('; ')}: it is replaced` : ''
    if (damage.isNews(text)) log.warn(text)
  }

  function tellObstacle(move: Move): void {
    const problem = move.type === 'wait' ? (move.problem ?? '') : ''
    if (obstacle.isNews(problem)) log.error(`certificates: ${problem}`)
  }

  function tellFailure(error: unknown): void {
    const code = error instanceof ApiError ? error.code : ''
    // Somebody else leads, or wrote first: the watch brings what is there now.
    if (signal.aborted || SURPRISES.has(code)) return
    const message = `certificates cannot be kept up: ${(error as Error).message}${adviceFor(code, name)}`
    if (failure.isNews(message)) log.error({ err: error }, message)
  }

  return { look: () => wake(), ended: run() }
}

/** What whoever reads the log can do about it. */
function adviceFor(code: string, secret: string): string {
  switch (code) {
    case 'CLUSTER_FORBIDDEN':
      return '; this controller must be allowed to: see webhook-config/rbac.yaml'
    case 'CLUSTER_INVALID':
      return `; delete ${secret}, and a new one is made`
    default:
      return '; trying again'
  }
}

/** Resolves when the work is done, or when the signal is aborted. */
function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    void work.then(() => resolve())
  })
}

function timeOf(timestamp: string | null | undefined): number {
  return Date.parse(timestamp ?? '') || 0
}
