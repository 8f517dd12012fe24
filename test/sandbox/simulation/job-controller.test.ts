import { randomUUID } from 'node:crypto'
import type { Cluster } from '@ngrok/webernetes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSimulatedCluster } from '../../../src/sandbox/simulation/cluster.ts'
import type { Job, JobStatus, JobStore } from '../../../src/sandbox/simulation/job.ts'
import { startJobController } from '../../../src/sandbox/simulation/job-controller.ts'
import { eventually } from './simulated-objects.ts'

/** Jobs in memory. */
class Jobs implements JobStore {
  readonly #jobs = new Map<string, Job>()
  readonly #listeners = new Set<() => void>()

  put(name: string, script: string, spec: Partial<Job['spec']> = {}): void {
    const container = { name: 'test', image: 'curl', command: ['sh', '-c', script] }
    const template = { spec: { containers: [container], restartPolicy: 'Never' } }
    const metadata = { name, namespace: 'default', uid: randomUUID() }
    this.#set({ metadata, spec: { template, ...spec } })
  }

  get(name: string): Job | undefined {
    return this.#jobs.get(name)
  }

  list(): readonly Job[] {
    return [...this.#jobs.values()]
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async writeStatus(job: Job, status: JobStatus): Promise<void> {
    if (this.#jobs.has(job.metadata.name)) this.#set({ ...job, status })
  }

  async remove(job: Job): Promise<void> {
    this.#jobs.delete(job.metadata.name)
    for (const listener of this.#listeners) listener()
  }

  #set(job: Job): void {
    this.#jobs.set(job.metadata.name, job)
    for (const listener of this.#listeners) listener()
  }
}

let cluster: Cluster
let controller: ReturnType<typeof startJobController>
const jobs = new Jobs()

beforeAll(async () => {
  cluster = await createSimulatedCluster()
  controller = startJobController(cluster, jobs, { retryDelay: 200 })
})
afterAll(async () => {
  await controller.stop()
  await cluster.close()
})

async function podsOf(name: string) {
  const labelSelector = `job-name=${name}`
  return (await cluster.api.corev1.listNamespacedPod({ namespace: 'default', labelSelector })).items
}

const endsWith = (name: string, type: string, reason: string) =>
  eventually(async () =>
    expect(jobs.get(name)?.status?.conditions).toContainEqual(
      expect.objectContaining({ type, status: 'True', reason }),
    ),
  )

test.concurrent('a Job whose pod succeeds is complete', async () => {
  jobs.put('good', 'exit 0')
  await endsWith('good', 'Complete', 'CompletionsReached')
  expect(jobs.get('good')?.status).toMatchObject({
    succeeded: 1,
    failed: 0,
    completionTime: expect.any(String),
  })
  expect(await podsOf('good')).toHaveLength(1)
})

test.concurrent('a Job that fails is tried again as often as it says', async () => {
  jobs.put('bad', 'exit 1', { backoffLimit: 1 })
  await endsWith('bad', 'Failed', 'BackoffLimitExceeded')
  expect(jobs.get('bad')?.status).toMatchObject({ failed: 2 })
  expect(await podsOf('bad')).toHaveLength(2)
})

test.concurrent('a Job that takes too long is stopped', async () => {
  jobs.put('slow', 'sleep 600', { activeDeadlineSeconds: 1 })
  await endsWith('slow', 'Failed', 'DeadlineExceeded')
  await eventually(async () => expect(await podsOf('slow')).toEqual([]))
})

test.concurrent('a Job goes when its time to live is over, and its pods with it', async () => {
  jobs.put('brief', 'true', { ttlSecondsAfterFinished: 0 })
  await eventually(async () => {
    expect(jobs.get('brief')).toBeUndefined()
    expect(await podsOf('brief')).toEqual([])
  })
})

test.concurrent('a suspended Job waits', async () => {
  jobs.put('waiting', 'true', { suspend: true })
  await eventually(async () => expect(jobs.get('waiting')?.status?.conditions?.[0]?.type).toBe('Suspended'))
  expect(await podsOf('waiting')).toEqual([])
})
