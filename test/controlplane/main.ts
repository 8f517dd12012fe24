/** `npm run controlplane`: a real control plane with Canaryhook in it, for kubectl, until Ctrl-C. */
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { startCanaryhook } from '../../src/sandbox/processes.ts'
import { NoBinaries } from '../programs/go-programs.ts'
import { findBinaries } from './binaries.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { CONTROLLER, installPermissions } from './install.ts'

interface Options {
  readonly port: number
  readonly kubeconfig: string
  readonly withoutCanaryhook?: true
  readonly logs?: true
}

const NEEDED_NODE = 24

if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
  process.stderr.write(
    `the control plane's launcher needs Node ${NEEDED_NODE} or newer and this is Node ${process.versions.node}: ` +
      'run it with "npm run controlplane" after "npm ci", which installs the right one\n',
  )
  process.exit(1)
}

const program = new Command('controlplane')
  .description('Run a real Kubernetes control plane with Canaryhook in it, until Ctrl-C.')
  .option('--port <port>', 'port of the Kubernetes API; 0 takes a free one', parsePort, 0)
  .option(
    '--kubeconfig <file>',
    'where to write the kubeconfig of an admin (FILE.alice and FILE.bob too)',
    'kubeconfig',
  )
  .option(
    '--without-canaryhook',
    'only Kubernetes; its own webhook and controller can then be started by hand',
  )
  .option('--logs', 'print what webhook and controller log to standard error')
await program.parseAsync()

const ended = endSignal()
try {
  await run()
  process.exit(0)
} catch (error) {
  const text = error instanceof NoBinaries ? error.message : error instanceof Error ? error.stack : error
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

async function run(): Promise<void> {
  const { port, kubeconfig, logs, withoutCanaryhook } = program.opts<Options>()
  const binaries = await findBinaries(process.env, text => process.stderr.write(`${text}\n`))
  const plane = await startControlPlane(binaries, { port })
  try {
    const controllerKubeconfig = await installPermissions(plane.api, plane.url, plane.ca)
    const canaryhook = withoutCanaryhook
      ? undefined
      : await startCanaryhook(
          {
            controllerKubeconfig,
            controllerUser: CONTROLLER,
            request: (method, path, body) => plane.api.request(method, path, body),
          },
          {
            directory: plane.directory,
            ...(logs && { onLog: line => process.stderr.write(`${JSON.stringify(line)}\n`) }),
          },
        )
    await writeKubeconfigs(plane, kubeconfig, controllerKubeconfig)
    process.stdout.write('ready\n')
    process.stderr.write(`${plane.url}; try: kubectl --kubeconfig ${kubeconfig} get all. Ctrl-C ends it.\n`)
    await Promise.race([ended, plane.died]).finally(() => canaryhook?.stop())
  } finally {
    await plane.stop()
  }
}

async function writeKubeconfigs(plane: ControlPlane, file: string, controller: string): Promise<void> {
  const write = (name: string, text: string) => writeFile(name, text, { mode: 0o600 })
  await write(file, plane.kubeconfig('admin'))
  await write(`${file}.alice`, plane.kubeconfig('alice'))
  await write(`${file}.bob`, plane.kubeconfig('bob'))
  await write(`${file}.controller`, controller)
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP (the same Ctrl-C may come twice, from the terminal and npm), and
 * when the npm that started it is gone, which could not pass its SIGKILL on.
 */
function endSignal(): Promise<void> {
  const npm = process.env.npm_lifecycle_event === undefined ? undefined : process.ppid
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    // Nobody may be left to read what is written: that is no reason to end without tidying up.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => resolve())
    if (npm !== undefined) setInterval(() => process.ppid !== npm && resolve(), 500).unref()
  })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65535) return port
  throw new InvalidArgumentError('a port is a number from 0 to 65535.')
}
