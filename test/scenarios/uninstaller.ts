/** Runs `canaryhook uninstall` as a process of its own, through a gate that can end it at any of its writes. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Ran } from './environment.ts'
import { startGate } from './gate.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** A fifth of Kubernetes' usual times. */
const LEASE_TIMING = '3000,2000,400'

export interface UninstallRun extends Ran {
  /** What it sent, Events and its Lease aside: `patch deployments/status shop`. */
  readonly writes: readonly string[]
  readonly killed: boolean
}

/** A write, from 1, before the API server gets it or after it is done. */
export interface KillPoint {
  readonly write: number
  readonly when: 'before' | 'after'
}

export interface UninstallOptions {
  /** In these namespaces only. */
  readonly namespaces: readonly string[]
  readonly args?: readonly string[]
  /** SIGKILL there. */
  readonly killAt?: KillPoint
}

/** @param kubeconfig of its account */
export async function runUninstall(kubeconfig: string, options: UninstallOptions): Promise<UninstallRun> {
  const { namespaces, args = [], killAt } = options
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-uninstall-'))
  const gate = await startGate(kubeconfig)
  const file = join(directory, 'kubeconfig')
  await writeFile(file, gate.kubeconfig, { mode: 0o600 })
  const fixed = ['--kubeconfig', file, '--lease-namespace', 'canaryhook', '--lease-timing', LEASE_TIMING]
  const child = spawn(
    process.execPath,
    [MAIN, 'uninstall', ...fixed, '--timeout', '1m', ...args, '--namespace', ...namespaces],
    { env: {} },
  )
  const ended = new Promise<number>(resolve => child.on('close', code => resolve(code ?? -1)))
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const writes: string[] = []
  let killed = false
  gate.intercept(({ verb, resource, subresource, name }) => {
    if (['get', 'list', 'watch'].includes(verb) || ['events', 'leases'].includes(resource)) return undefined
    writes.push(`${verb} ${subresource ? `${resource}/${subresource}` : resource} ${name}`)
    if (killed || writes.length !== killAt?.write) return undefined
    return {
      when: killAt.when,
      async meanwhile() {
        killed = true
        child.kill('SIGKILL')
        await ended
      },
    }
  })
  try {
    const code = await ended
    const [stdout, stderr] = await output
    return { code, stdout, stderr, writes, killed }
  } finally {
    await gate.stop()
    await rm(directory, { recursive: true, force: true })
  }
}
