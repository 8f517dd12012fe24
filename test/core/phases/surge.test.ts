/** An autoscaler on the Deployment: the release leaves stable's size to it, whenever it comes and whatever it does. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { canarySeen, seen, setSeen } from '../observations.ts'
import { at, NOW, state } from '../shop.ts'
import { messages, reasons, shape } from './told.ts'

const AUTOSCALER = 'HorizontalPodAutoscaler web'
const SURGE = `${AUTOSCALER} scales it`
const look = (given: State, fields: Partial<Observation> = {}, now = NOW) => {
  const { replicas = 10 } = fields
  return decide(given, seen({ autoscaler: AUTOSCALER, sets: [setSeen('v1', replicas)], ...fields }), now)
}
const shift = (fields: Partial<State> = {}) =>
  state({ plan: '30% for 5m, 50%', applied: { paused: true, replicas: fields.stable ?? 10 }, ...fields })
const surge = (fields: Partial<State> = {}) =>
  state({
    plan: '50% for 5m',
    stable: undefined,
    surge: SURGE,
    applied: { paused: true },
    reached: at(-60),
    ...fields,
  })

describe('an autoscaler that is there when the release begins', () => {
  const pending = shift({ phase: 'Pending', release: '' })

  test('has stable to itself from the first write on, and people are told', () => {
    const decision = look(pending)
    expect(shape(decision)).toBe('Progressing step 1, stable free, canary 4')
    expect(decision.state?.surge).toBe(SURGE)
    expect(messages(decision)).toMatch(/; surge, as HorizontalPodAutoscaler web scales it$/)
    expect(decision.conditions).toEqual({
      Reconciling: {
        reason: 'Progressing',
        message: 'step 1 of 2: canary 30% for 5m; surge mode: HorizontalPodAutoscaler web scales it',
      },
    })
  })

  test('and cannot give every share that the plan names: people are told', () => {
    expect(messages(look({ ...pending, plan: '50%, 80%' }))).toMatch(
      /; with 10 replicas 80% will be 50% \(10 of 20 pods\)$/,
    )
  })

  test('may have scaled before the controller looked: that is the size', () => {
    const decision = look(pending, { replicas: 6 })
    expect(shape(decision)).toBe('Progressing step 1, stable free, canary 3')
    expect(decision.state?.total).toBe(6)
  })

  test('changes nothing in why a person chose surge', () => {
    const chosen = {
      ...pending,
      stable: undefined,
      surge: 'capacity: surge is set',
      applied: { paused: true },
    }
    expect(look(chosen).state?.surge).toBe('capacity: surge is set')
  })
})

describe('an autoscaler that appears in mid-release', () => {
  test('finds stable brought back to its full size, once, and the canary grown', () => {
    const decision = look(shift({ stable: 7, reached: at(-60) }), { replicas: 7, canary: canarySeen(3) })
    expect(shape(decision)).toBe('Progressing step 1, stable 10, canary 4')
    expect(reasons(decision)).toEqual(['Surge'])
    expect(messages(decision)).toBe(
      'stable is left at its size from here: HorizontalPodAutoscaler web scales it',
    )
  })

  test('and then has it to itself', () => {
    const { state: told } = look(shift({ stable: 7 }), { replicas: 7, canary: canarySeen(3) })
    const applied = { paused: true, replicas: 10 }
    const decision = look({ ...shift(), ...told, applied }, { canary: canarySeen(4) })
    expect(decision.state).not.toHaveProperty('stable')
  })

  test('and scales at once is not put back', () => {
    const told = { ...shift({ stable: 10 }), surge: SURGE, applied: { paused: true, replicas: 10 } }
    const decision = look(told, { replicas: 8, canary: canarySeen(3) })
    expect(decision.state).toMatchObject({ total: 8, surge: SURGE })
    expect(decision.state).not.toHaveProperty('stable')
  })

  test('ends the former version’s canary beside a stable that it may scale', () => {
    const superseded = shift({ phase: 'Pending', release: '', stable: 7 })
    const decision = look(superseded, { replicas: 7, canary: canarySeen(3) })
    expect(shape(decision)).toBe('Pending, stable 10, canary 3')
    const later = look(
      { ...superseded, ...decision.state, applied: { paused: true, replicas: 10 } },
      {
        canary: canarySeen(3),
      },
    )
    expect(shape(later)).toBe('Pending, stable free, canary none')
  })

  test('of a release that failed gets stable back in one go', () => {
    const failure = { phase: 'Failed', reason: 'Aborted', message: 'x', failedAt: at(-5) } as const
    const decision = look(shift({ ...failure, stable: 5 }), { replicas: 5, canary: canarySeen(5) })
    expect(shape(decision)).toBe('Failed, stable 10, canary 5')
    const held = { ...shift(failure), surge: SURGE }
    expect(shape(look(held, { canary: canarySeen(5) }))).toBe('Failed, stable free, canary none')
  })

  test('of a promotion changes nothing: raising stable now would bring the former version up', () => {
    const promoting = shift({ phase: 'Promoting', stable: 5, applied: { paused: false, replicas: 5 } })
    const decision = look(promoting, { replicas: 5, paused: false, canary: canarySeen(5) })
    expect(shape(decision)).toBe('Promoting, stable 5, canary keep')
    expect(decision.state).not.toHaveProperty('surge')
  })

  test('of a promotion that stalled changes nothing: both versions serve', () => {
    const stalled = shift({
      phase: 'Failed',
      reason: 'PromotionStalled',
      message: 'x',
      stable: 5,
      applied: { paused: true, replicas: 5 },
    })
    const decision = look(stalled, { replicas: 5, canary: canarySeen(5) })
    expect(shape(decision)).toBe('Failed, stable 5, canary keep')
  })
})

describe('an autoscaler at work in surge mode', () => {
  test.each<readonly [string, Partial<State>, Partial<Observation>, string]>([
    [
      'up: the canary grows with stable',
      {},
      { replicas: 16, canary: canarySeen(10) },
      'Progressing step 1, stable free, canary 16',
    ],
    [
      'down: the canary shrinks with it',
      {},
      { replicas: 4, canary: canarySeen(10) },
      'Progressing step 1, stable free, canary 4',
    ],
    [
      'down before stable’s pods are counted anew: as many canary pods stay as may be needed',
      { plan: '30% for 5m' },
      { replicas: 4, settled: false, canary: canarySeen(5) },
      'Progressing step 1, stable free, canary 4',
    ],
    [
      'while it is promoted: the canary stays until all of stable is new',
      { phase: 'Promoting', applied: { paused: false } },
      { replicas: 16, paused: false, canary: canarySeen(10) },
      'Promoting, stable free, canary keep',
    ],
    [
      'while it fails: the canary goes, since stable never left',
      { phase: 'Failed', reason: 'Aborted', message: 'x', failedAt: at(-5) },
      { replicas: 16, canary: canarySeen(10) },
      'Failed, stable free, canary none',
    ],
  ])('%s', (_sentence, fields, looks, expected) => {
    expect(shape(look(surge(fields), looks))).toBe(expected)
  })

  test('a canary that is too small for the new size has its deadline for it', () => {
    const decision = look(surge(), { replicas: 16, canary: canarySeen(10) })
    expect(decision).toMatchObject({ state: { unready: at(0) }, wakeAt: NOW + 600_000 })
  })

  test('gone, the release stays in surge mode until it ends', () => {
    const decision = look(surge(), { autoscaler: undefined, canary: canarySeen(10) })
    expect(decision.state).toEqual(surge())
    expect(decision.said).toEqual([])
  })
})

describe('an autoscaler that scales to 0', () => {
  const asleep = surge({ total: 0, since: undefined, reached: undefined })

  test('rejects nothing: the release waits at its step, without a canary', () => {
    const decision = look(surge({ unready: at(-9) }), { replicas: 0, canary: canarySeen(10) })
    expect(shape(decision)).toBe('Progressing step 1, stable free, canary none')
    expect(decision.state).toEqual(asleep)
    expect(messages(decision)).toBe(`${AUTOSCALER} scaled to 0: the release waits for the first pod`)
    expect(decision.conditions).toEqual({
      Reconciling: {
        reason: 'Progressing',
        message: `step 1 of 1: scaled to 0, begins anew with the first pod; surge mode: ${SURGE}`,
      },
    })
    expect(decision).not.toHaveProperty('wakeAt')
  })

  test('costs nothing while it lasts', () => {
    const decision = look(asleep, { replicas: 0 }, NOW + 3_600_000)
    expect(decision).toMatchObject({ state: asleep, said: [], canary: 'none', mend: [] })
  })

  test('and back: the step begins anew, with its whole time', () => {
    const decision = look(asleep, { replicas: 2 })
    expect(reasons(decision)).toEqual(['ScaledUp'])
    expect(decision).toMatchObject({ state: { step: 0, since: at(0), total: 2 }, canary: 2 })
    expect(decision.state).not.toHaveProperty('reached')
    expect(decision.wakeAt).toBe(NOW + 600_000)
  })

  test('and back may wake the wrong version, which is mended', () => {
    const woken = [setSeen('v1', 0), setSeen('v2', 2, 0)]
    expect(look(asleep, { replicas: 2, sets: woken }).mend).toEqual([
      { kind: 'scale', name: 'shop-v1', replicas: 2 },
      { kind: 'scale', name: 'shop-v2', replicas: 0 },
    ])
  })

  test('and back may have the wrong version ready before the right one: one pod of it has to go for that one to come', () => {
    const woken = (available: number) => ({
      replicas: 3,
      sets: [setSeen('v1', 0), setSeen('v2', 3, available)],
    })
    expect(look(asleep, woken(3)).mend).toEqual([
      { kind: 'scale', name: 'shop-v1', replicas: 2 },
      { kind: 'scale', name: 'shop-v2', replicas: 2 },
    ])
    // Not all of it is ready: Kubernetes lets both be, and what serves stays until the right one covers it.
    expect(look(asleep, woken(2)).mend).toEqual([
      { kind: 'scale', name: 'shop-v1', replicas: 2 },
      { kind: 'scale', name: 'shop-v2', replicas: 2 },
    ])
  })

  test('does not keep a person from ending the release', () => {
    const abort = { command: 'abort', by: 'bob' } as const
    const decision = look({ ...asleep, requests: [abort] }, { replicas: 0 })
    expect(decision.state).toMatchObject({ phase: 'Failed', reason: 'Aborted' })
  })

  test('and goes: the size of 0 is a person’s now, and ends the release', () => {
    const decision = look(asleep, { replicas: 0, autoscaler: undefined })
    expect(decision.state).toMatchObject({ phase: 'Failed', reason: 'ScaledToZero' })
  })
})
