import { beforeEach, expect, test } from 'vitest'
import { ApiError } from '../../../src/cluster/port.ts'
import { deployments } from '../../../src/cluster/resources.ts'
import { ELECTION_SETTINGS } from '../../../src/controller/leadership/election.ts'
import { fenced } from '../../../src/controller/leadership/fenced.ts'
import { beginTerm, type Term } from '../../../src/controller/leadership/term.ts'
import { MemoryCluster } from '../memory-cluster.ts'
import { VirtualProcess, VirtualTime } from '../virtual-time.ts'

let time: VirtualTime
let process: VirtualProcess
let ends: string[]

beforeEach(() => {
  time = new VirtualTime()
  process = new VirtualProcess(time)
  ends = []
})

function term(sentAt = 0): Term {
  const onEnd = (reason: string) => ends.push(reason)
  return beginTerm({ clock: process.clock, settings: ELECTION_SETTINGS, sentAt, onEnd })
}

const never = (): Promise<never> => new Promise(() => {})

test('a term that is renewed goes on', async () => {
  const renewed = term()
  for (let second = 2; second <= 60; second += 2) {
    await time.pass(2000)
    renewed.renewed(second * 1000)
  }
  expect(renewed.isOver()).toBe(false)
  expect(ends).toEqual([])
})

test('a term that is not renewed ends by itself at the renew deadline, once', async () => {
  const forgotten = term()
  await time.pass(9999)
  expect(forgotten.isOver()).toBe(false)
  await time.pass(10)
  expect(forgotten.signal.aborted).toBe(true)
  forgotten.end('again')
  expect(ends).toEqual(['not renewed for 10 s'])
})

test('the deadline counts from when the renewal was sent, not from its answer', async () => {
  const slow = term()
  await time.pass(9000)
  slow.renewed(4000)
  await time.pass(5100)
  expect(slow.isOver()).toBe(true)
})

test('the clock ends it, not only the timer: after a standstill the next write is refused', async () => {
  const stalled = term()
  process.freeze(60_000)
  await time.pass(11_000)
  expect(stalled.signal.aborted).toBe(false)
  expect(() => stalled.limit()).toThrow(/leadership was lost: not renewed for 10 s/)
  expect(stalled.signal.aborted).toBe(true)
})

test('a term that ended is not brought back by a renewal that was answered late', async () => {
  const ended = term()
  ended.end('held by b')
  ended.renewed(0)
  expect(() => ended.limit()).toThrow(ApiError)
  expect(ends).toEqual(['held by b'])
})

test('a term whose request was answered too late is over from the beginning', async () => {
  await time.pass(20_000)
  expect(term(1000).isOver()).toBe(true)
})

test.each<[string, number, number]>([
  ['fresh, a write may take 7 s on its way and 7 s at the server', 0, 7000],
  ['just before the deadline, 2 s each', 9999, 2000.5],
])('%s', async (_sentence, now, limit) => {
  const begun = term()
  await time.pass(now)
  expect(begun.limit()).toBe(limit)
})

test('nothing is sent to the cluster when the term is over, and the error says why', async () => {
  const cluster = new MemoryCluster()
  const ended = term()
  const permitted = fenced(cluster, ended)
  ended.end('held by b')
  const ref = { namespace: 'default', name: 'shop' }
  const object = { metadata: ref, spec: { selector: {}, template: {} } }
  const refused = { code: 'CLUSTER_NOT_LEADING', message: expect.stringContaining('held by b') }
  await expect(permitted.create(deployments, 'default', object)).rejects.toMatchObject(refused)
  await expect(permitted.patch(deployments, ref, { type: 'merge', body: {} })).rejects.toMatchObject(refused)
  await expect(permitted.remove(deployments, ref)).rejects.toMatchObject(refused)
  expect(cluster.writes).toEqual([])
})

test('what is written carries the permit, and its other options', async () => {
  const cluster = new MemoryCluster()
  const begun = term()
  let given: unknown
  const spy = Object.assign(Object.create(cluster), {
    patch: async (...call: unknown[]) => {
      given = call[4]
    },
  })
  const ref = { namespace: 'default', name: 'shop' }
  await fenced(spy, begun).patch(deployments, ref, { type: 'merge', body: {} }, 'status', {})
  expect(given).toMatchObject({ permit: { signal: begun.signal, limit: expect.any(Function) } })
})

test('a write that waited for its turn counts from when it was sent', async () => {
  const begun = term()
  begun
    .write(async ({ permit }) => {
      await time.pass(8000)
      begun.renewed(8000)
      permit?.limit()
      await never()
    })
    .catch(() => {})
  while (time.now < 8000) await new Promise(resolve => setImmediate(resolve))
  expect(begun.quietFrom()).toBe(8000 + 14_000)
})

test.each<[string, () => Promise<unknown>, boolean]>([
  ['an answer', async () => 'done', true],
  ['a refusal', async () => Promise.reject(new ApiError('CLUSTER_CONFLICT', 'no', { status: 409 })), true],
  ['no answer', async () => Promise.reject(new ApiError('CLUSTER_UNAVAILABLE', 'no', { status: 0 })), false],
  ['a time-out of the server', async () => Promise.reject(new ApiError('X', 'no', { status: 504 })), false],
  ['nothing yet', never, false],
])('after %s to a write it is quiet: %s', async (_what, send, quiet) => {
  const begun = term()
  begun.write(send).catch(() => {})
  await time.pass(1)
  expect(begun.quietFrom() <= time.now).toBe(quiet)
  await time.pass(14_000)
  expect(begun.quietFrom() <= time.now).toBe(true)
})
