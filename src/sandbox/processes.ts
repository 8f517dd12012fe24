/**
 * Canaryhook's two processes beside a cluster on this machine: the webhook, registered at the cluster's API,
 * and the controller, each a process of its own that talks HTTPS, as in a real cluster.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { createAuthority, issueLeaf } from '../certs/certificates.ts'
import { CanaryhookError } from '../core/errors.ts'
import { at, isObject, type JsonObject, listOf, stringOf } from './api/json.ts'
import { CONTROLLER_USERNAME } from './api/users.ts'
import { CanaryhookProcess, type LogLine } from './child-process.ts'
import type { Sandbox } from './sandbox.ts'

/** The cluster that the processes are for. */
export interface Host {
  /** With which the controller reaches the API. */
  readonly controllerKubeconfig: string
  /** The user name that the API server knows the controller by. */
  readonly controllerUser: string
  /** Asks the API as an administrator. */
  request(
    method: 'POST',
    path: string,
    body: unknown,
  ): Promise<{ readonly status: number; readonly body: JsonObject }>
}

export function hostOf(sandbox: Sandbox): Host {
  return {
    controllerKubeconfig: sandbox.kubeconfig('controller'),
    controllerUser: CONTROLLER_USERNAME,
    request: (method, path, body) => sandbox.request('admin', method, path, { body }),
  }
}

export interface CanaryhookOptions {
  /** What the processes log; `info` when left out. */
  readonly logLevel?: string
  /** Called for every line that they log. */
  readonly onLog?: (line: LogLine) => void
  /** False leaves the controller out until `startController()`. */
  readonly controller?: boolean
  /** A folder for their files, which somebody removes even if we are killed; that for temporary files when left out. */
  readonly directory?: string
}

export interface Canaryhook {
  /** Every line that both processes logged so far, oldest first. */
  readonly logs: readonly LogLine[]
  readonly webhook: ProcessHandle
  readonly controller: ProcessHandle
  /** SIGKILL, as a crash. */
  killController(): Promise<void>
  /** Resolves when it is ready. */
  startController(): Promise<void>
  /** SIGTERM: it answers what it has begun, then is gone. */
  stopWebhook(): Promise<void>
  /** On the same port, so that the registration stays right. Resolves when it is ready. */
  startWebhook(): Promise<void>
  /** Ends both and removes their files. */
  stop(): Promise<void>
}

export interface ProcessHandle {
  readonly running: boolean
  readonly pid: number | undefined
  /** The port of /healthz, /readyz and /metrics; 0 before the first start. */
  readonly port: number
}

const CONFIGURATION = new URL('../../webhook-config/mutatingwebhookconfiguration.yaml', import.meta.url)
const START_LIMIT = 20_000

/**
 * Starts both processes and registers the webhook. When it resolves, an apply is intercepted.
 * @throws CanaryhookError SANDBOX_PROCESS when one of them does not come up, with what it logged
 */
export async function startCanaryhook(host: Host, options: CanaryhookOptions = {}): Promise<Canaryhook> {
  const directory = await mkdtemp(join(options.directory ?? tmpdir(), 'canaryhook-sandbox-'))
  const caCertificate = await writeFiles(directory, host)
  const logs: LogLine[] = []
  const log = (line: LogLine) => {
    if (line.name === PROBE.metadata.name) return
    logs.push(line)
    options.onLog?.(line)
  }
  const level = options.logLevel ?? 'info'
  const kubeconfig = join(directory, 'kubeconfig')
  const webhook = new Restartable(
    'webhook',
    'webhook listening',
    ['--certs', directory, '--controller-user', host.controllerUser],
    level,
    log,
  )
  const controller = new Restartable(
    'controller',
    'controller started',
    // Alone it need not wait for a Lease; one that is killed is to go on at once when it is back.
    ['--kubeconfig', kubeconfig, '--no-leader-election'],
    level,
    log,
  )
  const stop = async () => {
    await Promise.all([webhook.end('stop'), controller.end('stop')])
    await rm(directory, { recursive: true, force: true })
  }
  const startController = async () => {
    await controller.start()
    await untilReady(controller)
  }
  try {
    // The controller is started first, since it needs longer; it waits for nothing of the webhook.
    const controllerStarted = options.controller === false ? undefined : startController()
    await Promise.all([
      webhook.start().then(() => register(host, webhook.port, caCertificate)),
      controllerStarted,
    ])
    await untilIntercepted(host)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    logs,
    webhook,
    controller,
    killController: () => controller.end('kill'),
    startController,
    stopWebhook: () => webhook.end('stop'),
    startWebhook: () => webhook.start(),
    stop,
  }
}

/** A process that is started again on the port that it first had. */
class Restartable implements ProcessHandle {
  readonly #component: string
  readonly #startLine: string
  readonly #args: readonly string[]
  readonly #level: string
  readonly #log: (line: LogLine) => void
  #process: CanaryhookProcess | undefined
  #port = 0

  constructor(
    component: string,
    startLine: string,
    args: readonly string[],
    level: string,
    log: (line: LogLine) => void,
  ) {
    this.#component = component
    this.#startLine = startLine
    this.#args = args
    this.#level = level
    this.#log = log
  }

  get running(): boolean {
    return this.#process?.running === true
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get port(): number {
    return this.#port
  }

  /** Does nothing when it runs. */
  async start(): Promise<void> {
    if (this.running) return
    const process = new CanaryhookProcess(
      this.#component,
      [...this.#args, '--port', String(this.#port)],
      this.#level,
      this.#log,
    )
    this.#process = process
    const line = await process.logged(this.#startLine, START_LIMIT)
    this.#port = Number(line.port)
  }

  async end(how: 'stop' | 'kill'): Promise<void> {
    await this.#process?.[how]()
  }
}

/** The webhook's certificate and the controller's kubeconfig. Returns the authority to trust. */
async function writeFiles(directory: string, host: Host): Promise<string> {
  const validity = { now: Date.now(), days: 365 }
  const authority = createAuthority('canaryhook webhook', validity)
  const leaf = issueLeaf(authority, ['localhost', '127.0.0.1'], validity)
  await writeFile(join(directory, 'tls.crt'), leaf.cert)
  await writeFile(join(directory, 'tls.key'), leaf.key, { mode: 0o600 })
  await writeFile(join(directory, 'kubeconfig'), host.controllerKubeconfig, { mode: 0o600 })
  return authority.cert
}

/** Registers the webhook as an install does, but by URL: there is no Service in front of a child process. */
async function register(host: Host, port: number, caCertificate: string): Promise<void> {
  const configuration: unknown = parse(await readFile(CONFIGURATION, 'utf8'))
  if (!isObject(configuration)) {
    throw new CanaryhookError(
      'SANDBOX_CONFIGURATION',
      `${CONFIGURATION.pathname} is not a MutatingWebhookConfiguration`,
    )
  }
  const webhooks = listOf(configuration.webhooks).map(webhook => {
    const path = stringOf(at(webhook, 'clientConfig', 'service', 'path')) || '/mutate'
    const clientConfig = {
      url: `https://127.0.0.1:${port}${path}`,
      caBundle: Buffer.from(caCertificate).toString('base64'),
    }
    return { ...(webhook as JsonObject), clientConfig }
  })
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'
  const answer = await host.request('POST', path, { ...configuration, webhooks })
  if (answer.status !== 201) {
    throw new CanaryhookError(
      'SANDBOX_CONFIGURATION',
      `the webhook could not be registered: ${stringOf(answer.body.message)}`,
    )
  }
}

/** A Deployment whose plan nobody can accept: that it is refused shows that the webhook is asked. */
const PROBE = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'canaryhook-sandbox-probe', annotations: { 'canaryhook.dev/steps': 'not a plan' } },
  spec: {
    selector: { matchLabels: { app: 'probe' } },
    template: {
      metadata: { labels: { app: 'probe' } },
      spec: { containers: [{ name: 'probe', image: 'probe:v1' }] },
    },
  },
}

async function untilIntercepted(host: Host): Promise<void> {
  await until('an apply is not intercepted by the webhook', async () => {
    const path = '/apis/apps/v1/namespaces/default/deployments?dryRun=All'
    const { status, body } = await host.request('POST', path, PROBE)
    const message = stringOf(body.message)
    return status >= 400 && /^admission webhook .* denied/.test(message) ? '' : `status ${status} ${message}`
  })
}

async function untilReady(controller: ProcessHandle): Promise<void> {
  await until('the controller is not ready', async () => {
    const response = await fetch(`http://127.0.0.1:${controller.port}/readyz`).catch((error: unknown) =>
      String(error),
    )
    if (typeof response === 'string') return response
    return response.ok ? '' : (await response.text()).trim()
  })
}

/** Asks again and again until the obstacle is ''. */
async function until(problem: string, obstacle: () => Promise<string>): Promise<void> {
  const deadline = Date.now() + START_LIMIT
  for (;;) {
    const found = await obstacle()
    if (found === '') return
    if (Date.now() > deadline) throw new CanaryhookError('SANDBOX_PROCESS', `${problem}: ${found}`)
    await sleep(20)
  }
}
