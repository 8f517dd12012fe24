import { afterEach, beforeAll, expect, test } from 'vitest'
import { leases } from '../../src/cluster/resources.ts'
import { type Candidate, type LeaseTiming, startCandidate } from './candidate.ts'
import { useEnvironment, writesAmong } from './environment.ts'
import { namespaces } from './kinds.ts'
import { Shop } from './shop.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()
/** A fifth of Kubernetes' usual times. */
const SHORT: LeaseTiming = { leaseDuration: 3000, renewDeadline: 2000, retryPeriod: 400 }
/** Nobody waits for a Lease of this kind to run out. */
const LONG: LeaseTiming = { leaseDuration: 60_000, renewDeadline: 40_000, retryPeriod: 400 }

const started: Candidate[] = []

beforeAll(async () => {
  // It stands for no election, and would carry out everything that these tests leave to others.
  await environment.controller.kill()
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'canaryhook' } }
  const admin = environment.as('admin')
  await admin.create(namespaces, '', namespace).catch(unless(409))
  // One that others left: the first leader here makes its own.
  await admin.remove(leases, { namespace: 'canaryhook', name: 'canaryhook-controller' }).catch(unless(404))
})

function unless(status: number): (error: unknown) => void {
  return error => {
    if ((error as { status?: number }).status !== status) throw error
  }
}

afterEach(async () => {
  // Those who can give the Lease up, so that the next test need not wait for it.
  await Promise.all(started.map(candidate => candidate.stop()))
  await Promise.all(started.splice(0).map(candidate => candidate.end()))
})

/** Two controllers: the one that leads, and the other. */
async function two(timing: LeaseTiming): Promise<readonly [Candidate, Candidate]> {
  const start = async () => {
    const candidate = await startCandidate(environment.controllerKubeconfig, timing)
    started.push(candidate)
    return candidate
  }
  const [one, other] = await Promise.all([start(), start()])
  await expect.poll(() => one.isLeading || other.isLeading, { timeout: 15_000 }).toBe(true)
  return one.isLeading ? [one, other] : [other, one]
}

async function leads(candidate: Candidate, within: number): Promise<void> {
  await expect.poll(() => candidate.isLeading, { timeout: within, interval: 20 }).toBe(true)
}

/** A release whose first step stands and waits for approval. */
async function waiting(): Promise<Shop> {
  const shop = await Shop.serving(environment, { steps: '25%, approve, 50%' })
  await shop.apply('v2')
  await shop.until('it waits for approval', ({ state, pods }) => state?.step === 1 && pods.length === 4)
  return shop
}

async function promoted(shop: Shop): Promise<void> {
  await shop.phase('Succeeded', 'v2')
  await shop.servesAlone('v2', 4)
  await shop.until('nothing of ours is left', ({ snapshots, canary }) => !canary && snapshots.length === 0)
  expect(dipUnder(4, shop.watcher.history)).toBe('')
}

test('of two controllers one carries the release out, and the other writes nothing at all', async () => {
  const [leader, other] = await two(SHORT)
  const shop = await waiting()
  await shop.command('approve')
  await promoted(shop)
  expect(writesAmong(leader.gate.requests, shop.namespace).length).toBeGreaterThan(5)
  expect(other.isLeading).toBe(false)
  expect(other.writes().filter(({ status }) => status < 300)).toEqual([])
})

test('when the leader is killed in mid-release, the other goes on from there', async () => {
  const [leader, other] = await two(SHORT)
  const shop = await waiting()
  await leader.kill()
  await shop.command('approve')
  await promoted(shop)
  expect(other.isLeading).toBe(true)
  expect(writesAmong(other.gate.requests, shop.namespace).length).toBeGreaterThan(3)
})

test.each(['refused', 'silent'] as const)(
  'when the leader is cut off in the middle of its work (connections %s), the other goes on, and the former leader stays out of it',
  async cut => {
    const [leader, other] = await two(SHORT)
    const shop = await waiting()
    const cutOff = Promise.withResolvers<number>()
    leader.gate.intercept(({ namespace, resource, verb }) => {
      if (namespace !== shop.namespace || resource !== 'deployments' || verb !== 'patch') return undefined
      const meanwhile = async () => {
        leader.gate.cut(cut)
        cutOff.resolve(Date.now())
      }
      return { when: 'after', meanwhile }
    })
    await shop.command('approve')
    const since = await cutOff.promise
    // By the time when they came: what is on its way at the cut is on record when it was answered.
    const writesSince = () => leader.writes().filter(({ at }) => at > since)
    await leads(other, 10_000)
    // It knew before: nobody else leads as long as it believes to do so.
    expect(leader.isLeading).toBe(false)
    await promoted(shop)
    expect(writesSince()).toEqual([])

    const before = leader.gate.requests.length
    leader.gate.mend()
    await expect.poll(() => leader.gate.requests.length, { timeout: 15_000 }).toBeGreaterThan(before)
    const next = await waiting()
    await next.command('approve')
    await promoted(next)
    // What it asked while it still led may have come late: it had hung up by then, or it is refused.
    expect(writesSince().filter(({ status }) => status >= 200 && status < 300)).toEqual([])
    expect(other.logs.filter(({ msg }) => msg.startsWith('lost leadership'))).toEqual([])
    expect(other.isLeading).toBe(true)

    await other.kill()
    await leads(leader, 10_000)
  },
)

test('a leader that is asked to stop gives the Lease up, and the other need not wait for its end', async () => {
  const [leader, other] = await two(LONG)
  const shop = await waiting()
  await leader.stop()
  await leads(other, 5000)
  await shop.command('approve')
  await promoted(shop)
})
