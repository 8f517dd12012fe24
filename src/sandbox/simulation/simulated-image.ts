/** The program that stands for every image. */
import { BaseImage, getClock, type ProcessContext } from '@ngrok/webernetes'
import { messageOf } from '../../core/errors.ts'
import { ANNOTATION_PREFIX, type Behaviour, parseBehaviour } from './behaviour.ts'
import type { ContainerLog, ContainerLogs } from './container-logs.ts'
import { parseImageReference } from './image-reference.ts'
import { runShell } from './shell/interpreter.ts'
import type { Machine, Streams } from './shell/machine.ts'
import { PROGRAMS } from './shell/programs.ts'
import {
  describeTermination,
  type FailedStart,
  START_ERROR_EXIT_CODE,
  TERMINATION_LOG,
} from './termination.ts'
import { serve } from './web-server.ts'

/** A server that is told to stop goes on for this long, while its address leaves the Services. */
const DRAIN_MS = 500
const SIGTERM_EXIT_CODE = 143
/** As the name of a command, one that the image does not have. */
const MISSING_COMMAND = 'does-not-exist'

/**
 * One container. Its main program is the first that it runs (webernetes makes an object per container);
 * what comes later are probes and `kubectl exec`.
 */
export class SimulatedImage extends BaseImage {
  readonly #logs: ContainerLogs
  #started = false
  #serving = false

  constructor(logs: ContainerLogs) {
    super()
    this.#logs = logs
  }

  override async exec(context: ProcessContext, argv: readonly string[]): Promise<number> {
    if (this.#started) return runProgram(context, argv, streamsOf(context))
    this.#started = true
    const log = this.#logs.start({
      namespace: context.pod.namespace,
      pod: context.pod.name,
      container: context.container.name,
    })
    return this.#runContainer(context, argv, log)
  }

  signalHandler(context: ProcessContext, signal: 'SIGTERM' | 'SIGKILL'): void {
    if (signal === 'SIGTERM' && !context.err()) {
      context.setTimeout(() => context.exit(SIGTERM_EXIT_CODE), this.#serving ? DRAIN_MS : 0)
    }
  }

  async #runContainer(context: ProcessContext, argv: readonly string[], log: ContainerLog): Promise<number> {
    let failedStart: FailedStart | undefined
    describeTermination(context.container, log, () => failedStart)

    const { behaviour, problems } = parseBehaviour(annotationsFor(context))
    if (problems || argv[0] === MISSING_COMMAND) {
      failedStart = {
        message: problems?.join('; ') ?? `exec: "${MISSING_COMMAND}": executable file not found in $PATH`,
      }
      log.append(`${failedStart.message}\n`)
      return START_ERROR_EXIT_CODE
    }
    if (behaviour.exitCode !== undefined) {
      return leave(context, log, behaviour.exitCode, `exit-code: ends with ${behaviour.exitCode}`)
    }
    this.#crashLater(context, behaviour, log)
    if (isCommand(argv)) return runProgram(context, argv, streamsOf(context, log))
    return this.#serve(context, behaviour, log)
  }

  #crashLater(context: ProcessContext, behaviour: Behaviour, log: ContainerLog): void {
    const after = behaviour.restartAfter
    if (after === undefined) return
    context.setTimeout(() => {
      const { version } = parseImageReference(context.container.imageRef)
      context.exit(
        leave(context, log, 1, `restart-after: ${version} crashed ${after / 1000} s after its start`),
      )
    }, after)
  }

  async #serve(context: ProcessContext, behaviour: Behaviour, log: ContainerLog): Promise<number> {
    try {
      const ports = serve(context, behaviour)
      this.#serving = true
      const { version } = parseImageReference(context.container.imageRef)
      log.append(`${version} listens on port ${ports.join(', ') || '(none)'}\n`)
    } catch (error) {
      return leave(context, log, 1, messageOf(error))
    }
    return context.waitUntilKilled()
  }
}

/** The annotations steer the first container of a pod, so that a sidecar does not crash along with it. */
function annotationsFor(context: ProcessContext): Readonly<Record<string, string>> {
  const first = context.pod.config.pod.spec?.containers[0]
  return first?.name === context.container.name ? Object.fromEntries(context.pod.annotations) : {}
}

/** Whether a container's command is one that can be run; any other stands for the image's own server. */
function isCommand(argv: readonly string[]): boolean {
  const name = programName(argv)
  return name === 'sh' || PROGRAMS.has(name) || name === 'exit'
}

function programName(argv: readonly string[]): string {
  const name = argv[0]?.split('/').at(-1) ?? ''
  return name === 'bash' || name === 'ash' ? 'sh' : name
}

async function runProgram(
  context: ProcessContext,
  argv: readonly string[],
  streams: Streams,
): Promise<number> {
  const machine = machineOf(context)
  const name = programName(argv)
  if (name === 'sh') {
    const flag = argv.findIndex(argument => /^-[a-z]*c$/.test(argument))
    const setup = argv.slice(1, flag).some(option => /^-[a-z]*e/.test(option)) || /e/.test(argv[flag] ?? '')
    const source = flag < 0 ? '' : (argv[flag + 1] ?? '')
    return runShell(setup ? `set -e\n${source}` : source, machine, PROGRAMS, streams)
  }
  if (name === 'exit') return Number(argv[1] ?? 0) & 0xff
  const program = PROGRAMS.get(name)
  if (!program) {
    // Exactly this text tells the kubelet that an exec probe's command is missing.
    streams.stderr(`${argv[0] ?? ''}: not found\n`)
    return 127
  }
  return program({ ...streams, name, arguments: argv.slice(1), variables: context.env, machine })
}

function streamsOf(context: ProcessContext, log?: ContainerLog): Streams {
  return {
    stdin: '',
    stdout: text => {
      log?.append(text)
      context.writeStdout(text)
    },
    stderr: text => {
      log?.append(text)
      context.writeStderr(text)
    },
  }
}

function machineOf(context: ProcessContext): Machine {
  const environment = new Map(context.env)
  environment.set('HOSTNAME', context.pod.name)
  return {
    environment,
    hostname: context.pod.name,
    readFile: path => context.fs.read(path),
    writeFile: (path, text) => context.fs.write(path, text),
    removeFile: path => void context.fs.delete(path),
    sleep: milliseconds => context.sleep(milliseconds),
    now: () => getClock(context).nowMs(),
    fetch: (url, question) => {
      const { method, headers, body } = question
      return context.fetch(url, body === undefined ? { method, headers } : { method, headers, body })
    },
  }
}

/** Says why a container ends, in its log and where the kubelet looks for a termination message. */
function leave(context: ProcessContext, log: ContainerLog, code: number, why: string): number {
  const message = why.replace(/^(exit-code|restart-after)(?=:)/, `${ANNOTATION_PREFIX}$1`)
  log.append(`${message}\n`)
  context.fs.write(context.container.apiContainer.terminationMessagePath || TERMINATION_LOG, message)
  return code
}
