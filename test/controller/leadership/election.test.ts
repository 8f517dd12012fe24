/** What a candidate concludes and does; times in seconds of its own clock. */
import { expect, test } from 'vitest'
import {
  checkSettings,
  ELECTION_SETTINGS,
  leadsUntil,
  type Move,
  NOTHING_SEEN,
  nextMove,
  retryAt,
  seen,
  type View,
  whyLost,
  writeLimit,
} from '../../../src/controller/leadership/election.ts'
import { type LeaseRecord, readLease } from '../../../src/controller/leadership/lease.ts'

const ME = 'me'

function lease(spec: object): LeaseRecord {
  return readLease({ metadata: { name: 'x', resourceVersion: '1' }, spec } as never)
}

function heldBy(holderIdentity: string, renewTime = '0', leaseDurationSeconds: unknown = 15): LeaseRecord {
  return lease({ holderIdentity, leaseDurationSeconds, renewTime })
}

const released = lease({ holderIdentity: '', leaseDurationSeconds: 1 })
const emptied = lease({ holderIdentity: '', leaseDurationSeconds: 15 })

/** What is known after these looks, each at its second. */
function after(...looks: readonly (readonly [number, LeaseRecord | 'absent'])[]): View {
  return looks.reduce<View>(
    (view, [second, found]) => seen(view, found, ME, second * 1000, ELECTION_SETTINGS),
    NOTHING_SEEN,
  )
}

function waits(second: number): Move {
  return { type: 'wait', until: second * 1000 }
}

test.each<[string, View, number, Move]>([
  ['what was never read is read', NOTHING_SEEN, 5, { type: 'read' }],
  ['where there is no Lease one is made', after([0, 'absent']), 1, { type: 'create' }],
  ['a Lease that names nobody is taken', after([0, emptied]), 1, { type: 'take' }],
  ['a Lease that was given up is taken', after([0, released]), 1, { type: 'take' }],
  ['a Lease of another is left for its duration', after([0, heldBy('a')]), 1, waits(15)],
  ['and still a moment before its end', after([0, heldBy('a')]), 14.999, waits(15)],
  ['and taken then', after([0, heldBy('a')]), 15, { type: 'take' }],
  ['each change begins it anew', after([0, heldBy('a')], [9, heldBy('a', '9')]), 15, waits(24)],
  ['a look that finds the same does not', after([0, heldBy('a')], [9, heldBy('a')]), 15, { type: 'take' }],
  ['the duration is the holder’s', after([0, heldBy('a', '0', 40)]), 15, waits(40)],
  ['but not if it is absurd', after([0, heldBy('a', '0', 86_400)]), 15, waits(60)],
  ['nor if it is none', after([0, heldBy('a', '0', 'long')]), 1, waits(15)],
  ['given up after it was held: taken at once', after([0, heldBy('a')], [3, released]), 3, { type: 'take' }],
  ['emptied by hand: its holder may not know', after([0, heldBy('a')], [3, emptied]), 4, waits(15)],
  ['deleted by hand: its holder may not know', after([0, heldBy('a')], [3, 'absent']), 4, waits(15)],
  ['deleted and its holder’s time over', after([0, heldBy('a')], [3, 'absent']), 15, { type: 'create' }],
  [
    'made again by its holder: held as ever',
    after([0, heldBy('a')], [3, 'absent'], [4, heldBy('a', '4')]),
    15,
    waits(19),
  ],
  [
    'a shorter claim does not end a longer one',
    after([0, heldBy('a')], [3, heldBy('b', '3', 2)]),
    6,
    waits(15),
  ],
  ['our own is renewed', after([0, heldBy(ME)]), 1, { type: 'renew' }],
  [
    'our own is renewed though another was seen before',
    after([0, heldBy('a')], [1, heldBy(ME)]),
    2,
    { type: 'renew' },
  ],
])('%s', (_sentence, view, second, move) => {
  expect(nextMove(view, ME, 0, second * 1000)).toEqual(move)
})

test.each<[string, View, Move]>([
  ['nothing is read before the next try', NOTHING_SEEN, waits(2)],
  ['nor made', after([0, 'absent']), waits(2)],
  ['nor taken', after([0, released]), waits(2)],
  ['nor renewed', after([0, heldBy(ME)]), waits(2)],
  ['the later of the two counts', after([0, heldBy('a')]), waits(15)],
])('%s', (_sentence, view, move) => {
  expect(nextMove(view, ME, 2000, 1000)).toEqual(move)
})

test.each<[string, View['lease'], string | undefined]>([
  ['nothing seen', undefined, undefined],
  ['our own', heldBy(ME), undefined],
  ['another’s', heldBy('a'), 'held by a'],
  ['deleted', 'absent', 'the Lease was deleted'],
  ['emptied', emptied, 'the Lease was emptied by somebody else'],
])('a leader that sees it %s', (_sentence, found, why) => {
  expect(whyLost(found, ME)).toBe(why)
})

test.each<[string, boolean, number, number, number, number]>([
  ['a leader tries again a retry period after it asked', true, 1000, 1010, 0, 3000],
  ['a leader whose call hung tries again at once', true, 1000, 6000, 0, 6000],
  ['a candidate waits from when it failed, longer by chance', false, 1000, 1010, 0, 1010 + 2000 * 1.6],
  ['what the server asks for is heeded', true, 1000, 2900, 1000, 3900],
  ['for a retry period at most', true, 1000, 1010, 60_000, 3010],
])('%s', (_sentence, leading, sentAt, now, retryAfter, expected) => {
  expect(retryAt(leading, sentAt, now, retryAfter, 0.5, ELECTION_SETTINGS)).toBe(expected)
})

test('a write that begins at the last moment is over, on the way and at the server, before another can lead', () => {
  const last = leadsUntil(0, ELECTION_SETTINGS)
  expect(last).toBe(10_000)
  expect(last + 2 * writeLimit(0, last, ELECTION_SETTINGS)).toBe(14_000)
  expect(2 * writeLimit(0, 0, ELECTION_SETTINGS)).toBe(14_000)
})

test.each<[string, object, RegExp]>([
  ['a renew deadline as long as the lease', { renewDeadline: 15_000 }, /shorter than 14\/15/],
  ['a renew deadline that leaves no room for clocks', { renewDeadline: 14_000 }, /shorter than 14\/15/],
  ['a retry period as long as the deadline', { retryPeriod: 10_000 }, /longer than 1.2 retry periods/],
  ['no retry period', { retryPeriod: 0 }, /retry period must be longer than 0/],
])('%s is refused', (_sentence, change, message) => {
  expect(() => checkSettings({ ...ELECTION_SETTINGS, ...change })).toThrow(message)
})

test('all that is wrong is told at once', () => {
  const settings = { leaseDuration: 1, renewDeadline: 2, retryPeriod: 2 }
  expect(() => checkSettings(settings)).toThrow(
    'lease duration 1 ms, renew deadline 2 ms, retry period 2 ms: ' +
      'the renew deadline must be longer than 1.2 retry periods; ' +
      'the renew deadline must be shorter than 14/15 of the lease duration',
  )
  expect(() => checkSettings(ELECTION_SETTINGS)).not.toThrow()
})
