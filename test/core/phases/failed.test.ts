/** A release that failed: the former version comes back, the canary goes, the template is held. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { canarySeen, seen, setSeen, snapshotSeen } from '../observations.ts'
import { at, NOW, release, replicaSet, state } from '../shop.ts'
import { reasons, shape } from './told.ts'

const failed = (fields: Partial<State> = {}) => {
  const { stable = 10 } = fields
  return state({
    phase: 'Failed',
    reason: 'DeadlineExceeded',
    message: 'not ready',
    failedAt: at(-5),
    applied: { paused: true, replicas: stable },
    ...fields,
  })
}
const bad = { reason: 'CanaryRestarted' }
const look = (state: State, fields: Partial<Observation> = {}) => decide(state, seen(fields), NOW)
/** Stable is back in its spec, but 4 of its pods are not available yet. */
const returning = { sets: [setSeen('v1', 10, 6)] }

test.each<readonly [string, Partial<State>, Partial<Observation>, string, readonly string[]]>([
  [
    'stable grows within the surge, the canary serves on',
    { stable: 5 },
    { replicas: 5, canary: canarySeen(5) },
    'Failed, stable 8, canary 5',
    [],
  ],
  [
    'the canary goes as stable’s pods serve',
    {},
    { ...returning, canary: canarySeen(5) },
    'Failed, stable 10, canary 4',
    [],
  ],
  [
    'the last of it goes when stable serves',
    {},
    { canary: canarySeen(2) },
    'Failed, stable 10, canary none',
    [],
  ],
  [
    'unready canary pods go at once',
    { stable: 7 },
    { replicas: 7, canary: canarySeen(3, 0) },
    'Failed, stable 10, canary none',
    [],
  ],
  [
    'a canary that is bad stays too while it is needed',
    { ...bad, failedAt: at(-59) },
    { ...returning, canary: canarySeen(5) },
    'Failed, stable 10, canary 4',
    [],
  ],
  [
    'but not longer than a minute',
    { ...bad, failedAt: at(-60) },
    { ...returning, canary: canarySeen(5) },
    'Failed, stable 10, canary none',
    [],
  ],
  [
    'a canary that was aborted serves as long as it is needed',
    { reason: 'Aborted', failedAt: at(-3600) },
    { ...returning, canary: canarySeen(5) },
    'Failed, stable 10, canary 4',
    [],
  ],
  ['held: nothing to do', {}, {}, 'Failed, stable 10, canary none', []],
  [
    'held with another template in the store than the rejected one: starting over',
    {},
    { template: release('v3') },
    'Progressing step 1, stable 10, canary 1',
    ['TemplateChanged', 'CanaryStarted'],
  ],
  [
    'held with the former template: un-paused',
    {},
    { template: release('v1') },
    'Reverting, stable 10, canary keep',
    ['TemplateChanged', 'Reverted'],
  ],
  [
    'scaled to 0: held at 0, and the canary goes',
    { reason: 'ScaledToZero' },
    { replicas: 0, sets: [setSeen('v1', 0)], canary: canarySeen(3) },
    'Failed, stable 0, canary none',
    [],
  ],
  [
    'scaled up again from 0: held at that',
    { total: 0, stable: 0, applied: { paused: true, replicas: 0 } },
    {},
    'Failed, stable 10, canary none',
    [],
  ],
  [
    'retried: from the first step',
    { step: 1, requests: [{ command: 'retry', by: 'bob' }] },
    {},
    'Progressing step 1, stable 10, canary 1',
    ['Retried', 'CanaryStarted'],
  ],
  [
    'retried while the canary still goes: that first',
    { requests: [{ command: 'retry', by: 'bob' }] },
    { ...returning, canary: canarySeen(5) },
    'Pending, stable 10, canary 4',
    ['Retried'],
  ],
  [
    'promoted all the same',
    { requests: [{ command: 'promote', by: 'bob' }] },
    {},
    'Promoting, stable 10, canary keep',
    ['Promoting'],
  ],
  [
    'another request means nothing now',
    { requests: [{ command: 'skip', by: 'bob' }] },
    {},
    'Failed, stable 10, canary none',
    [],
  ],
  [
    'a stalled promotion: both versions go on serving, and its canary',
    { reason: 'PromotionStalled', stable: 5 },
    { replicas: 5, canary: canarySeen(5) },
    'Failed, stable 5, canary keep',
    [],
  ],
])('%s', (_sentence, fields, looks, expected, said) => {
  const decision = look(failed(fields), looks)
  expect(shape(decision)).toBe(expected)
  expect(reasons(decision)).toEqual(said)
  expect(decision.state?.requests).toBeUndefined()
})

test('a bad canary that is needed is looked at again when its minute is over', () => {
  const decision = look(failed(bad), { ...returning, canary: canarySeen(5) })
  expect(decision.wakeAt).toBe(NOW + 55_000)
})

test('whoever retries does not become the author: others may have to approve the change', () => {
  const decision = look(failed({ by: 'alice', requests: [{ command: 'retry', by: 'bob' }] }))
  expect(decision.state).toMatchObject({ phase: 'Progressing', by: 'alice' })
  expect(decision.said).toMatchObject([
    { reason: 'Retried', message: 'retried by bob' },
    { reason: 'CanaryStarted', message: expect.stringContaining('by alice') },
  ])
})

test('a template that no webhook saw has no known author', () => {
  const decision = look(failed({ by: 'alice' }), { template: release('v3') })
  expect(decision.state).toMatchObject({ phase: 'Progressing', step: 0 })
  expect(decision.state).not.toHaveProperty('by')
})

test('why it failed stands in the condition as long as it is held', () => {
  expect(look(failed()).conditions).toEqual({ Stalled: { reason: 'DeadlineExceeded', message: 'not ready' } })
})

test('stable has no room to come back while the canary serves: the condition says what to make room for', () => {
  const full = { ...returning, stableFailure: 'exceeded quota: tight' }
  const { conditions } = look(failed(), { ...full, canary: canarySeen(4) })
  expect(conditions).toMatchObject({
    Stalled: { message: expect.stringMatching(/^not ready; .*cannot be: exceeded quota: tight$/) },
  })
  expect(look(failed(), full).conditions).toMatchObject({ Stalled: { message: 'not ready' } })
})

test('v3 rejected over a mix of v1 and v2: the condition says that the mix serves on', () => {
  const mix = { sets: [setSeen('v1', 4), setSeen('v2', 6)], snapshot: snapshotSeen('v1', 'v2') }
  const decision = look(failed({ release: release('v3') }), { ...mix, template: release('v3') })
  expect(decision.conditions).toMatchObject({
    Stalled: { message: expect.stringMatching(/^not ready; .*2 accepted versions/) },
  })
})

test('a stalled promotion that somebody scales has that size, and is not fought', () => {
  const stalled = failed({ reason: 'PromotionStalled', stable: 5 })
  const decision = look(stalled, { replicas: 20, canary: canarySeen(5) })
  expect(decision.state).toMatchObject({ phase: 'Failed', total: 20, stable: 20 })
})

describe('while the webhook is down stable comes back through /scale, and the state keeps what was last projected', () => {
  const atTwo = { ...failed({ total: 4, stable: 3, applied: { paused: true, replicas: 2 } }) }

  test.each<readonly [string, number, Partial<State>]>([
    ['what was scaled is not what somebody asked for', 3, { total: 4, stable: 4 }],
    ['nor is what was not scaled yet', 2, { total: 4, stable: 4 }],
    ['somebody who scales beyond it is not fought', 6, { total: 6, stable: 6 }],
  ])('%s', (_sentence, replicas, expected) => {
    const decision = look(atTwo, { replicas, canary: canarySeen(1, 0) })
    expect(decision.state).toMatchObject(expected)
  })
})

describe('on-failure: restore', () => {
  const restoring = failed({ onFailure: 'restore' })

  test('puts the former template back once the canary is gone and stable has its size', () => {
    const decision = look(restoring)
    expect(decision.restore?.metadata.name).toBe('shop-v1')
    expect(shape(decision)).toBe('Reverting, stable 10, canary keep')
  })

  test.each<readonly [string, State, Partial<Observation>]>([
    ['while the canary is there', restoring, { canary: canarySeen(1, 0) }],
    ['while stable has not its size', failed({ onFailure: 'restore', stable: 8 }), { replicas: 8 }],
    ['when a mix serves: which of them?', restoring, { snapshot: snapshotSeen('v0', 'v1') }],
    ['without a snapshot', restoring, { snapshot: undefined }],
    ['with on-failure: hold', failed(), {}],
    ['of a promotion that stalled: both were accepted', { ...restoring, reason: 'PromotionStalled' }, {}],
  ])('does not %s', (_sentence, given, looks) => {
    const decision = look(given, looks)
    expect(decision.restore).toBeUndefined()
    expect(decision.state?.phase).toBe('Failed')
  })

  test('is over when it is un-paused with the former template', () => {
    const restored = { ...restoring, phase: 'Reverting', applied: { paused: false, replicas: 10 } } as const
    const decision = look(restored, { paused: false, template: release('v1') })
    expect(decision.state).toMatchObject({ phase: 'Reverted', reason: 'DeadlineExceeded' })
  })
})

describe('what serves is mended while it is held', () => {
  const v1 = replicaSet('v1', 5)
  test.each<readonly [string, Partial<Observation>, readonly unknown[]]>([
    ['all is well', {}, []],
    ['v1’s ReplicaSet is gone', { sets: [] }, [{ kind: 'create', set: v1, replicas: 10 }]],
    [
      'v1’s ReplicaSet sleeps',
      { sets: [setSeen('v1', 0)] },
      [{ kind: 'scale', name: 'shop-v1', replicas: 10 }],
    ],
    [
      'another one woke in its place: its ready pods stay until the right ones are there, which begin in the room of maxSurge',
      { sets: [setSeen('v1', 0), setSeen('v0', 10)] },
      [{ kind: 'scale', name: 'shop-v1', replicas: 3 }],
    ],
    [
      'and is gone itself: it is made again in that room',
      { sets: [setSeen('v0', 10)] },
      [{ kind: 'create', set: v1, replicas: 3 }],
    ],
    [
      'some of the right ones are there: as many of the others go, and more begin',
      { sets: [setSeen('v1', 3), setSeen('v0', 10)] },
      [
        { kind: 'scale', name: 'shop-v1', replicas: 6 },
        { kind: 'scale', name: 'shop-v0', replicas: 7 },
      ],
    ],
    [
      'what the right ones say is of a former size: nobody goes for it',
      { sets: [{ ...setSeen('v1', 3), settled: false }, setSeen('v0', 10)] },
      [],
    ],
    [
      'the right ones do not become the most before pods of the others have gone',
      { sets: [setSeen('v1', 3), setSeen('v0', 5)], replicas: 5, snapshot: snapshotSeen('v1') },
      [
        { kind: 'scale', name: 'shop-v1', replicas: 4 },
        { kind: 'scale', name: 'shop-v0', replicas: 2 },
      ],
    ],
    [
      'the others are not ready: they go at once',
      { sets: [setSeen('v1', 0), setSeen('v0', 10, 0)] },
      [
        { kind: 'scale', name: 'shop-v1', replicas: 10 },
        { kind: 'scale', name: 'shop-v0', replicas: 0 },
      ],
    ],
    [
      'another one is still awake when the right one serves',
      { sets: [setSeen('v1', 10), setSeen('v0', 10)] },
      [{ kind: 'scale', name: 'shop-v0', replicas: 0 }],
    ],
    [
      'a stranger was adopted beside it',
      { sets: [setSeen('v1', 10), setSeen('v2', 3)] },
      [{ kind: 'scale', name: 'shop-v2', replicas: 0 }],
    ],
    [
      'one of a mix is gone: it comes back with its own share',
      { sets: [setSeen('v1', 5)], snapshot: snapshotSeen('v0', 'v1') },
      [{ kind: 'create', set: replicaSet('v0', 5), replicas: 5 }],
    ],
    ['there shall be no pods', { sets: [], replicas: 0 }, []],
    ['nothing is known of what served', { sets: [setSeen('v2', 3)], snapshot: undefined }, []],
  ])('%s', (_sentence, looks, mends) => {
    expect(look(failed(), looks).mend).toEqual(mends)
  })
})
