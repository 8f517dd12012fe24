#!/usr/bin/env node
/**
 * The command `canaryhook`: subcommands and wiring. The only file that reads the environment. Each
 * subcommand imports what it needs when it runs, so that the webhook does not carry the cluster client
 * nor the controller the web server.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Logger } from 'pino'
import { VERSION } from './core/version.ts'
import { createLog, LOG_LEVELS, type LogLevel } from './log.ts'

const NEEDED_NODE = 24
/** The kubelet waits 30 s before it kills; the webhook drains for 10 s and may linger before. */
const STOP_LIMIT = 25_000

interface Running {
  stop(): Promise<void>
}

interface WebhookFlags {
  readonly port: number
  readonly certs: string
  readonly controllerUser: string
  readonly linger: number
  readonly stdinCloses?: true
}

interface ControllerFlags {
  readonly kubeconfig?: string
  readonly port: number
  readonly leaderElection: boolean
  readonly leaseNamespace?: string
  readonly leaseName: string
  /** Lease duration, renew deadline and retry period, in milliseconds. */
  readonly leaseTiming?: readonly [number, number, number]
  readonly identity?: string
  readonly stdinCloses?: true
}

const nodeVersion = process.versions.node
if (Number.parseInt(nodeVersion, 10) < NEEDED_NODE) {
  process.stderr.write(
    `canaryhook needs Node ${NEEDED_NODE} or newer and this is Node ${nodeVersion}. ` +
      'In a checkout, "npm ci" installs the right one: run canaryhook with "npx node src/main.ts".\n',
  )
  process.exit(1)
}
await createProgram().parseAsync()

function createProgram(): Command {
  const program = new Command('canaryhook')
    .description('Canary releases for plain Kubernetes Deployments.')
    .version(VERSION)

  program
    .command('webhook')
    .description('Serve the admission webhook over HTTPS.')
    .option('--port <port>', 'port to listen on, 0 for any', parsePort, 8443)
    .requiredOption('--certs <directory>', 'directory that holds tls.crt and tls.key')
    .requiredOption('--controller-user <user>', 'user name that the controller has at the API server')
    .option('--linger <seconds>', 'after SIGTERM, go on answering this long', parseSeconds, 0)
    .addOption(stdinCloses())
    .action((flags: WebhookFlags) => run('webhook', flags, log => startWebhook(flags, log)))

  program
    .command('controller')
    .description('Carry releases through: watch Deployments, walk the steps.')
    .option('--kubeconfig <file>', 'cluster and user; else KUBECONFIG, else the pod’s service account')
    .option('--port <port>', 'port of /healthz, /readyz and /metrics, 0 for any', parsePort, 8080)
    .option('--lease-namespace <namespace>', 'where the Lease is; else the pod’s namespace, else canaryhook')
    .option('--lease-name <name>', 'the Lease that controllers contend for', 'canaryhook-controller')
    .option('--identity <name>', 'name in the Lease, a random part is added; else the host’s name')
    .option('--no-leader-election', 'this is certainly the only controller')
    .addOption(leaseTiming())
    .addOption(stdinCloses())
    .action((flags: ControllerFlags) => run('controller', flags, log => startController(flags, log)))

  program
    .command('version')
    .description('Print the version.')
    .action(() => {
      process.stdout.write(`canaryhook ${VERSION}\n`)
    })
  return program
}

async function startWebhook(flags: WebhookFlags, log: Logger): Promise<Running> {
  const [{ startWebhook: start }, { admit }] = await Promise.all([
    import('./webhook/server.ts'),
    import('./core/admission/admit.ts'),
  ])
  return start({
    port: flags.port,
    certsDirectory: flags.certs,
    linger: flags.linger * 1000,
    admit: request => admit(request, { controllerUser: flags.controllerUser }),
    log,
  })
}

async function startController(flags: ControllerFlags, log: Logger): Promise<Running> {
  const where = flags.kubeconfig ?? clusterFromEnvironment()
  const [{ connect }, { candidacy }, { startController: start }, { startHealthServer }] = await Promise.all([
    import('./cluster/connect.ts'),
    import('./controller/candidacy.ts'),
    import('./controller/controller.ts'),
    import('./health.ts'),
  ])
  const cluster = await connect(where, { log })
  const election = flags.leaderElection ? await candidacy(flags) : undefined
  const controller = start({ cluster, log, now: Date.now, ...(election && { election }) })
  const health = await startHealthServer(flags.port, {
    notReady: () => (controller.ready() ? '' : 'the first list of objects is not complete yet'),
    register: controller.register,
  })
  log.info({ port: health.port }, 'controller started')
  return {
    async stop() {
      await controller.stop()
      await cluster.close()
      await health.stop()
      log.info('controller stopped')
    },
  }
}

/** Where the cluster is when no flag says so: KUBECONFIG, or what the kubelet tells every container. */
function clusterFromEnvironment(): string | { readonly host: string; readonly port: string } {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  if (KUBECONFIG) return KUBECONFIG
  if (host && port) return { host, port }
  throw new Error('no cluster to work on: give --kubeconfig FILE, set KUBECONFIG, or run in a pod')
}

/**
 * Starts a service and runs it until a signal, or until its parent goes, asks it to stop. A second signal
 * ends the process at once. An error that nobody caught is logged and ends it with 1: the kubelet starts
 * it again, and going on in an unknown state could harm a release.
 */
async function run(
  component: string,
  flags: { readonly stdinCloses?: true },
  start: (log: Logger) => Promise<Running>,
): Promise<void> {
  const log = createLog(component, logLevel())
  const die = (error: unknown) => {
    log.fatal({ err: error }, `canaryhook ${component} ends`)
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)

  // Signals count from the beginning: one that comes while we start is heeded as soon as we can stop.
  const asked = stopAsked(flags.stdinCloses === true)
  let running: Running
  try {
    running = await start(log)
  } catch (error) {
    return die(error)
  }
  const reason = await asked
  log.info({ reason }, 'stopping')
  setTimeout(() => die(new Error(`not stopped within ${STOP_LIMIT / 1000} s`)), STOP_LIMIT).unref()
  await running.stop()
  process.exit(0)
}

/** Resolves with what asked the process to stop. */
function stopAsked(whenStdinCloses: boolean): Promise<string> {
  return new Promise(resolve => {
    let signals = 0
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        signals += 1
        if (signals > 1) process.exit(1)
        resolve(signal)
      })
    }
    if (!whenStdinCloses) return
    process.stdin.on('end', () => resolve('standard input closed'))
    process.stdin.on('error', () => resolve('standard input closed'))
    process.stdin.resume()
  })
}

function logLevel(): LogLevel {
  const wanted = process.env.LOG_LEVEL ?? 'info'
  const level = LOG_LEVELS.find(known => known === wanted)
  if (level) return level
  process.stderr.write(`LOG_LEVEL=${wanted}: expected one of ${LOG_LEVELS.join(', ')}; using info\n`)
  return 'info'
}

function stdinCloses(): Option {
  return new Option(
    '--stdin-closes',
    'stop when standard input closes, so that a dead parent leaves no orphan',
  ).hideHelp()
}

/** For tests: takeovers in seconds. */
function leaseTiming(): Option {
  return new Option('--lease-timing <duration,deadline,period>', 'milliseconds')
    .argParser(text => {
      const times = text.split(',').map(Number)
      if (times.length === 3 && times.every(time => time > 0)) return times
      throw new InvalidArgumentError('expected three numbers of milliseconds, such as 15000,10000,2000.')
    })
    .hideHelp()
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65535) return port
  throw new InvalidArgumentError('expected a port from 0 to 65535.')
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= 10) return seconds
  throw new InvalidArgumentError('expected whole seconds from 0 to 10.')
}
