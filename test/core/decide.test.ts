/** What holds for every decision, whatever the phase. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../src/core/decide.ts'
import type { Observation } from '../../src/core/observe.ts'
import type { Phase } from '../../src/core/state.ts'
import { canarySeen, seen, setSeen } from './observations.ts'
import { at, NOW, release, state } from './shop.ts'

const phases: readonly Phase[] = ['Pending', 'Progressing', 'Promoting', 'Reverting', 'Failed']
const applied = (phase: Phase) => ({
  paused: phase !== 'Promoting' && phase !== 'Reverting',
  replicas: 10,
})

describe('without a release', () => {
  test.each([
    ['no state', undefined],
    ['the record of one that succeeded', state({ phase: 'Succeeded', stable: undefined })],
    ['the record of one that was taken back', state({ phase: 'Reverted', stable: undefined })],
  ])('nothing of ours is left: %s', (_sentence, given) => {
    expect(decide(given, seen({ canary: canarySeen(1) }), NOW)).toEqual({
      state: given,
      said: [],
      snapshot: 'drop',
      canary: 'none',
      baseline: 'none',
      isolated: 'keep',
      service: 'drop',
      ingress: 'drop',
      dropTests: [],
      mend: [],
      conditions: {},
    })
  })
})

describe('the conditions', () => {
  test.each<readonly [Phase, object]>([
    ['Pending', {}],
    ['Progressing', { Reconciling: { reason: 'Progressing', message: 'step 1 of 2: canary 10%' } }],
    [
      'Promoting',
      { Reconciling: { reason: 'Promoting', message: `promoting ${release('v2')} to all pods` } },
    ],
    ['Reverting', { Reconciling: { reason: 'Reverting', message: 'going back to the version that serves' } }],
    ['Failed', { Stalled: { reason: 'Aborted', message: 'aborted by bob' } }],
  ])('of %s', (phase, expected) => {
    const failure = phase === 'Failed' ? { reason: 'Aborted', message: 'aborted by bob' } : {}
    const given = state({ phase, applied: applied(phase), ...failure })
    const looks: Partial<Observation> = { settled: false, paused: true }
    expect(decide(given, seen(looks), NOW).conditions).toEqual(expected)
  })

  test('of a rollout without a canary say so', () => {
    const given = state({ phase: 'Promoting', unprotected: true, applied: applied('Promoting') })
    expect(decide(given, seen(), NOW).conditions).toMatchObject({
      Reconciling: { message: 'rolling out without a canary' },
    })
  })
})

describe('somebody scales', () => {
  test.each(phases)('to another number, which is the new total and never fought: %s', phase => {
    const given = state({
      phase,
      applied: applied(phase),
      ...(phase === 'Reverting' && { release: release('v1') }),
    })
    const looks = seen({
      replicas: 20,
      sets: [setSeen('v1', 20)],
      paused: phase !== 'Promoting',
      ...(phase === 'Reverting' && { template: release('v1') }),
    })
    const { state: next } = decide(given, looks, NOW)
    expect(next).toMatchObject({ total: 20 })
    expect(next?.stable ?? 20).toBe(20)
  })

  test('while nothing was projected yet: that is what the release began with', () => {
    const given = state({ phase: 'Pending', total: 10 })
    expect(decide(given, seen({ replicas: 20, settled: false }), NOW).state).toEqual(given)
  })
})

test('a time in the future counts as now, and only that of the controller is ever written', () => {
  const given = state({
    plan: '10% for 5m',
    stable: 9,
    since: at(3600),
    reached: at(3600),
    applied: { paused: true, replicas: 9 },
  })
  const decision = decide(given, seen({ replicas: 9, canary: canarySeen(1) }), NOW)
  expect(decision.wakeAt).toBe(NOW + 300_000)
})

test('a time in the future is stored anew as now, so that it does not count as now again and again', () => {
  const applied = { paused: true, replicas: 9 }
  const times = { since: at(3600), reached: at(3600), unready: at(3600) }
  const given = state({ plan: '10% for 5m', stable: 9, ...times, applied })
  const looks = seen({ replicas: 9, canary: canarySeen(1, 0) })
  expect(decide(given, looks, NOW).state).toMatchObject({ since: at(0), reached: at(0), unready: at(0) })

  const held = state({ stable: 9, held: { by: 'bob', since: at(3600) }, applied })
  expect(decide(held, looks, NOW).state?.held).toEqual({ by: 'bob', since: at(0) })
})

test('clocks of two controllers may differ a little without a write', () => {
  const given = state({
    plan: '10% for 5m',
    stable: 9,
    reached: at(4),
    applied: { paused: true, replicas: 9 },
  })
  const looks = seen({ replicas: 9, canary: canarySeen(1) })
  expect(decide(given, looks, NOW).state).toEqual(given)
})

test('many steps that need nothing are all passed in one decision', () => {
  const plan = Array.from({ length: 40 }, () => '50%').join(', ')
  const given = state({ plan, stable: 5, applied: { paused: true, replicas: 5 } })
  const decision = decide(given, seen({ replicas: 5, canary: canarySeen(5) }), NOW)
  expect(decision.state?.phase).toBe('Promoting')
  expect(decision.said.map(({ reason }) => reason)).toContain('CanaryAdvanced')
})

test('a decision carried out and made again wants the same', () => {
  const given = state({
    plan: '30% for 5m',
    stable: 7,
    reached: at(-1),
    applied: { paused: true, replicas: 7 },
  })
  const looks = seen({ replicas: 7, canary: canarySeen(3) })
  const first = decide(given, looks, NOW)
  expect(first).toMatchObject({ state: given, said: [], canary: 3, mend: [] })
  expect(decide(first.state, looks, NOW)).toEqual(first)
})
