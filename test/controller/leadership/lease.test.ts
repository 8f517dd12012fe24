import { expect, test } from 'vitest'
import {
  claim,
  isReleased,
  type LeaseRecord,
  readLease,
  surrender,
} from '../../../src/controller/leadership/lease.ts'
import type { Lease } from '../../../src/core/kubernetes.ts'

const WALL = Date.UTC(2026, 10, 21, 14, 28, 38, 123)
const ACQUIRED = '2026-11-21T10:00:00.000000Z'

const HELD = {
  holderIdentity: 'a',
  leaseDurationSeconds: 15,
  acquireTime: ACQUIRED,
  renewTime: '2026-11-21T14:28:36.000000Z',
  leaseTransitions: 3,
}

function record(spec: unknown, resourceVersion = '7'): LeaseRecord {
  const metadata = { namespace: 'canaryhook', name: 'canaryhook-controller', resourceVersion }
  return readLease({ metadata, spec } as Lease)
}

test('what a holder wrote is read', () => {
  expect(record(HELD)).toMatchObject({
    holder: 'a',
    duration: 15_000,
    acquireTime: ACQUIRED,
    transitions: 3,
    version: '7',
  })
})

test.each<[string, unknown, Partial<Record<keyof LeaseRecord, unknown>>]>([
  ['no spec is nobody’s', undefined, { holder: '', duration: undefined, transitions: 0 }],
  ['a spec that is null is nobody’s', null, { holder: '' }],
  ['a spec that is a text is nobody’s', 'a', { holder: '' }],
  ['a holder that is null is nobody', { ...HELD, holderIdentity: null }, { holder: '' }],
  ['a holder that is no text is somebody', { ...HELD, holderIdentity: { a: 1 } }, { holder: '({"a":1})' }],
  ['a duration of 0 is none', { ...HELD, leaseDurationSeconds: 0 }, { duration: undefined }],
  ['a negative duration is none', { ...HELD, leaseDurationSeconds: -1 }, { duration: undefined }],
  ['a duration that is a text is none', { ...HELD, leaseDurationSeconds: '15' }, { duration: undefined }],
  [
    'a time of three digits is none',
    { ...HELD, acquireTime: '2026-11-21T10:00:00.000Z' },
    { acquireTime: undefined },
  ],
  ['a negative count of transitions is 0', { ...HELD, leaseTransitions: -2 }, { transitions: 0 }],
])('%s', (_sentence, spec, expected) => {
  expect(record(spec)).toMatchObject(expected)
})

test.each<[string, unknown, boolean]>([
  ['a renewal is a change', { ...HELD, renewTime: '2026-11-21T14:28:38.000000Z' }, false],
  ['another holder is a change', { ...HELD, holderIdentity: 'b' }, false],
  ['what is no part of the record is none', { ...HELD, strategy: 'OldestEmulationVersion' }, true],
])('%s', (_sentence, spec, same) => {
  expect(record(spec, '8').text === record(HELD).text).toBe(same)
})

test.each<[string, unknown, boolean]>([
  ['given up by its holder', surrender(WALL), true],
  ['emptied by hand', { ...HELD, holderIdentity: '' }, false],
  ['held for a second', { ...HELD, leaseDurationSeconds: 1 }, false],
])('%s: released is %s', (_sentence, spec, released) => {
  expect(isReleased(record(spec))).toBe(released)
})

test('a new Lease has no transitions and one time, in microseconds', () => {
  const time = '2026-11-21T14:28:38.123000Z'
  expect(claim(undefined, 'a', 15_000, WALL)).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: 0,
  })
})

test.each<[string, unknown, string, object]>([
  [
    'its holder keeps the time and the transitions',
    HELD,
    'a',
    { acquireTime: ACQUIRED, leaseTransitions: 3 },
  ],
  [
    'another holder begins anew, with one transition more',
    HELD,
    'b',
    { acquireTime: '2026-11-21T14:28:38.123000Z', leaseTransitions: 4 },
  ],
  [
    'a damaged time is written anew',
    { ...HELD, acquireTime: 'noon' },
    'a',
    { acquireTime: '2026-11-21T14:28:38.123000Z', leaseTransitions: 3 },
  ],
])('%s', (_sentence, found, holder, expected) => {
  expect(claim(record(found), holder, 15_000, WALL)).toMatchObject({ holderIdentity: holder, ...expected })
})

test('a part of a second is rounded up: a candidate must not take over too soon', () => {
  expect(claim(undefined, 'a', 1200, WALL).leaseDurationSeconds).toBe(2)
})
