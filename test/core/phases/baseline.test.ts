/** A baseline beside the canary, through the life of a release: it comes with it and goes with it. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { baselineSeen, canarySeen, isolatedCanary, seen, setSeen, snapshotSeen } from '../observations.ts'
import { at, NOW, release, state } from '../shop.ts'
import { messages, reasons, shape } from './told.ts'

const look = (state: State, fields: Partial<Observation> = {}, now = NOW) => {
  const decision = decide(state, seen(fields), now)
  return { decision, shape: `${shape(decision)}, baseline ${decision.baseline}`, told: reasons(decision) }
}
const compared = (fields: Partial<State> = {}) => {
  const { stable = 10 } = fields
  const applied = { paused: fields.phase !== 'Promoting', replicas: stable }
  return state({ plan: '20% for 5m, 50%', baseline: true, applied, ...fields })
}
const both = { canary: canarySeen(2), baseline: baselineSeen(2) }
const standing = { stable: 6, reached: at(-60) }

type Row = readonly [string, Partial<State>, Partial<Observation>, string, readonly string[]]

describe('while the release runs', () => {
  test.each<Row>([
    [
      'it comes with the canary, as far as the surge goes',
      {},
      {},
      'Progressing step 1, stable 10, canary 2, baseline 1',
      [],
    ],
    [
      'the step waits for it',
      {},
      { canary: canarySeen(2), baseline: baselineSeen(1, 0) },
      'Progressing step 1, stable 10, canary 2, baseline 1',
      [],
    ],
    [
      'stable goes down for both',
      {},
      { canary: canarySeen(2), baseline: baselineSeen(1) },
      'Progressing step 1, stable 7, canary 2, baseline 1',
      [],
    ],
    [
      'the step stands when both are there',
      { stable: 7 },
      { replicas: 7, ...both },
      'Progressing step 1, stable 6, canary 2, baseline 2',
      ['CanaryWeight'],
    ],
    [
      'and holds as long',
      standing,
      { replicas: 6, ...both },
      'Progressing step 1, stable 6, canary 2, baseline 2',
      [],
    ],
    [
      'one that somebody deleted comes back',
      standing,
      { replicas: 6, canary: canarySeen(2) },
      'Progressing step 1, stable 6, canary 2, baseline 2',
      [],
    ],
    [
      'where it leaves stable too few pods, it is on top',
      { step: 1, stable: 6 },
      { replicas: 6, ...both },
      'Progressing step 2, stable 6, canary 5, baseline 5',
      [],
    ],
    [
      'of another version it is ended first',
      standing,
      { replicas: 6, canary: canarySeen(2), baseline: baselineSeen(2, 2, { release: release('v0') }) },
      'Pending, stable 9, canary 2, baseline 2',
      ['OtherBaseline'],
    ],
    [
      'is done without where somebody else has its name',
      {},
      { baselineStranger: 'it belongs to Deployment cart' },
      'Progressing step 1, stable 10, canary 2, baseline none',
      ['NoBaseline'],
    ],
    [
      'one that nobody wants is taken away',
      { baseline: undefined, stable: 8, reached: at(-60) },
      { replicas: 8, ...both },
      'Progressing step 1, stable 8, canary 2, baseline none',
      [],
    ],
  ])('%s', (_sentence, fields, given, expected, told) => {
    const seen = look(compared(fields), given)
    expect(seen.shape).toBe(expected)
    expect(seen.told).toEqual(told)
  })

  test('it is told how many there are of each', () => {
    const { decision } = look(compared({ stable: 7 }), { replicas: 7, ...both })
    expect(messages(decision)).toBe('20% for 5m stands (2 canary, 2 baseline and 6 stable pods)')
  })

  test('it is one pod, as isolated as the canary, while that is tested alone, and not waited for', () => {
    const tested = compared({ plan: 'test, 20%', test: 'cronjob/smoke' })
    expect(look(tested)).toMatchObject({
      shape: 'Progressing step 1, stable 10, canary 1, baseline 1',
      decision: { isolated: true },
    })
    const alone = { canary: isolatedCanary(), baseline: baselineSeen(1, 0, { isolated: true }) }
    const { decision } = look(tested, alone)
    expect(decision.state?.reached).toBeDefined()
    expect(decision.test).toMatchObject({ step: 0 })
  })

  test('one that is not ready within the deadline fails the release, with its numbers', () => {
    const given = { canary: canarySeen(2), baseline: baselineSeen(1, 0, { failure: 'exceeded quota' }) }
    const { decision } = look(compared({ stable: 8, since: at(-700) }), { replicas: 8, ...given })
    expect(decision.state?.reason).toBe('DeadlineExceeded')
    expect(messages(decision)).toMatch(
      /2 of 2 canary pods and 0 of 2 baseline pods are ready: exceeded quota$/,
    )
  })
})

describe('when the release begins', () => {
  const pending = (fields: Partial<State> = {}) => compared({ phase: 'Pending', release: '', ...fields })

  test('over a mix of versions there is none, and people are told', () => {
    const sets = [setSeen('v0', 5), setSeen('v1', 5)]
    const { decision } = look(pending(), { sets, snapshot: snapshotSeen('v0', 'v1') })
    expect(decision).toMatchObject({ baseline: 'none', state: { phase: 'Progressing' } })
    expect(decision.state?.baseline).toBeUndefined()
    expect(messages(decision)).toMatch(/without a baseline, as several versions serve$/)
  })

  test.each<Row>([
    [
      'one that a former release left is ended first',
      { stable: 6 },
      { replicas: 6, baseline: baselineSeen(2) },
      'Pending, stable 10, canary none, baseline 2',
      [],
    ],
    [
      'and goes when stable is back',
      {},
      { baseline: baselineSeen(2) },
      'Pending, stable 10, canary none, baseline none',
      [],
    ],
  ])('%s', (_sentence, fields, given, expected, told) => {
    const seen = look(pending(fields), given)
    expect(seen.shape).toBe(expected)
    expect(seen.told).toEqual(told)
  })
})

describe('when the release has failed', () => {
  test.each<Row>([
    [
      'it serves on as long as stable is not back',
      { stable: 6 },
      { replicas: 6, canary: canarySeen(2, 0), baseline: baselineSeen(2) },
      'Failed, stable 9, canary none, baseline 2',
      [],
    ],
    [
      'also beside a canary whose pods are bad and have to go',
      { reason: 'CanaryRestarted', failedAt: at(-61) },
      { sets: [setSeen('v1', 10, 5)], ...both },
      'Failed, stable 10, canary none, baseline 2',
      [],
    ],
    [
      'it goes when stable is back',
      {},
      { baseline: baselineSeen(2) },
      'Failed, stable 10, canary none, baseline none',
      [],
    ],
    [
      'the former template is restored only when it is gone',
      { onFailure: 'restore' },
      { baseline: baselineSeen(2) },
      'Failed, stable 10, canary none, baseline none',
      [],
    ],
    ['and then it is', { onFailure: 'restore' }, {}, 'Reverting, stable 10, canary keep, baseline keep', []],
  ])('%s', (_sentence, fields, given, expected, told) => {
    const failed = { phase: 'Failed', reason: 'Aborted', message: 'x', failedAt: at(-5) } as const
    const seen = look(compared({ ...failed, ...fields }), given)
    expect(seen.shape).toBe(expected)
    expect(seen.told).toEqual(told)
  })
})

describe('when the release is promoted', () => {
  const growing = { stable: 10, since: at(-5) }
  const sets = (available: number) => [setSeen('v2', 10, available)]
  const grown = { replicas: 10, rolledOut: true, sets: sets(10) }
  const late = { ...growing, since: at(-20) }

  test.each<Row>([
    [
      'it serves while stable rolls out',
      { stable: 6 },
      { replicas: 6, ...both },
      'Promoting, stable 6, canary keep, baseline keep',
      [],
    ],
    [
      'one that stable is smaller for comes back when somebody deletes it',
      { stable: 6 },
      { replicas: 6, canary: canarySeen(2) },
      'Promoting, stable 6, canary keep, baseline 2',
      [],
    ],
    [
      'it serves on while stable grows',
      growing,
      { replicas: 10, sets: sets(7), ...both },
      'Promoting, stable 10, canary keep, baseline keep',
      [],
    ],
    [
      'it goes before the canary, as soon as the others make up the total',
      growing,
      { replicas: 10, sets: sets(8), ...both },
      'Promoting, stable 10, canary keep, baseline none',
      [],
    ],
    [
      'one by one where that takes long',
      late,
      { replicas: 10, sets: sets(7), ...both },
      'Promoting, stable 10, canary keep, baseline 1',
      [],
    ],
    [
      'one by one where a quota is full: only its pods can make the room',
      growing,
      { replicas: 10, sets: sets(7), stableFailure: 'exceeded quota', ...both },
      'Promoting, stable 10, canary keep, baseline 1',
      [],
    ],
    [
      'with the canary at the latest',
      growing,
      { ...grown, ...both },
      'Promoting, stable 10, canary none, baseline none',
      [],
    ],
    [
      'the release has not succeeded before it is gone',
      growing,
      { ...grown, baseline: baselineSeen(1) },
      'Promoting, stable 10, canary none, baseline none',
      [],
    ],
    ['and then it has', growing, grown, 'Succeeded, canary none, baseline none', ['Promoted']],
  ])('%s', (_sentence, fields, given, expected, told) => {
    const seen = look(compared({ phase: 'Promoting', ...fields }), { paused: false, ...given })
    expect(seen.shape).toBe(expected)
    expect(seen.told).toEqual(told)
  })
})
