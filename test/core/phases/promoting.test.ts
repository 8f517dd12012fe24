/** The accepted version becomes the app; and the way back to the version that serves. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { canarySeen, seen, setSeen } from '../observations.ts'
import { at, NOW, release, state } from '../shop.ts'
import { reasons, shape } from './told.ts'

const promoting = (fields: Partial<State> = {}) => {
  const { stable = 5 } = fields
  const applied = { paused: false, replicas: stable }
  return state({ phase: 'Promoting', step: 1, since: at(-5), applied, stable, ...fields })
}
/** Un-paused; by default both versions have pods at the count of before. */
const look = (state: State, fields: Partial<Observation> = {}) => {
  const sets = [setSeen('v1', 3), setSeen('v2', 2)]
  return decide(state, seen({ paused: false, replicas: 5, sets, canary: canarySeen(5), ...fields }), NOW)
}
const rolledOut = { rolledOut: true, sets: [setSeen('v2', 5)] }
const growing = { stable: 10 }
const grown = { replicas: 10, rolledOut: true, sets: [setSeen('v2', 10)] }

describe('a promotion', () => {
  test.each<readonly [string, Partial<State>, Partial<Observation>, string, readonly string[]]>([
    ['rolls out at the present size with the canary serving', {}, {}, 'Promoting, stable 5, canary keep', []],
    [
      'grows stable when every pod of that size is new',
      {},
      rolledOut,
      'Promoting, stable 10, canary keep',
      ['Growing'],
    ],
    [
      'does not take the status of another size for its own',
      { applied: { paused: true, replicas: 7 } },
      { ...rolledOut, replicas: 7 },
      'Promoting, stable 5, canary keep',
      [],
    ],
    [
      'makes the canary again that somebody deleted',
      {},
      { canary: undefined },
      'Promoting, stable 5, canary 5',
      [],
    ],
    [
      'keeps the canary until half of it can go',
      growing,
      { replicas: 10, sets: [setSeen('v2', 10, 7)] },
      'Promoting, stable 10, canary keep',
      [],
    ],
    [
      'takes half of it as stable serves',
      growing,
      { replicas: 10, sets: [setSeen('v2', 10, 8)] },
      'Promoting, stable 10, canary 2',
      [],
    ],
    [
      'takes what is covered, one by one, when stable takes long',
      { ...growing, since: at(-11) },
      { replicas: 10, sets: [setSeen('v2', 10, 6)] },
      'Promoting, stable 10, canary 4',
      [],
    ],
    [
      'takes what is covered when stable’s pods cannot be made otherwise (a quota is full)',
      growing,
      { replicas: 10, sets: [setSeen('v2', 10, 6)], stableFailure: 'exceeded quota' },
      'Promoting, stable 10, canary 4',
      [],
    ],
    [
      'keeps one canary pod while a single one of stable is missing',
      { ...growing, since: at(-11) },
      { replicas: 10, sets: [setSeen('v2', 10, 10)] },
      'Promoting, stable 10, canary 1',
      [],
    ],
    [
      'in surge mode keeps the canary until all of stable is new',
      { ...growing, stable: undefined, surge: 'x', since: at(-900), applied: { paused: false } },
      { replicas: 10, sets: [setSeen('v1', 4), setSeen('v2', 6)] },
      'Promoting, stable free, canary keep',
      [],
    ],
    [
      'takes the canary away when stable is complete',
      growing,
      grown,
      'Promoting, stable 10, canary none',
      [],
    ],
    [
      'is over when the canary is gone',
      growing,
      { ...grown, canary: undefined },
      'Succeeded, canary none',
      ['Promoted'],
    ],
    [
      'is starting over when the stored template is another',
      {},
      { template: release('v3') },
      'Pending, stable 8, canary 5',
      ['TemplateChanged'],
    ],
    [
      'that stalls is held with both versions serving',
      {},
      { stalled: 'ReplicaSet "shop" has timed out progressing.' },
      'Failed, stable 5, canary keep',
      ['CanaryFailed'],
    ],
    [
      'of a Deployment scaled to 0 is over at once',
      {},
      { replicas: 0, rolledOut: true, sets: [], canary: undefined },
      'Succeeded, canary none',
      ['Promoted'],
    ],
  ])('%s', (_sentence, fields, looks, expected, said) => {
    const { stable: _, ...rest } = promoting(fields)
    const given = 'stable' in fields && fields.stable === undefined ? rest : promoting(fields)
    const decision = look(given, looks)
    expect(shape(decision)).toBe(expected)
    expect(reasons(decision)).toEqual(said)
  })

  test('wakes when its patience is over', () => {
    const looks = { replicas: 10, sets: [setSeen('v2', 10, 7)] }
    expect(look(promoting(growing), looks).wakeAt).toBe(NOW + 5000)
  })

  test('that is over leaves nothing of ours but the record', () => {
    const over = look(promoting(growing), { ...grown, canary: undefined })
    expect(over).toMatchObject({ snapshot: 'drop', canary: 'none', conditions: {}, mend: [] })
    expect(over.state).toMatchObject({ phase: 'Succeeded', release: release('v2'), total: 10 })
    expect(over.state).not.toHaveProperty('applied')
    expect(over.said[0]?.message).toBe(`release ${release('v2')} serves on all 10 pods`)
  })

  test('that stalled says so in Kubernetes’ words, and retry goes on with it', () => {
    const failed = look(promoting(), { stalled: 'timed out' }).state
    expect(failed).toMatchObject({
      reason: 'PromotionStalled',
      message: expect.stringContaining('both versions'),
    })
    expect(failed?.message).toContain('timed out')
    const held = { ...promoting(), ...failed, applied: { paused: true, replicas: 5 } }
    const again = decide({ ...held, requests: [{ command: 'retry', by: 'bob' }] }, seen({ replicas: 5 }), NOW)
    expect(again.state).toMatchObject({ phase: 'Promoting', stable: 5 })
  })

  test.each<readonly [string, Partial<State>, Partial<Observation>]>([
    ['while it rolls out at the former size', {}, { replicas: 12 }],
    ['while it grows', growing, { replicas: 12 }],
  ])('that somebody scales goes to the new number at once: %s', (_sentence, fields, looks) => {
    const { state: scaled } = look(promoting(fields), looks)
    expect(scaled).toMatchObject({ phase: 'Promoting', total: 12, stable: 12 })
  })
})

describe('a rollout without a canary', () => {
  const unprotected = promoting({ unprotected: true, stable: 10 })

  test('is left to Kubernetes as soon as it is not paused any more', () => {
    const before = look(unprotected, { paused: true, replicas: 10, canary: undefined })
    expect(shape(before)).toBe('Promoting, stable 10, canary keep')
    const after = look(unprotected, { replicas: 10, canary: undefined })
    expect(shape(after)).toBe('Succeeded, canary none')
    expect(reasons(after)).toEqual(['RolledOut'])
    expect(after.state).not.toHaveProperty('unprotected')
  })
})

describe('going back to the version that serves', () => {
  const reverting = state({
    phase: 'Reverting',
    release: release('v1'),
    applied: { paused: false, replicas: 10 },
  })
  const looks = { template: release('v1'), replicas: 10, sets: [setSeen('v1', 10)], canary: undefined }

  test.each<readonly [string, State, Partial<Observation>, string]>([
    [
      'waits until it is un-paused',
      reverting,
      { ...looks, paused: true },
      'Reverting, stable 10, canary keep',
    ],
    ['is over then: nothing restarts', reverting, looks, 'Reverted, canary none'],
    [
      'starts over when another template came',
      reverting,
      { ...looks, template: release('v3'), canary: canarySeen(1, 0) },
      'Pending, stable 10, canary none',
    ],
  ])('%s', (_sentence, given, fields, expected) => {
    expect(shape(look(given, fields))).toBe(expected)
  })
})
