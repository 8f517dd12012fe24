/** Applies that never stop, over several connections: what a busy cluster does while something changes under it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { deployments } from '../../src/cluster/resources.ts'
import { STEPS } from '../../src/core/annotations.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { ApiClient, Refusal } from '../scenarios/api-client.ts'

/** What came of them. */
export interface Tally {
  /** Stored. */
  applied: number
  /** Accepted, but only tried. */
  tried: number
  /** Denied by the webhook, as it should: the plan was none. */
  denied: number
  /** What the API server said to those that failed, and to those that should have been denied. */
  readonly failures: string[]
}

/** How many are in flight at once in a burst: more than the idle connections that an API server keeps (client-go: 25). */
const BURST = 32
const WORKERS = 4

export class ApplyStream {
  readonly tally: Tally = { applied: 0, tried: 0, denied: 0, failures: [] }
  readonly #namespace: string
  readonly #clients: readonly ApiClient[]
  readonly #running: Promise<unknown>
  #stopping = false

  /** @param kubeconfig of a user who may apply Deployments in the namespace */
  constructor(kubeconfig: string, namespace: string) {
    this.#namespace = namespace
    this.#clients = Array.from({ length: WORKERS + 1 }, () => new ApiClient(kubeconfig))
    this.#running = Promise.all(this.#clients.map((client, index) => this.#work(client, index)))
  }

  async stop(): Promise<Tally> {
    this.#stopping = true
    await this.#running
    for (const client of this.#clients) client.close()
    return this.tally
  }

  async #work(client: ApiClient, index: number): Promise<void> {
    for (let round = 0; !this.#stopping; round += 1) {
      if (index === WORKERS) {
        await Promise.all(Array.from({ length: BURST }, (_, one) => this.#try(client, `burst-${one}`, round)))
        await sleep(1_500)
      } else {
        await this.#apply(client, `app-${index}`, round)
        await this.#try(client, `app-${index}`, round)
        if (round % 5 === 0) await this.#wrong(client, `app-${index}`)
        await sleep(40)
      }
    }
  }

  #apply(client: ApiClient, name: string, round: number): Promise<void> {
    return this.#accepted('applied', client.apply(deployments, this.#namespace, app(name, round), MANAGER))
  }

  #try(client: ApiClient, name: string, round: number): Promise<void> {
    const dryRun = { ...MANAGER, dryRun: true }
    return this.#accepted('tried', client.apply(deployments, this.#namespace, app(name, round), dryRun))
  }

  async #accepted(as: 'applied' | 'tried', call: Promise<unknown>): Promise<void> {
    try {
      await call
      this.tally[as] += 1
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Only a webhook that is called can deny it. */
  async #wrong(client: ApiClient, name: string): Promise<void> {
    const dryRun = { ...MANAGER, dryRun: true }
    const manifest = app(name, 0, 'no plan')
    try {
      await client.apply(deployments, this.#namespace, manifest, dryRun)
      this.#failed('a wrong plan was accepted')
    } catch (error) {
      if (error instanceof Refusal && / denied the request: /.test(error.message)) this.tally.denied += 1
      else this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.tally.failures.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : error}`)
  }
}

const MANAGER = { fieldManager: 'stream', force: true }

/** No pods: what matters is that each apply is judged. */
function app(name: string, round: number, steps = '10% for 1m'): Deployment {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, annotations: { [STEPS]: steps, 'example.com/round': String(round) } },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:v1' }] } },
    },
  }
}
