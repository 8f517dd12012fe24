/** What a pod of an install runs: a controller that keeps certificates, and the webhook that serves them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CanaryhookProcess, type LogLine } from '../../src/sandbox/child-process.ts'
import { CONTROLLER } from './install.ts'

export interface PodOptions {
  /** Of the controller. */
  readonly kubeconfig: string
  /** Leaf, authority and settling, in milliseconds. */
  readonly timing: readonly [leaf: number, authority: number, settle: number]
  /** Milliseconds between two looks of the webhook at its files. */
  readonly reloadEvery: number
  /** Seconds that the webhook goes on answering after SIGTERM. */
  readonly linger: number
}

const START_LIMIT = 40_000

export class Pod {
  readonly logs: LogLine[] = []
  readonly #directory: string
  readonly #linger: number
  readonly #reloadEvery: number
  readonly #controller: CanaryhookProcess
  #webhook: CanaryhookProcess
  #port = 0

  private constructor(directory: string, { timing, reloadEvery, linger }: PodOptions) {
    this.#directory = directory
    this.#linger = linger
    this.#reloadEvery = reloadEvery
    const kubeconfig = ['--kubeconfig', join(directory, 'kubeconfig'), '--port', '0']
    const lease = ['--lease-namespace', 'canaryhook', '--lease-timing', '3000,2000,400']
    const certs = ['--certs', join(directory, 'certs'), '--certificate-timing', timing.join()]
    const names = [
      '--certificate-name',
      '127.0.0.1',
      '--certificate-name',
      'canaryhook-webhook.canaryhook.svc',
    ]
    // The webhook first: it is there before there is a certificate, as it may be in a pod.
    this.#webhook = this.#startWebhook()
    this.#controller = this.#process('controller', [...kubeconfig, ...lease, ...certs, ...names])
  }

  /** Starts both; neither need be ready when it resolves. */
  static async start(options: PodOptions): Promise<Pod> {
    const directory = await mkdtemp(join(tmpdir(), 'canaryhook-pod-'))
    await writeFile(join(directory, 'kubeconfig'), options.kubeconfig, { mode: 0o600 })
    return new Pod(directory, options)
  }

  /** Where the webhook listens. */
  get port(): number {
    return this.#port
  }

  /** Resolves when the webhook's /readyz says so. @throws when it does not get there */
  async ready(): Promise<void> {
    const listening = 'webhook listening'
    const line = this.#webhookLines().find(({ msg }) => msg === listening)
    this.#port = Number((line ?? (await this.#webhook.logged(listening, START_LIMIT))).port)
    for (const deadline = Date.now() + START_LIMIT; (await statusOf(this.#port)) !== 200; await sleep(50)) {
      if (Date.now() > deadline) throw new Error(`the webhook on port ${this.#port} is not ready`)
    }
  }

  /** SIGTERM: resolves when the webhook has answered what it had begun and is gone. */
  stopWebhook(): Promise<void> {
    return this.#webhook.stop()
  }

  /** A new process, on another port. */
  restartWebhook(): Promise<void> {
    this.#webhook = this.#startWebhook()
    return this.ready()
  }

  async end(): Promise<void> {
    await Promise.all([this.#webhook.kill(), this.#controller.stop()])
    await rm(this.#directory, { recursive: true, force: true })
  }

  #started = 0

  #startWebhook(): CanaryhookProcess {
    this.#started = this.logs.length
    const certs = [
      '--certs',
      join(this.#directory, 'certs'),
      '--wait-for-certs',
      '--reload-every',
      String(this.#reloadEvery),
    ]
    const user = ['--controller-user', CONTROLLER, '--linger', String(this.#linger), '--port', '0']
    return this.#process('webhook', [...certs, ...user])
  }

  /** Of the process that runs now. */
  #webhookLines(): readonly LogLine[] {
    return this.logs.slice(this.#started).filter(({ component }) => component === 'webhook')
  }

  #process(component: string, args: readonly string[]): CanaryhookProcess {
    return new CanaryhookProcess(component, args, 'info', line => this.logs.push(line))
  }
}

/** As a kubelet asks: whose certificate it is does not matter to it. */
function statusOf(port: number): Promise<number> {
  return new Promise(resolve => {
    const options = { host: '127.0.0.1', port, path: '/readyz', rejectUnauthorized: false, agent: false }
    const sent = request(options, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', () => resolve(0))
    sent.end()
  })
}
