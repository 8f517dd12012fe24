/** Runs the real kubectl. */
import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Ran } from './environment.ts'

/** @param stdin what it reads from its standard input @param editor the command of `kubectl edit` */
export async function runKubectl(args: readonly string[], stdin = '', editor?: string): Promise<Ran> {
  const env = { ...environment(), ...(editor !== undefined && { KUBE_EDITOR: editor }) }
  const child = spawn('kubectl', args, { env })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(code ?? -1))
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

/** Whether there is a kubectl on this machine. */
export function isKubectlThere(): boolean {
  return spawnSync('kubectl', ['version', '--client'], { env: environment() }).status === 0
}

/** Nothing of the person's own settings. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME }
}
