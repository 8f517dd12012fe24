/** `npm run controlplane` as people start it, and everything that runs because of it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE = ['--import', './src/sandbox/resolve-hook.ts', 'test/controlplane/main.ts']
const BOOT_LIMIT = 60_000
const END_LIMIT = 15_000

export interface LauncherOptions {
  /** By npm instead of node. */
  readonly npm?: boolean
  /** Kubernetes alone. */
  readonly withoutCanaryhook?: boolean
  /** Over what is there already; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export class Launcher {
  readonly child: ChildProcess
  readonly #directory: string
  #said = ''

  private constructor(child: ChildProcess, directory: string) {
    this.child = child
    this.#directory = directory
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString()
      })
    }
  }

  /** Its temporary files are in a folder of its own, by which everything that it starts is found. */
  static async start({
    npm = false,
    withoutCanaryhook = false,
    env = {},
  }: LauncherOptions = {}): Promise<Launcher> {
    const directory = await mkdtemp(join(tmpdir(), 'launcher-'))
    const args = ['--port', '0', '--kubeconfig', join(directory, 'kubeconfig')]
    if (withoutCanaryhook) args.push('--without-canaryhook')
    const { npm_lifecycle_event: _, ...own } = process.env
    const child = spawn(
      npm ? 'npm' : process.execPath,
      npm ? ['run', 'controlplane', '--', ...args] : [...NODE, ...args],
      {
        cwd: ROOT,
        env: { ...own, TMPDIR: directory, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    )
    return new Launcher(child, directory)
  }

  get kubeconfig(): string {
    return join(this.#directory, 'kubeconfig')
  }

  /** Everything that it wrote. */
  get said(): string {
    return this.#said
  }

  /** @throws Error when it ends before, or is not ready in time */
  async ready(): Promise<void> {
    const deadline = Date.now() + BOOT_LIMIT
    while (!/^ready$/m.test(this.#said)) {
      const { exitCode, signalCode } = this.child
      if (exitCode !== null || signalCode !== null || Date.now() > deadline) {
        throw new Error(
          `the control plane is not ready (${exitCode ?? signalCode ?? 'too late'}):\n${this.#said}`,
        )
      }
      await sleep(50)
    }
  }

  /** What runs because of it, itself included: `pid command line`. */
  processes(): readonly string[] {
    const all = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n')
    return all.map(line => line.trim()).filter(line => line.includes(this.#directory))
  }

  /** The one process whose program has this name. */
  pidOf(program: string): number {
    const found = this.processes().find(line => line.split(/\s+/)[1]?.endsWith(`/${program}`))
    if (!found) throw new Error(`no ${program} among:\n${this.processes().join('\n')}`)
    return Number.parseInt(found, 10)
  }

  /** Nobody reads any more what it says, as when a terminal was closed. */
  hangUp(): void {
    this.child.stdout?.destroy()
    this.child.stderr?.destroy()
    this.child.kill('SIGHUP')
  }

  /** Waits for its end. @returns its exit code, or the signal that ended it */
  async ended(): Promise<number | string | null> {
    const { exitCode, signalCode } = this.child
    if (exitCode === null && signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode ?? this.child.signalCode
  }

  /** Waits a while for everything to go. @returns the processes and files that are left all the same */
  async leftovers(): Promise<readonly string[]> {
    const deadline = Date.now() + END_LIMIT
    for (;;) {
      const files = (await readdir(this.#directory)).filter(name => name.startsWith('canaryhook-'))
      const left = [...this.processes(), ...files]
      if (left.length === 0 || Date.now() > deadline) return left
      await sleep(100)
    }
  }

  /** Whatever is left of a test that failed. */
  async clean(): Promise<void> {
    for (const line of this.processes()) {
      try {
        process.kill(Number.parseInt(line, 10), 'SIGKILL')
      } catch {
        // It went by itself meanwhile.
      }
    }
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
