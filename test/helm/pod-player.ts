/**
 * Plays the kubelet for the pods of Jobs, whose containers are programs of this machine: kwok starts pods and runs
 * nothing in them. Each container's command runs as a process with a token of the pod's ServiceAccount; its exit
 * code ends the pod, and its output is the pod's log.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../src/cluster/port.ts'
import { pods } from '../../src/cluster/resources.ts'
import type { Container, Pod } from '../../src/core/kubernetes.ts'
import { accessOf } from '../controlplane/access.ts'
import { type Api, apiOf } from '../controlplane/api.ts'
import { startGuardian } from '../controlplane/component.ts'
import { tokenKubeconfig } from './account-token.ts'
import { startPodLogs } from './pod-logs.ts'

export interface PodPlayerOptions {
  /** Watches pods. */
  readonly cluster: Cluster
  /** Of an administrator. */
  readonly kubeconfig: string
  /** Which pods are played; those of every Job when left out. */
  readonly plays?: (pod: PlayedPod) => boolean
  /**
   * What a container runs: the command line of an image's entrypoint with the container's arguments. Command and
   * arguments as they are written when left out.
   */
  readonly commandOf?: (container: PlayedContainer) => readonly string[]
}

export interface PlayedContainer extends Container {
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly terminationMessagePolicy?: string
}

export interface PlayedPod extends Omit<Pod, 'spec'> {
  readonly spec?: {
    readonly serviceAccountName?: string
    readonly containers?: readonly PlayedContainer[]
  }
}

export interface PodPlayer {
  /** Everything that the containers of a pod wrote, while it runs and after. */
  logOf(namespace: string, pod: string): string
  /** The pods that were played so far: `namespace/name`. */
  readonly played: readonly string[]
  /** Those of them whose processes still run. */
  readonly running: readonly string[]
  /** Ends what still runs. */
  stop(): Promise<void>
}

/** What a kubelet keeps of the log for the termination message (FallbackToLogsOnError). */
const LONGEST_MESSAGE = 2048

interface Playing {
  readonly children: ChildProcess[]
  readonly ended: Promise<void>
}

/** Plays pods from now on; `kubectl logs` and Helm get their logs from it. */
export async function startPodPlayer(options: PodPlayerOptions): Promise<PodPlayer> {
  const { cluster, kubeconfig, plays = isOfAJob } = options
  const api = apiOf(kubeconfig)
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-pods-'))
  const guardian = startGuardian(directory)
  const playing = new Map<string, Playing>()
  const running = new Set<string>()
  const logs = await startPodLogs(api)
  const watching = cluster.watch<PlayedPod>(pods, {}, ({ type, object }) => {
    const { uid = '', deletionTimestamp } = object.metadata
    const known = playing.get(uid)
    if (type === 'gone' || deletionTimestamp) {
      for (const child of known?.children ?? []) endGroup(child, 'SIGTERM')
    } else if (!known && object.status?.phase === 'Running' && plays(object)) {
      const children: ChildProcess[] = []
      const pod = `${object.metadata.namespace}/${object.metadata.name}`
      const ended = play(object, children).catch(tell)
      // It stays known: an older report of it may still come.
      playing.set(uid, { children, ended })
      running.add(pod)
      void ended.then(() => running.delete(pod))
    }
  })
  await watching.synced

  /** Runs its containers to their ends, then says what became of them. */
  async function play(pod: PlayedPod, children: ChildProcess[]): Promise<void> {
    const { namespace = '', name } = pod.metadata
    const file = join(directory, `${namespace}-${name}`)
    const account = { namespace, name: pod.spec?.serviceAccountName ?? 'default' }
    await writeFile(file, await tokenKubeconfig(api, accessOf(kubeconfig), account), { mode: 0o600 })
    const containers = pod.spec?.containers ?? []
    const codes = await Promise.all(
      containers.map(async container => {
        const write = logs.open(namespace, name, container.name)
        const child = startContainer(options.commandOf?.(container) ?? commandLine(container), {
          ...Object.fromEntries((container.env ?? []).map(({ name, value = '' }) => [name, value])),
          KUBECONFIG: file,
          HOME: directory,
        })
        children.push(child)
        if (child.pid !== undefined) guardian.guard(-child.pid)
        for (const stream of [child.stdout, child.stderr]) stream?.on('data', write)
        child.on('error', ({ message }) => write(`${message}\n`))
        const [code] = await once(child, 'close').catch(() => [127])
        return Number(code ?? 143)
      }),
    )
    await sayEnd(api, pod, codes, container => logs.textOf(namespace, name, container))
  }

  return {
    logOf: (namespace, pod) => logs.textOf(namespace, pod),
    get played() {
      return logs.pods
    },
    get running() {
      return [...running]
    },
    async stop() {
      watching.stop()
      for (const { children } of playing.values()) for (const child of children) endGroup(child, 'SIGKILL')
      await Promise.all([...playing.values()].map(({ ended }) => ended))
      await logs.stop()
      guardian.dismiss()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function isOfAJob({ metadata }: PlayedPod): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === 'Job') === true
}

function commandLine({ command = [], args = [] }: PlayedContainer): readonly string[] {
  return [...command, ...args]
}

/** In a process group of its own, as the processes of a container end together. */
function startContainer([program = '', ...args]: readonly string[], env: Readonly<Record<string, string>>) {
  return spawn(program, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
}

/** Whatever of it still runs: a shell may be gone before what it started. */
function endGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It ended by itself.
  }
}

/** The status that a kubelet gives a pod whose containers have all ended. */
async function sayEnd(
  api: Api,
  pod: PlayedPod,
  codes: readonly number[],
  logOf: (container: string) => string,
): Promise<void> {
  const { namespace, name } = pod.metadata
  const finishedAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const containerStatuses = (pod.spec?.containers ?? []).map((container, index) => {
    const exitCode = codes[index] ?? 1
    const saysWhy = exitCode !== 0 && container.terminationMessagePolicy === 'FallbackToLogsOnError'
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      finishedAt,
      ...(saysWhy && { message: logOf(container.name).slice(-LONGEST_MESSAGE) }),
    }
    return {
      name: container.name,
      image: container.image,
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated },
    }
  })
  const phase = codes.every(code => code === 0) ? 'Succeeded' : 'Failed'
  const conditions = ['ContainersReady', 'Ready'].map(type => ({
    type,
    status: 'False',
    reason: 'PodCompleted',
  }))
  await api.request(
    'PATCH',
    `/api/v1/namespaces/${namespace}/pods/${name}/status`,
    { status: { phase, conditions, containerStatuses } },
    'application/strategic-merge-patch+json',
  )
}

function tell(error: unknown): void {
  process.stderr.write(`a pod could not be played: ${error instanceof Error ? error.message : error}\n`)
}
