/** The real kubectl against a sandbox, with a home and caches of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { UserName } from '../../../src/sandbox/api/users.ts'
import type { Sandbox } from '../../../src/sandbox/sandbox.ts'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Whether there is a kubectl on this machine; without one, one line says what is left out. */
export function hasKubectl(): boolean {
  const found = spawnSync('kubectl', ['version', '--client']).status === 0
  if (found) return true
  process.stdout.write('no kubectl in PATH: the tests with the real kubectl are left out\n')
  return false
}

export class Kubectl {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async for(sandbox: Sandbox): Promise<Kubectl> {
    const directory = await mkdtemp(join(tmpdir(), 'canaryhook-kubectl-'))
    for (const user of ['admin', 'alice', 'bob'] as const) {
      await writeFile(join(directory, user), sandbox.kubeconfig(user))
    }
    return new Kubectl(directory)
  }

  async run(
    args: readonly string[],
    options: { input?: string; user?: UserName; env?: Record<string, string> } = {},
  ): Promise<Outcome> {
    const kubeconfig = join(this.directory, options.user ?? 'admin')
    const child = spawn(
      'kubectl',
      ['--kubeconfig', kubeconfig, '--cache-dir', join(this.directory, 'cache'), ...args],
      {
        env: { PATH: process.env.PATH ?? '', HOME: this.directory, ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
    child.stdin.end(options.input ?? '')
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, stdout, stderr }
  }

  /** Standard output of a command that must succeed; its standard error is the message when it does not. */
  async ok(
    command: string,
    options: { input?: string; user?: UserName; env?: Record<string, string> } = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.run(command.split(' '), options)
    if (code !== 0) throw new Error(`kubectl ${command} ended with ${code}: ${stderr}`)
    return stdout
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true })
  }
}
