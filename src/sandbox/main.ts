/** `npm run sandbox`: a simulated cluster with Canaryhook in it, for kubectl, until Ctrl-C. */
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { CanaryhookError } from '../core/errors.ts'
import type { LogLine } from './child-process.ts'
import { hostOf, startCanaryhook } from './processes.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

interface Options {
  readonly port: number
  readonly kubeconfig: string
  readonly logs?: true
}

const NEEDED_NODE = 24

if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
  process.stderr.write(
    `the sandbox needs Node ${NEEDED_NODE} or newer and this is Node ${process.versions.node}: ` +
      'run it with "npm run sandbox" after "npm ci", which installs the right one\n',
  )
  process.exit(1)
}

const program = new Command('sandbox')
  .description('Run a simulated Kubernetes cluster with Canaryhook in it, until Ctrl-C.')
  .option('--port <port>', 'port of the Kubernetes API; 0 takes a free one', parsePort, 0)
  .option(
    '--kubeconfig <file>',
    'where to write the kubeconfig of an admin (FILE.alice and FILE.bob too)',
    'kubeconfig',
  )
  .option('--logs', 'print what webhook and controller log to standard error')
await program.parseAsync()

const ended = endSignal()
try {
  await run(program.opts<Options>())
  process.exit(0)
} catch (error) {
  const text =
    error instanceof CanaryhookError ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

async function run(options: Options): Promise<void> {
  const sandbox = await startSandbox({ port: options.port })
  const canaryhook = await startCanaryhook(hostOf(sandbox), options.logs ? { onLog: printLog } : {}).catch(
    async (error: unknown) => {
      await sandbox.stop()
      throw error
    },
  )
  await writeKubeconfigs(sandbox, options.kubeconfig)
  process.stdout.write('ready\n')
  process.stderr.write(
    `${sandbox.url}; try: kubectl --kubeconfig ${options.kubeconfig} get all. Ctrl-C ends it.\n`,
  )
  await ended
  await canaryhook.stop()
  await sandbox.stop()
}

async function writeKubeconfigs(sandbox: Sandbox, file: string): Promise<void> {
  await writeFile(file, sandbox.kubeconfig('admin'), { mode: 0o600 })
  await writeFile(`${file}.alice`, sandbox.kubeconfig('alice'), { mode: 0o600 })
  await writeFile(`${file}.bob`, sandbox.kubeconfig('bob'), { mode: 0o600 })
}

function printLog(line: LogLine): void {
  process.stderr.write(`${JSON.stringify(line)}\n`)
}

/**
 * Resolves at the first SIGINT or SIGTERM. A later one ends the process at once, unless it is the same Ctrl-C
 * again: npm hands on what the terminal has already sent to us.
 */
function endSignal(): Promise<void> {
  return new Promise(resolve => {
    let asked: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked !== undefined && Date.now() - asked > 1000) process.exit(130)
        asked ??= Date.now()
        resolve()
      })
    }
  })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
