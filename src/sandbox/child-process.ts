/** One of Canaryhook's processes, as a child that cannot outlive us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CanaryhookError } from '../core/errors.ts'

/** A line that a process logged: what pino wrote, or `{ msg }` for plain text. */
export interface LogLine {
  readonly component: string
  readonly msg: string
  readonly [field: string]: unknown
}

const MAIN = new URL('../main.ts', import.meta.url).pathname

export class CanaryhookProcess {
  readonly component: string
  readonly #child: ChildProcess
  readonly #log: (line: LogLine) => void
  readonly #waiting = new Set<(line: LogLine) => void>()
  readonly #last: string[] = []
  readonly #exited: Promise<unknown>

  /**
   * Starts `canaryhook COMPONENT ARGUMENTS`. It ends when its standard input closes, so also when we are killed.
   * @param log called for every line that it writes
   */
  constructor(component: string, args: readonly string[], logLevel: string, log: (line: LogLine) => void) {
    this.component = component
    this.#log = log
    this.#child = spawn(process.execPath, [MAIN, component, ...args, '--stdin-closes'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Nothing of our own environment: NODE_OPTIONS or a KUBECONFIG of the person would change what it does.
      env: { LOG_LEVEL: logLevel },
      // Ctrl-C in the terminal is for us; we then end the children in order.
      detached: true,
    })
    this.#exited = once(this.#child, 'close')
    this.#child.stdin?.on('error', () => {})
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', text => this.#take(text))
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * The first line with that message.
   * @throws CanaryhookError SANDBOX_PROCESS when the process ends before, or does not log it in time
   */
  async logged(msg: string, timeout: number): Promise<LogLine> {
    const found = new Promise<LogLine>(resolve => {
      const look = (line: LogLine) => {
        if (line.msg !== msg) return
        this.#waiting.delete(look)
        resolve(line)
      }
      this.#waiting.add(look)
    })
    const timer = AbortSignal.timeout(timeout)
    const late = new Promise<string>(resolve =>
      timer.addEventListener('abort', () => resolve(`did not say "${msg}" within ${timeout / 1000} s`)),
    )
    const ended = this.#exited.then(() => `ended before it said "${msg}"`)
    const outcome = await Promise.race([found, late, ended])
    if (typeof outcome !== 'string') return outcome
    throw new CanaryhookError(
      'SANDBOX_PROCESS',
      `the ${this.component} process ${outcome}. Its last lines:\n${this.#last.join('\n')}`,
    )
  }

  /** SIGTERM, and waits until it has ended. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** SIGKILL, and waits until it has ended. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.running) this.#child.kill(signal)
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 12_000)
    await this.#exited
    clearTimeout(patience)
  }

  #take(text: string): void {
    this.#last.push(text)
    if (this.#last.length > 20) this.#last.shift()
    const line = parseLine(text, this.component)
    this.#log(line)
    for (const look of [...this.#waiting]) look(line)
  }
}

function parseLine(text: string, component: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return { component, msg: '', ...parsed }
  } catch {
    // A stack trace or another plain line.
  }
  return { component, msg: text }
}
