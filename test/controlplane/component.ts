/** The programs of a control plane as child processes that cannot outlive us, whatever ends us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** How many of its last lines a program's failure is told with. */
const TOLD = 15

export interface Component {
  readonly name: string
  readonly running: boolean
  /** Rejects when the program ends by itself. */
  readonly died: Promise<never>
  /** SIGTERM; SIGKILL when that does not end it within this time. */
  stop(patience?: number): Promise<void>
}

/** Ends everything that was put in its care when this process is gone, even by SIGKILL. */
export interface Guardian {
  guard(pid: number): void
  /** Everything ended in order: nothing is left to do. */
  dismiss(): void
}

/**
 * A tiny process that waits for our end of its standard input to close.
 * @param directory removed then
 */
export function startGuardian(directory: string): Guardian {
  const script = 'pids=; while read -r pid; do pids="$pids $pid"; done; kill -KILL $pids; rm -rf "$1"'
  const child = spawn('/bin/sh', ['-c', script, 'guardian', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C in a terminal goes to the whole group.
    detached: true,
  })
  child.unref()
  child.stdin.on('error', () => {})
  return {
    guard: pid => void child.stdin.write(`${pid}\n`),
    dismiss: () => void child.kill('SIGKILL'),
  }
}

/** @param logFile where everything goes that it writes */
export function startComponent(
  name: string,
  program: string,
  args: readonly string[],
  logFile: string,
  guardian: Guardian,
): Component {
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    detached: true,
  })
  if (child.pid !== undefined) guardian.guard(child.pid)
  const last: string[] = []
  const log = createWriteStream(logFile)
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', line => {
      log.write(`${line}\n`)
      last.push(line)
      if (last.length > TOLD) last.shift()
    })
  }
  let stopping = false
  const closed = once(child, 'close')
  const died = new Promise<never>((_, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      log.end()
      if (!stopping) reject(new Error(`${name} ended (${code ?? signal}):\n${last.join('\n')}`))
    })
  })
  // Whoever starts it waits for it together with this; later nobody may be there to be told.
  died.catch(() => {})
  const isRunning = () => child.exitCode === null && child.signalCode === null
  return {
    name,
    get running() {
      return isRunning()
    },
    died,
    async stop(patience = 5000) {
      stopping = true
      if (!isRunning()) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patience)
      await closed
      clearTimeout(timer)
    },
  }
}
