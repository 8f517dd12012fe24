import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canaryCount, stagePosition, stages, surgeCount } from '../../../src/core/plan/expand.ts'
import { type Plan, parsePlan } from '../../../src/core/plan/plan.ts'
import { anyPlan } from './any-plan.ts'

const replicas = fc.integer({ min: 1, max: 200 })

describe('stages', () => {
  test('every step is one stage, but a ramp, which is one for each of its weights', () => {
    expect(stages(plan('test, 5%..12% by 5% for 1m, approve, 2 pods for 1h'))).toEqual([
      { step: 1, steps: 4, label: 'test', hold: 0, waits: 'test' },
      {
        step: 2,
        steps: 4,
        part: { number: 1, of: 3 },
        label: '5% for 1m',
        target: { percent: 5 },
        hold: 60,
      },
      {
        step: 2,
        steps: 4,
        part: { number: 2, of: 3 },
        label: '10% for 1m',
        target: { percent: 10 },
        hold: 60,
      },
      {
        step: 2,
        steps: 4,
        part: { number: 3, of: 3 },
        label: '12% for 1m',
        target: { percent: 12 },
        hold: 60,
      },
      { step: 3, steps: 4, label: 'approve', hold: 0, waits: 'approve' },
      { step: 4, steps: 4, label: '2 pods for 1h', target: { pods: 2 }, hold: 3600 },
    ])
  })

  test('an approval carries who may give it, and how long it is waited for', () => {
    expect(stages(plan('approve by 2 other for 24h'))).toEqual([
      {
        step: 1,
        steps: 1,
        label: 'approve by 2 other for 24h',
        hold: 0,
        waits: 'approve',
        approvers: { count: 2, other: true },
        within: 86_400,
      },
    ])
  })

  test('a person is told the step, and the part of a ramp', () => {
    expect(stages(plan('10%, 20%..30% by 10%')).map(stagePosition)).toEqual([
      'step 1 of 2',
      'step 2 of 2, part 1 of 2',
      'step 2 of 2, part 2 of 2',
    ])
  })
})

describe('the canary takes its pods from the replicas', () => {
  test.each([
    ['a tenth of ten is one', '10%', 10, [1]],
    ['each weight has its own count', '10%, 30%, 50%, 70%', 10, [1, 3, 5, 7]],
    ['the nearest count is taken', '25%', 9, [2]],
    ['of two equally near counts the larger one is taken', '25%, 50%, 75%', 10, [3, 5, 8]],
    ['a tie just over nothing is one', '10%', 5, [1]],
    ['there is always one canary pod', '1%', 10, [1]],
    ['there is always one stable pod', '99%', 10, [9]],
    ['ten percent of three is one', '10%', 3, [1]],
    ['half of three is two', '50%', 3, [2]],
    ['of two replicas one is the canary, whatever the weight', '1%, 50%, 99%', 2, [1, 1, 1]],
    ['a single replica has one canary beside it', '10%, 90%', 1, [1, 1]],
    ['no replicas have no canary', '10%', 0, [0]],
    ['pods are counted as written', '2 pods, 5 pods', 10, [2, 5]],
    ['two pods of two leave one for stable', '2 pods', 2, [1]],
    ['more pods than replicas leave one for stable', '50 pods', 10, [9]],
    ['nothing runs before the first weight', 'approve, 10%', 10, [0, 1]],
    ['an approval keeps the weight before it', '30%, approve, test, 50%', 10, [3, 3, 3, 5]],
    ['a share of fewer pods than before takes none back', '4 pods, 10%, 50%', 10, [4, 4, 5]],
    ['fewer pods than before take none back', '50%, 2 pods', 10, [5, 5]],
    ['a plan of approvals only has no canary', 'approve', 10, [0]],
    ['weights near a rounding border are exact', '29%, 57%, 58%', 50, [15, 29, 29]],
    ['a large Deployment is exact', '33%', 9_999_999, [3_300_000]],
  ])('%s', (_sentence, text, total, counts) => {
    const all = stages(plan(text))
    expect(all.map((_, index) => canaryCount(all, index, total))).toEqual(counts)
  })

  test('an index outside the plan is nothing before it, and the last stage after it', () => {
    const all = stages(plan('10%, 50%'))
    expect(canaryCount(all, -1, 10)).toBe(0)
    expect(canaryCount(all, 7, 10)).toBe(5)
  })

  test('for any plan and any number of replicas the count is in bounds and never falls', () => {
    fc.assert(
      fc.property(anyPlan, replicas, (plan, total) => {
        const all = stages(plan)
        let before = 0
        for (const [index, stage] of all.entries()) {
          const count = canaryCount(all, index, total)
          expect(Number.isInteger(count)).toBe(true)
          expect(count).toBeGreaterThanOrEqual(stage.target === undefined ? before : Math.max(1, before))
          expect(count).toBeLessThanOrEqual(Math.max(1, total - 1))
          before = count
        }
      }),
    )
  })

  test('for any weight no other count is nearer to it, and none equally near is larger', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 2, max: 200 }), (percent, total) => {
        const count = canaryCount(stages([{ kind: 'weight', percent, hold: 0 }]), 0, total)
        const distance = (c: number) => Math.abs(100 * c - percent * total)
        for (let other = 1; other < total; other++) {
          expect(distance(other)).toBeGreaterThanOrEqual(distance(count))
          if (other > count) expect(distance(other)).toBeGreaterThan(distance(count))
        }
      }),
    )
  })
})

describe('the canary comes on top of stable', () => {
  test.each([
    ['half of the traffic takes as many as stable has', '50%', 10, [10]],
    ['a tenth of the traffic beside nine is one', '10%', 9, [1]],
    ['a fifth of the traffic beside ten is three, the larger of two', '20%', 10, [3]],
    ['there is always one canary pod', '1%', 10, [1]],
    ['a canary is never larger than stable', '90%', 10, [10]],
    ['pods are counted as written, up to the size of stable', '2 pods, 50 pods', 10, [2, 10]],
    ['no count falls', '4 pods, 10%', 10, [4, 4]],
    ['a single stable pod has one canary', '10%', 1, [1]],
    ['nothing comes beside nothing', '10%', 0, [0]],
    ['nothing runs before the first weight', 'approve, 10%', 10, [0, 1]],
  ])('%s', (_sentence, text, stable, counts) => {
    const all = stages(plan(text))
    expect(all.map((_, index) => surgeCount(all, index, stable))).toEqual(counts)
  })

  test('for any plan and any size of stable the count is in bounds and never falls', () => {
    fc.assert(
      fc.property(anyPlan, replicas, (plan, stable) => {
        const all = stages(plan)
        let before = 0
        for (const [index, stage] of all.entries()) {
          const count = surgeCount(all, index, stable)
          expect(Number.isInteger(count)).toBe(true)
          expect(count).toBeGreaterThanOrEqual(stage.target === undefined ? before : Math.max(1, before))
          expect(count).toBeLessThanOrEqual(stable)
          before = count
        }
      }),
    )
  })
})

function plan(text: string): Plan {
  const reading = parsePlan(text)
  if ('errors' in reading) throw new Error(reading.errors.join('\n'))
  return reading.plan
}
