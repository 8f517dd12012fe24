/** The real controller as a process, over a large cluster that another process plays, and what it costs. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubeconfigFor } from '../cluster/fake-api-server.ts'
import type { Order, Told } from './cluster-server.ts'
import type { ClusterSize } from './large-cluster.ts'
import type { Cost, Question } from './probe.ts'

const root = join(import.meta.dirname, '..', '..')

export interface Requests {
  readonly lists: number
  readonly watches: number
  readonly others: number
}

export interface MeasuredController {
  cost(question: Question): Promise<Cost>
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>
  requests(): Promise<Requests>
  /** Deployments change, all told in one piece. */
  change(count: number): Promise<void>
  /** Milliseconds from the start of the process until it was ready. */
  readonly syncTime: number
  stop(): Promise<void>
}

/** @returns when the controller has its first complete lists */
export async function startMeasuredController(size: ClusterSize): Promise<MeasuredController> {
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-measured-'))
  const children: ChildProcess[] = []
  const started = (child: ChildProcess): ChildProcess => {
    children.push(child)
    return child
  }
  const stop = async () => {
    for (const child of children) {
      const gone = once(child, 'exit')
      if (child.exitCode === null && child.kill('SIGKILL')) await gone
    }
    await rm(directory, { recursive: true })
  }

  const server = started(
    fork(join(import.meta.dirname, 'cluster-server.ts'), [
      String(size.deployments),
      String(size.oldRevisions),
    ]),
  )
  const { url } = (await answerOf(server, 'listening')) as Extract<Told, { told: 'listening' }>
  const kubeconfig = join(directory, 'config')
  await writeFile(kubeconfig, kubeconfigFor(url))

  const begin = performance.now()
  const controller = started(
    fork(
      join(root, 'src/main.ts'),
      ['controller', '--kubeconfig', kubeconfig, '--port', '0', '--no-leader-election'],
      {
        cwd: root,
        execArgv: [
          ...(await flagsOfImage()),
          '--expose-gc',
          '--import',
          join(import.meta.dirname, 'probe.ts'),
        ],
        env: { PATH: process.env.PATH ?? '', MALLOC_ARENA_MAX: '1' },
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      },
    ),
  )
  const port = await portOf(controller)
  const cost = async (question: Question): Promise<Cost> => {
    controller.send(question)
    const [answer] = await once(controller, 'message')
    return answer as Cost
  }
  // What was before is the loading of the program: blocks are counted from here.
  await cost({ collect: false })
  const fetched = async (path: string) => fetch(`http://localhost:${port}${path}`)
  while ((await fetched('/readyz')).status !== 200) await new Promise(resolve => setTimeout(resolve, 20))
  const syncTime = performance.now() - begin

  const order = async (message: Order, answer: Told['told']): Promise<Told> => {
    server.send(message)
    return answerOf(server, answer)
  }
  return {
    syncTime,
    cost,
    async metric(name) {
      const text = await (await fetched('/metrics')).text()
      const line = text.split('\n').find(one => one.startsWith(`${name} `))
      if (line === undefined) throw new Error(`there is no metric ${name} in:\n${text}`)
      return Number(line.split(' ')[1])
    },
    requests: async () => (await order({ order: 'count' }, 'requests')) as Requests & Told,
    async change(count) {
      await order({ order: 'change', count }, 'changed')
    },
    stop,
  }
}

async function answerOf(child: ChildProcess, told: Told['told']): Promise<Told> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Told]
    if (message.told === told) return message
  }
}

/** From the log line that says that it listens. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', chunk => {
      text = (text + String(chunk)).slice(-10_000)
      const found = /"port":(?<port>\d+)/.exec(text)
      if (found?.groups?.port) resolve(Number(found.groups.port))
    })
    child.once('exit', () => reject(new Error(`the controller did not start: ${text}`)))
  })
}

/** The options that the image starts node with: what is measured is what runs in a cluster. */
async function flagsOfImage(): Promise<readonly string[]> {
  const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8')
  const entrypoint = /^ENTRYPOINT (?<words>\[.*\])$/m.exec(dockerfile)?.groups?.words ?? '[]'
  return (JSON.parse(entrypoint) as string[]).filter(word => word.startsWith('--'))
}
