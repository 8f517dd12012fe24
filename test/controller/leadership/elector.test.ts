/** Several candidates and one Lease, in virtual time: who leads, from when, and what it says. */
import { beforeEach, expect, test } from 'vitest'
import { type Candidate, startCandidate } from '../candidates.ts'
import { VirtualApi } from '../virtual-api.ts'
import { VirtualTime } from '../virtual-time.ts'

const SECOND = 1000

let time: VirtualTime
let api: VirtualApi

beforeEach(() => {
  time = new VirtualTime()
  api = new VirtualApi(time)
})

function holder(): string | undefined {
  return api.lease?.spec?.holderIdentity
}

function writesOf(candidate: Candidate): number {
  return api.done.get(candidate.name) ?? 0
}

/** Two candidates, of which the first leads. */
async function leaderAndCandidate(): Promise<{ leader: Candidate; other: Candidate }> {
  const leader = startCandidate(api, 'a')
  await time.pass(SECOND)
  const other = startCandidate(api, 'b')
  await time.pass(SECOND)
  expect(leader.elector.isLeading()).toBe(true)
  expect(other.elector.isLeading()).toBe(false)
  return { leader, other }
}

test('the first candidate makes the Lease and leads at once', async () => {
  const { elector, said } = startCandidate(api, 'a')
  await time.pass(100)
  expect(elector.isLeading()).toBe(true)
  expect(said).toEqual(['became leader'])
  expect(api.lease?.spec).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: expect.stringMatching(/^2026-01-01T00:00:00\.0\d\d000Z$/),
    renewTime: api.lease?.spec?.acquireTime,
    leaseTransitions: 0,
  })
})

test('a second one waits, says for whom, and asks nothing; the leader writes once in a retry period', async () => {
  const { other } = await leaderAndCandidate()
  expect(other.said).toEqual(['waiting for leadership: held by a'])
  api.requests.length = 0
  const before = writesOf(other)
  await time.pass(60 * SECOND)
  expect(api.requests.filter(({ who }) => who === 'b')).toEqual([])
  const leases = api.requests.length - (api.done.get('a') ?? 0)
  expect(leases).toBeLessThan(31)
  expect(api.requests.some(({ verb }) => verb === 'GET')).toBe(false)
  expect(writesOf(other)).toBe(before)
})

test('renewals keep acquireTime and the count of transitions, and go on from the last version without a GET', async () => {
  const { leader } = await leaderAndCandidate()
  const first = api.lease?.spec
  await time.pass(20 * SECOND)
  expect(api.lease?.spec).toMatchObject({ acquireTime: first?.acquireTime, leaseTransitions: 0 })
  expect(api.lease?.spec?.renewTime).not.toBe(first?.renewTime)
  expect(leader.said).toEqual(['became leader'])
})

test('a leader that dies is followed when its Lease has not changed for its duration', async () => {
  const { leader, other } = await leaderAndCandidate()
  leader.process.kill()
  await time.pass(12 * SECOND)
  expect(other.elector.isLeading()).toBe(false)
  await time.pass(4 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
  expect(api.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  expect(api.violations).toEqual([])
})

test('a leader that stops gives the Lease up, and the other leads at once', async () => {
  const { leader, other } = await leaderAndCandidate()
  const stopped = leader.elector.stop()
  await time.pass(SECOND / 2)
  await stopped
  expect(leader.said).toEqual(['became leader', 'gave leadership up'])
  expect(other.elector.isLeading()).toBe(true)
  expect(api.lease?.spec).toMatchObject({
    holderIdentity: 'b',
    leaseDurationSeconds: 15,
    leaseTransitions: 1,
  })
  expect(api.violations).toEqual([])
})

test('given up means: nobody’s, for a second', async () => {
  const { elector } = startCandidate(api, 'a')
  await time.pass(SECOND)
  const stopped = elector.stop()
  await time.pass(SECOND)
  await stopped
  expect(api.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 0 })
})

test('a candidate that stops leaves the Lease alone', async () => {
  const { leader, other } = await leaderAndCandidate()
  const stopped = other.elector.stop()
  await time.pass(SECOND)
  await stopped
  expect(leader.elector.isLeading()).toBe(true)
  expect(holder()).toBe('a')
})

test('a leader with a write that nobody answered does not give the Lease up: it runs out', async () => {
  const { leader, other } = await leaderAndCandidate()
  Object.assign(leader.weather, { work: () => 60 * SECOND })
  await time.pass(SECOND)
  const stopped = leader.elector.stop()
  await time.pass(8 * SECOND)
  await stopped
  expect(leader.said.at(-1)).toBe('the Lease is left to run out: a write may still take effect')
  expect(other.elector.isLeading()).toBe(false)
  await time.pass(10 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
  expect(api.violations).toEqual([])
})

test('a leader that is cut off stops writing before another one can begin, and is a candidate again', async () => {
  const { leader, other } = await leaderAndCandidate()
  leader.weather.connected = false
  await time.pass(11 * SECOND)
  expect(leader.elector.isLeading()).toBe(false)
  expect(other.elector.isLeading()).toBe(false)
  expect(leader.said).toContain('lost leadership: not renewed for 10 s')
  await time.pass(5 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
  leader.weather.connected = true
  await time.pass(5 * SECOND)
  expect(leader.elector.isLeading()).toBe(false)
  expect(leader.said.at(-1)).toBe('waiting for leadership: held by b')
  expect(api.violations).toEqual([])
  other.process.kill()
  await time.pass(20 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
})

test('a leader that was cut off for a while and is followed by nobody leads again at once', async () => {
  const leader = startCandidate(api, 'a')
  await time.pass(SECOND)
  leader.weather.connected = false
  await time.pass(30 * SECOND)
  expect(leader.elector.isLeading()).toBe(false)
  leader.weather.connected = true
  await time.pass(5 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
  expect(api.lease?.spec?.leaseTransitions).toBe(0)
})

test('a leader that stood still for longer than its deadline writes nothing when it goes on', async () => {
  const { leader, other } = await leaderAndCandidate()
  leader.process.freeze(40 * SECOND)
  await time.pass(39 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
  const before = writesOf(leader)
  await time.pass(3 * SECOND)
  expect(writesOf(leader)).toBe(before)
  expect(leader.said.some(line => line.startsWith('lost leadership: '))).toBe(true)
  expect(api.violations).toEqual([])
})

test('a renewal that was answered late counts from when it was sent', async () => {
  const { leader } = await leaderAndCandidate()
  Object.assign(leader.weather, { delay: () => 1500 })
  // Each renewal takes 4.5 s now; the last one is just answered when the connection breaks.
  await time.pass(20 * SECOND)
  leader.weather.connected = false
  const sentAt = Date.parse(api.lease?.spec?.renewTime ?? '') - Date.UTC(2026, 0, 1)
  expect(time.now - sentAt).toBeGreaterThan(4500)
  await time.pass(sentAt + 9900 - time.now)
  expect(leader.elector.isLeading()).toBe(true)
  await time.pass(110)
  expect(leader.elector.isLeading()).toBe(false)
})

test('so does the request that got the Lease', async () => {
  const { elector, weather } = startCandidate(api, 'a', { weather: { delay: () => 1500 } })
  while (!elector.isLeading()) await time.pass(100)
  weather.connected = false
  const sentAt = Date.parse(api.lease?.spec?.acquireTime ?? '') - Date.UTC(2026, 0, 1)
  expect(time.now - sentAt).toBeGreaterThan(4500)
  await time.pass(sentAt + 10_010 - time.now)
  expect(elector.isLeading()).toBe(false)
})

test('a renewal that is answered when another holder was already seen begins no term', async () => {
  const { elector, weather, said } = startCandidate(api, 'a', { writesEvery: 1e9 })
  await time.pass(SECOND)
  // Of the next renewal: its event comes at once, its answer late.
  let ways = 0
  Object.assign(weather, {
    work: () => {
      ways = 2
      return 3
    },
    delay: () => (--ways === 0 ? 3000 : 2),
  })
  await time.pass(2 * SECOND)
  api.tamper(({ metadata }) => ({ metadata, spec: { holderIdentity: 'b', leaseDurationSeconds: 15 } }))
  await time.pass(8 * SECOND)
  expect(said.slice(1)).toEqual(['lost leadership: held by b', 'waiting for leadership: held by b'])
  expect(elector.isLeading()).toBe(false)
})

test('a Lease that changes under every write makes no storm of requests', async () => {
  const { elector, weather, said } = startCandidate(api, 'a', { writesEvery: 1e9 })
  await time.pass(SECOND)
  const touch = () => {
    api.tamper(lease => lease)
    return 3
  }
  Object.assign(weather, { work: touch })
  api.requests.length = 0
  await time.pass(8 * SECOND)
  expect(api.requests.length).toBeLessThan(20)
  expect(said.at(-1)).toBe('the Lease could not be renewed: the object has been modified')
  Object.assign(weather, { work: () => 3 })
  await time.pass(5 * SECOND)
  expect(elector.isLeading()).toBe(true)
})

test('jumps of the clock on the wall do not matter', async () => {
  const { leader, other } = await leaderAndCandidate()
  leader.process.wallJump = -86_400_000
  other.process.wallJump = 86_400_000
  await time.pass(60 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
  expect(leader.said).toEqual(['became leader'])
})

test('monotonic clocks that began at different times do not matter', async () => {
  const leader = startCandidate(api, 'a', { offset: 1e9 })
  await time.pass(SECOND)
  const other = startCandidate(api, 'b', { offset: 17 })
  await time.pass(60 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
  leader.process.kill()
  await time.pass(16 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
})

test('failed renewals are tried again until the deadline, and the first one is told', async () => {
  const { leader } = await leaderAndCandidate()
  Object.assign(leader.weather, { fault: () => 'before' })
  await time.pass(7 * SECOND)
  Object.assign(leader.weather, { fault: () => 'none' })
  await time.pass(20 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
  expect(leader.said.filter(line => line.startsWith('the Lease could not be renewed: '))).toHaveLength(1)
})

test('a renewal that was stored though it was told to have failed is seen by the watch, and is no conflict', async () => {
  const { leader } = await leaderAndCandidate()
  Object.assign(leader.weather, { fault: () => 'after' })
  await time.pass(5 * SECOND)
  Object.assign(leader.weather, { fault: () => 'none' })
  api.requests.length = 0
  await time.pass(20 * SECOND)
  expect(api.requests.filter(({ verb }) => verb === 'GET')).toEqual([])
  expect(leader.said.filter(line => line.startsWith('lost'))).toEqual([])
  expect(leader.elector.isLeading()).toBe(true)
})

test('a Lease that is deleted by hand: the leader makes it again, and nobody else got it meanwhile', async () => {
  const { leader, other } = await leaderAndCandidate()
  api.tamper(() => undefined)
  await time.pass(SECOND)
  expect(leader.said.slice(1)).toEqual(['lost leadership: the Lease was deleted', 'became leader'])
  expect(other.elector.isLeading()).toBe(false)
  expect(api.violations).toEqual([])
  await time.pass(30 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
})

test('a Lease that is deleted when its holder is dead is made again by another, after the holder’s time', async () => {
  const { leader, other } = await leaderAndCandidate()
  leader.process.kill()
  await time.pass(SECOND)
  api.tamper(() => undefined)
  await time.pass(SECOND)
  expect(other.said.at(-1)).toBe('waiting for leadership: a may not know yet that the Lease is gone')
  await time.pass(14 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
})

test.each<[string, unknown]>([
  ['no spec', undefined],
  ['a text for a spec', 'mine'],
  ['a list for a spec', [1]],
  ['a number for a holder', { holderIdentity: 7 }],
  ['an object for a holder', { holderIdentity: { a: 'a' }, leaseDurationSeconds: 15 }],
  ['a negative duration', { holderIdentity: 'x', leaseDurationSeconds: -5 }],
  ['a duration of days', { holderIdentity: 'x', leaseDurationSeconds: 1e6 }],
  ['times that are none', { holderIdentity: 'x', acquireTime: 'now', renewTime: 5, leaseTransitions: -3 }],
])('a Lease with %s in it: somebody leads again, and never two', async (_what, spec) => {
  const { leader, other } = await leaderAndCandidate()
  api.tamper(({ metadata }) => ({ metadata, spec: spec as never }))
  await time.pass(61 * SECOND)
  expect([leader, other].filter(({ elector }) => elector.isLeading())).toHaveLength(1)
  expect(api.lease?.spec).toMatchObject({
    leaseDurationSeconds: 15,
    leaseTransitions: expect.any(Number),
    acquireTime: expect.stringMatching(/^2026-01-01T.*\.\d{6}Z$/),
  })
  expect(api.violations).toEqual([])
})

test('labels that somebody changes on the Lease all the time neither stop the leader nor save a dead one', async () => {
  const { leader, other } = await leaderAndCandidate()
  const touch = (): void => {
    api.tamper(lease => ({ ...lease, metadata: { ...lease.metadata, labels: { at: String(time.now) } } }))
    time.after(700, touch)
  }
  touch()
  await time.pass(30 * SECOND)
  expect(leader.elector.isLeading()).toBe(true)
  expect(leader.said.filter(line => line.startsWith('lost'))).toEqual([])
  leader.process.kill()
  await time.pass(20 * SECOND)
  expect(other.elector.isLeading()).toBe(true)
})

test('of several candidates one follows', async () => {
  const { leader, other } = await leaderAndCandidate()
  const third = startCandidate(api, 'c')
  await time.pass(SECOND)
  leader.process.kill()
  await time.pass(20 * SECOND)
  expect([other, third].filter(({ elector }) => elector.isLeading())).toHaveLength(1)
  expect(api.violations).toEqual([])
})

test('a candidate that starts while nothing can be reached leads when it can', async () => {
  const { elector, weather, said } = startCandidate(api, 'a', { weather: { connected: false } })
  await time.pass(60 * SECOND)
  expect(elector.isLeading()).toBe(false)
  expect(said[0]).toMatch(/^waiting for leadership: nothing within/)
  weather.connected = true
  await time.pass(10 * SECOND)
  expect(elector.isLeading()).toBe(true)
})
