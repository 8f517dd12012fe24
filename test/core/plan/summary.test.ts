import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stages } from '../../../src/core/plan/expand.ts'
import { type Plan, parsePlan } from '../../../src/core/plan/plan.ts'
import { describePlan, estimate, planWarnings, summarizePlan } from '../../../src/core/plan/summary.ts'
import { anyPlan } from './any-plan.ts'

test.each([
  ['weights and times', '10% for 5m, 50% for 10m', 'canary 10% → 50% → full, about 15 min'],
  ['a plan without times', '10%, 50%', 'canary 10% → 50% → full'],
  [
    'an approval',
    '2 pods for 30s, approve',
    'canary 2 pods → approve → full, about 30 s, waits for an approval',
  ],
  [
    'who approves, but not how long that is waited for',
    '10%, approve by 2 group:sre for 24h',
    'canary 10% → approve by 2 group:sre → full, waits for an approval',
  ],
  ['a ramp, counted with all its parts', '5%..50% by 5% for 1h', 'canary 5%..50% → full, about 10 h'],
  ['a test and a week', 'test, 10% for 7d', 'canary test → 10% → full, about 7 days'],
  [
    'a long plan, shortened in the middle',
    '1%, 2%, 3%, 4%, 5%, 6%, 7%',
    'canary 1% → 2% → 3% → … 3 more … → 7% → full',
  ],
])('one sentence tells %s', (_what, text, sentence) => {
  expect(summarizePlan(plan(text))).toBe(sentence)
})

test('a plan is described without its times', () => {
  expect(describePlan(plan('10% for 5m, approve, 50% for 1h'))).toBe('10% → approve → 50% → full')
})

test('the estimate adds all holds, every part of a ramp too, and knows who is waited for', () => {
  expect(estimate(stages(plan('5%..50% by 5% for 1m, 60% for 5m')))).toEqual({
    seconds: 900,
    waitsForPeople: false,
  })
  expect(estimate(stages(plan('10%, approve')))).toEqual({ seconds: 0, waitsForPeople: true })
})

describe('a warning says', () => {
  test.each([
    ['nothing of a plan that fits', '10%, 50%', 10, []],
    ['nothing of a small difference', '25%', 11, []],
    [
      'that a single replica shares half and half',
      '10%',
      1,
      ['1 replica: one canary pod runs beside one stable pod, so its real share will be 50% at every step'],
    ],
    [
      'which shares will really be reached, each once',
      '10%, approve, 10%, 50%',
      3,
      ['with 3 replicas 10% will be 33% (1 of 3 pods), 50% will be 67% (2 of 3 pods)'],
    ],
    ['that a small weight is doubled', '1%', 50, ['with 50 replicas 1% will be 2% (1 of 50 pods)']],
    [
      'a few of many shares',
      '1%..6% by 1%',
      4,
      [
        'with 4 replicas 1% will be 25% (1 of 4 pods), 2% will be 25% (1 of 4 pods), 3% will be 25% (1 of 4 pods), 4% will be 25% (1 of 4 pods) (and 2 more)',
      ],
    ],
    [
      'which pods do not fit',
      '2 pods, 5 pods for 5m',
      4,
      ['step 2: 5 pods do not fit beside stable with 4 replicas; the canary will have 3'],
    ],
    [
      'once for each step that would take pods back',
      '4 pods, 5%..20% by 5%',
      10,
      ['step 2: 5% would be fewer pods than the 4 before it, so the canary stays at 4'],
    ],
    [
      'that only a person starts a plan of approvals',
      'approve',
      10,
      [
        'the plan has no weight: nothing of the new version runs before a person approves, then it is rolled out like an ordinary update',
      ],
    ],
    [
      'that a plan of tests has no traffic',
      'test',
      10,
      [
        'the plan has no weight: nothing of the new version serves before its test passes, then it is rolled out like an ordinary update',
      ],
    ],
    ['nothing about shares of no replicas', '10%', 0, []],
  ])('%s', (_sentence, text, total, warnings) => {
    expect(planWarnings(plan(text), total)).toEqual(warnings)
  })

  test('in surge mode, that a canary never has more than half', () => {
    expect(planWarnings(plan('50%, 80%'), 10, 'surge')).toEqual([
      'with 10 replicas 80% will be 50% (10 of 20 pods)',
    ])
  })

  test('all it has to say in lines that the API server does not cut', () => {
    fc.assert(
      fc.property(
        anyPlan,
        fc.integer({ min: 0, max: 200 }),
        fc.constantFrom('shift', 'surge'),
        (plan, total, capacity) => {
          for (const warning of planWarnings(plan, total, capacity)) expect(warning.length).toBeLessThan(256)
          expect(summarizePlan(plan).length).toBeLessThan(200)
        },
      ),
    )
  })
})

function plan(text: string): Plan {
  const reading = parsePlan(text)
  if ('errors' in reading) throw new Error(reading.errors.join('\n'))
  return reading.plan
}
