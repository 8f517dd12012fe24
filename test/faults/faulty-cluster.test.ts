/** The layer that makes faults: what it does to calls and watches, and that a seed does it again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { ApiError, type Change, type Cluster } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { MemoryCluster } from '../controller/memory-cluster.ts'
import { shop } from '../core/shop.ts'
import { dice } from './dice.ts'
import { type FaultSettings, faulty } from './faulty-cluster.ts'

const NO_WATCH_FAULTS = { delay: 0, twice: 0, gaps: 0, longestGap: 0, staleLists: 0, staleness: 0 }
const SHOP = { namespace: 'default', name: 'shop' }

const settings = (share: number, watches: Partial<FaultSettings['watches']> = {}): FaultSettings => ({
  writes: { share, latest: 30 },
  watches: { ...NO_WATCH_FAULTS, ...watches },
})

function patchTo(cluster: Cluster, replicas: number): Promise<Deployment> {
  return cluster.patch(deployments, SHOP, { type: 'merge', body: { spec: { replicas } } }, 'scale')
}

/** What became of so many writes: for each what the caller was told, and whether it was done. */
function outcomes(seed: number, count: number, share = 1): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => outcome(`${seed} ${index}`, share)))
}

async function outcome(seed: string, share: number): Promise<string> {
  const memory = new MemoryCluster()
  memory.put('deployments', shop())
  const layer = faulty(memory, dice(seed), settings(share))
  const answer = await patchTo(layer.connect(), 3).then(
    () => 'well',
    (error: unknown) => (error instanceof ApiError ? error.code : 'another error'),
  )
  const isDone = memory.get<Deployment>('deployments', 'shop')?.spec.replicas === 3
  return `${layer.calls[0]?.fault}: told ${answer}, ${isDone ? 'done' : 'not done'}`
}

describe('a call', () => {
  test('goes through untouched without faults', async () => {
    expect(await outcomes(1, 3, 0)).toEqual(Array(3).fill(': told well, done'))
  })

  test('may be done and reported as failed, not done, done later, refused, or only slow', async () => {
    const all = (await outcomes(1, 60)).join('\n')
    expect(all).toMatch(/^(?:time-out|connection reset|500) after it: told CLUSTER_UNAVAILABLE, done$/m)
    expect(all).toMatch(/^(?:time-out|connection reset|500) before it: told CLUSTER_UNAVAILABLE, not done$/m)
    expect(all).toMatch(
      /^(?:time-out|connection reset|500), done \d+ ms later: told CLUSTER_UNAVAILABLE, not done$/m,
    )
    expect(all).toMatch(/^429: told CLUSTER_THROTTLED, not done$/m)
    expect(all).toMatch(/^409: told CLUSTER_CONFLICT, not done$/m)
    expect(all).toMatch(/^slow answer: told well, done$/m)
  })

  test('meets the same faults with the same seed', async () => {
    expect(await outcomes(5, 10, 0.5)).toEqual(await outcomes(5, 10, 0.5))
  })

  test('that was said to have failed is done later when the fault says so', async () => {
    const memory = new MemoryCluster()
    memory.put('deployments', shop())
    const cluster = faulty(memory, dice(2), settings(1)).connect()
    const replicas = () => memory.get<Deployment>('deployments', 'shop')?.spec.replicas
    for (let size = 11; size < 60; size += 1) {
      await patchTo(cluster, size).catch(() => {})
      if (replicas() === size) continue
      await sleep(35)
      if (replicas() === size) return
    }
    throw new Error('no write was done late')
  })

  test('of a healed cluster meets no fault', async () => {
    const memory = new MemoryCluster()
    memory.put('deployments', shop())
    const layer = faulty(memory, dice(1), settings(1))
    const cluster = layer.connect()
    layer.heal()
    for (let size = 1; size < 20; size += 1) await patchTo(cluster, size)
    expect(layer.calls.filter(({ fault }) => fault !== '')).toEqual([])
  })

  test('of a dead process never comes back and is not begun', async () => {
    const memory = new MemoryCluster()
    memory.put('deployments', shop())
    const layer = faulty(memory, dice(1), settings(0))
    const dead = layer.connect()
    layer.crash()
    const back = vi.fn()
    patchTo(dead, 3).finally(back)
    await patchTo(layer.connect(), 4)
    expect(back).not.toHaveBeenCalled()
    expect(memory.writes).toHaveLength(1)
  })
})

describe('a watch', () => {
  /** Follows `shop` while it is scaled again and again. */
  async function follow(watches: Partial<FaultSettings['watches']>, seed = 1) {
    const memory = new MemoryCluster()
    memory.put('deployments', shop())
    const layer = faulty(memory, dice(seed), settings(0, watches))
    const changes: Change<Deployment>[] = []
    const watching = layer.connect().watch(deployments, {}, change => changes.push(change))
    for (let size = 1; size <= 40; size += 1) {
      memory.put('deployments', shop({ spec: { replicas: size } }))
      if (size % 8 === 0) await sleep(3)
    }
    const told = () => changes.map(({ object }) => Number(object.metadata.resourceVersion))
    return { memory, layer, watching, told, changes }
  }

  test('without faults tells everything', async () => {
    const { watching, changes } = await follow({})
    await watching.synced
    await vi.waitFor(() => expect(watching.get(SHOP)?.spec.replicas).toBe(40))
    expect(changes.length).toBeGreaterThan(30)
  })

  test.each([
    ['news that come late', { delay: 15 }],
    ['news that come twice', { twice: 1 }],
    ['a connection that breaks all the time', { gaps: 0.5, longestGap: 10 }],
    ['late news over a connection that breaks', { delay: 10, gaps: 0.2, longestGap: 10 }],
  ])('of %s is told in order and comes to the truth', async (_sentence, faults) => {
    const { layer, watching, told } = await follow(faults)
    await watching.synced
    await sleep(60)
    layer.heal()
    expect(watching.get(SHOP)?.spec.replicas).toBe(40)
    expect(told()).toEqual([...told()].sort((a, b) => a - b))
  })

  test('may list what was true a moment ago, and then tells the rest', async () => {
    const stale = { gaps: 0.3, longestGap: 5, staleLists: 1, staleness: 20 }
    const { layer, watching } = await follow(stale)
    await watching.synced
    await sleep(60)
    expect(layer.watchFaults.join('\n')).toMatch(/deployments: list that knows \d+ of \d+ changes/)
    layer.heal()
    expect(watching.get(SHOP)?.spec.replicas).toBe(40)
  })

  test('of a dead process tells nothing more, and one that starts anew lists first', async () => {
    const { memory, layer, watching, told } = await follow({})
    await watching.synced
    layer.crash()
    const count = told().length
    memory.put('deployments', shop({ spec: { replicas: 77 } }))
    const next = layer.connect().watch(deployments, {}, () => {})
    await next.synced
    expect(next.get(SHOP)?.spec.replicas).toBe(77)
    expect(told()).toHaveLength(count)
  })
})
