/** A controller that stands for election, as each of the replicas of an install does, behind a gate of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CanaryhookProcess, type LogLine } from '../../src/sandbox/child-process.ts'
import { type Gate, type Passed, startGate } from './gate.ts'

/** Milliseconds, as the flag takes them. */
export interface LeaseTiming {
  readonly leaseDuration: number
  readonly renewDeadline: number
  readonly retryPeriod: number
}

export interface Candidate {
  readonly gate: Gate
  readonly logs: readonly LogLine[]
  /** By what it says itself. */
  readonly isLeading: boolean
  /** What it wrote, Leases and Events too. */
  writes(): readonly Passed[]
  /** SIGKILL, as a crash. */
  kill(): Promise<void>
  /** SIGTERM, as a rollout or a drain. */
  stop(): Promise<void>
  /** Ends it however it fares, with its gate. */
  end(): Promise<void>
}

const START_LIMIT = 20_000

/**
 * Starts a candidate; resolves when it runs, leading or not.
 * @param kubeconfig of the controller's user, straight to the API server
 */
export async function startCandidate(kubeconfig: string, timing: LeaseTiming): Promise<Candidate> {
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-candidate-'))
  const gate = await startGate(kubeconfig)
  const file = join(directory, 'kubeconfig')
  await writeFile(file, gate.kubeconfig, { mode: 0o600 })
  const logs: LogLine[] = []
  const { leaseDuration, renewDeadline, retryPeriod } = timing
  const lease = ['--lease-namespace', 'canaryhook', '--lease-timing']
  const process = new CanaryhookProcess(
    'controller',
    ['--kubeconfig', file, '--port', '0', ...lease, [leaseDuration, renewDeadline, retryPeriod].join()],
    'info',
    line => logs.push(line),
  )
  const end = async () => {
    await process.kill()
    await gate.stop()
    await rm(directory, { recursive: true, force: true })
  }
  await process.logged('controller started', START_LIMIT).catch(async error => {
    await end()
    throw error
  })
  return {
    gate,
    logs,
    get isLeading() {
      const last = logs.findLast(({ msg }) => /^(became leader|lost leadership|gave leadership up)/.test(msg))
      return process.running && last?.msg === 'became leader'
    },
    writes: () => gate.requests.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb)),
    kill: () => process.kill(),
    stop: () => process.stop(),
    end,
  }
}
