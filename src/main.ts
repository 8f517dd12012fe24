#!/usr/bin/env node
/**
 * The command `canaryhook`: subcommands and wiring. The only file that reads the environment. Each
 * subcommand imports what it needs when it runs, so that the webhook does not carry the cluster client
 * nor the controller the web server.
 */
import { Command, Option } from 'commander'
import type { Logger } from 'pino'
import { VERSION } from './core/version.ts'
import { createLog, LOG_LEVELS, type LogLevel } from './log.ts'
import {
  certificateTiming,
  collect,
  leaseTiming,
  parsePort,
  parseSeconds,
  parseTimeout,
  reloadEvery,
  stdinCloses,
} from './options.ts'
import type { UninstallFlags } from './uninstall/command.ts'

const NEEDED_NODE = 24
/** The kubelet waits 30 s before it kills; the webhook drains for 10 s and may linger before. */
const STOP_LIMIT = 25_000

interface Running {
  stop(): Promise<void>
}

interface WebhookFlags {
  readonly port: number
  readonly certs: string
  readonly waitForCerts?: true
  /** Milliseconds between two looks at the certificate files. */
  readonly reloadEvery?: number
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
  /** Where the webhook's certificate is written. */
  readonly certs?: string
  readonly certificateSecret: string
  readonly webhookConfiguration: string
  readonly certificateName: readonly string[]
  /** How long a leaf and an authority live and how long to settle, in milliseconds. */
  readonly certificateTiming?: readonly [number, number, number]
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
    .option('--wait-for-certs', 'wait for these files instead of ending without them')
    .addOption(reloadEvery())
    .requiredOption('--controller-user <user>', 'user name that the controller has at the API server')
    .option('--linger <seconds>', 'after SIGTERM, go on answering this long', parseSeconds, 0)
    .addOption(stdinCloses())
    .action((flags: WebhookFlags) =>
      run('webhook', flags, (log, stopping) => startWebhook(flags, log, stopping)),
    )

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
    .option('--certs <directory>', 'keep the webhook’s certificates, and write tls.crt and tls.key here')
    .option('--certificate-secret <name>', 'Secret that they are kept in', 'canaryhook-certificates')
    .option('--webhook-configuration <name>', 'where caBundle is written', 'zz-canaryhook')
    .option('--certificate-name <name>', 'DNS name or IP address of the webhook; repeatable', collect, [])
    .addOption(certificateTiming())
    .addOption(stdinCloses())
    .action((flags: ControllerFlags) => run('controller', flags, log => startController(flags, log)))

  program
    .command('uninstall')
    .description(
      'Take Canaryhook away from every Deployment: nothing stays paused, nothing unverified ships.',
    )
    .option('--kubeconfig <file>', 'cluster and user; else KUBECONFIG, else the pod’s service account')
    .option('--webhook-configuration <name>', 'the webhook’s registration', 'zz-canaryhook')
    .option('--lease-namespace <namespace>', 'where the Lease is; else the pod’s namespace, else canaryhook')
    .option('--lease-name <name>', 'the Lease that controllers contend for', 'canaryhook-controller')
    .option('--no-leader-election', 'no controller runs any more')
    .option(
      '--deployment <name>',
      'Canaryhook’s own Deployment, stopped when all is done; its Lease goes too',
    )
    .option('--certificate-secret <name>', 'the Secret with the certificates, which goes with the Lease')
    .addOption(
      new Option('--timeout <duration>', 'what is not done by then is told')
        .argParser(parseTimeout)
        .default(240, '4m'),
    )
    .option('--dry-run', 'print what would be done')
    .addOption(new Option('--namespace <name...>', 'only these, for tests').hideHelp())
    .addOption(leaseTiming())
    .action(runUninstall)

  program
    .command('version')
    .description('Print the version.')
    .action(() => {
      process.stdout.write(`canaryhook ${VERSION}\n`)
    })
  return program
}

async function startWebhook(flags: WebhookFlags, log: Logger, stopping: AbortSignal): Promise<Running> {
  const [{ startWebhook: start }, { untilKeyPair }, { admit }] = await Promise.all([
    import('./webhook/server.ts'),
    import('./webhook/certificates.ts'),
    import('./core/admission/admit.ts'),
  ])
  const pair = flags.waitForCerts && (await untilKeyPair(flags.certs, stopping, log))
  if (stopping.aborted) return { stop: async () => {} }
  return start({
    port: flags.port,
    certsDirectory: flags.certs,
    ...(pair && { pair }),
    ...(flags.reloadEvery !== undefined && { reloadEvery: flags.reloadEvery }),
    linger: flags.linger * 1000,
    admit: request => admit(request, { controllerUser: flags.controllerUser }),
    log,
  })
}

async function startController(flags: ControllerFlags, log: Logger): Promise<Running> {
  const where = flags.kubeconfig ?? clusterFromEnvironment()
  const [{ connect }, { candidacy }, { startController: start }, { startHealthServer }] = await Promise.all([
    import('./cluster/connect.ts'),
    import('./controller/leadership/candidacy.ts'),
    import('./controller/controller.ts'),
    import('./health.ts'),
  ])
  const cluster = await connect(where, { log })
  const election = flags.leaderElection ? await candidacy(flags) : undefined
  const certificates = await startCertificates(flags, cluster, log)
  const controller = start({
    cluster,
    log,
    now: Date.now,
    ...(election && { election }),
    ...(certificates && { onLead: certificates.lead }),
  })
  certificates?.measure(controller.register)
  const health = await startHealthServer(flags.port, {
    notReady: () => (controller.ready() ? '' : 'the first list of objects is not complete yet'),
    register: controller.register,
  })
  log.info({ port: health.port }, 'controller started')
  return {
    async stop() {
      await controller.stop()
      await certificates?.stop()
      await cluster.close()
      await health.stop()
      log.info('controller stopped')
    },
  }
}

/** Undefined when the webhook's certificates are somebody else's concern. */
async function startCertificates(
  flags: ControllerFlags,
  cluster: import('./cluster/port.ts').Cluster,
  log: Logger,
) {
  const { certs: directory, certificateName: names, certificateTiming } = flags
  if (directory === undefined) return undefined
  if (names.length === 0) {
    throw new Error('--certs: say by which name API servers call the webhook: --certificate-name NAME')
  }
  const [{ startCertificates: start }, { homeNamespace }] = await Promise.all([
    import('./controller/certificates/certificates.ts'),
    import('./controller/leadership/candidacy.ts'),
  ])
  const [leaf, authority, settle] = certificateTiming ?? []
  const lives = leaf && authority && settle ? { leaf, authority, settle } : undefined
  return start({
    cluster,
    directory,
    names,
    log,
    secret: { namespace: await homeNamespace(flags.leaseNamespace), name: flags.certificateSecret },
    configuration: flags.webhookConfiguration,
    ...(lives && { lives }),
  })
}

/** A command for people: lines on standard output, 1 when something is left. */
async function runUninstall(flags: UninstallFlags): Promise<void> {
  const log = createLog('controller', process.env.LOG_LEVEL === undefined ? 'warn' : logLevel(), 2)
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  try {
    const where = flags.kubeconfig ?? clusterFromEnvironment()
    const [{ connect }, { carryOut }] = await Promise.all([
      import('./cluster/connect.ts'),
      import('./uninstall/command.ts'),
    ])
    const print = (line: string) => void process.stdout.write(`${line}\n`)
    const isDone = await carryOut(
      { cluster: await connect(where, { log }), log, print, stop: stop.signal },
      flags,
    )
    // What was written goes out first, however much it is.
    process.stdout.write('', () => process.exit(isDone ? 0 : 1))
  } catch (error) {
    process.stderr.write(`canaryhook uninstall: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
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
  start: (log: Logger, stopping: AbortSignal) => Promise<Running>,
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
  const stopping = new AbortController()
  void asked.then(() => stopping.abort())
  let running: Running
  try {
    running = await start(log, stopping.signal)
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
