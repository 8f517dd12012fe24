import fc from 'fast-check'
import { LONGEST_DURATION } from '../../../src/core/duration.ts'
import {
  type Approvers,
  MOST_STAGES,
  type Plan,
  rampWeights,
  type Step,
} from '../../../src/core/plan/plan.ts'

const hold = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 7200 }), fc.constant(LONGEST_DURATION))

const weight = fc.record({ kind: fc.constant('weight'), percent: fc.integer({ min: 1, max: 99 }), hold })

const pods = fc.record({
  kind: fc.constant('pods'),
  pods: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 10_000 })),
  hold,
})

const ramp = fc
  .record({
    from: fc.integer({ min: 1, max: 98 }),
    span: fc.integer({ min: 1, max: 98 }),
    by: fc.integer({ min: 1, max: 99 }),
    hold,
  })
  .map(({ from, span, by, hold }): Step => ({ kind: 'ramp', from, to: Math.min(99, from + span), by, hold }))

const approvers: fc.Arbitrary<Approvers> = fc
  .record(
    {
      count: fc.integer({ min: 1, max: 20 }),
      other: fc.constant(true),
      group: fc.stringMatching(/^[A-Za-z0-9:_.@/-]{1,20}$/),
    },
    { requiredKeys: [] },
  )
  .filter(by => Object.keys(by).length > 0)

const gate = fc.oneof(
  fc.constant({ kind: 'test' }),
  fc.record(
    { kind: fc.constant('approve'), by: approvers, within: fc.integer({ min: 1, max: LONGEST_DURATION }) },
    { requiredKeys: ['kind'] },
  ),
)

const anyStep = fc.oneof(weight, pods, ramp, gate) as fc.Arbitrary<Step>

/**
 * Any plan that `parsePlan` accepts: steps at random, put in an order in which weights only grow, and cut
 * where it would have too many stages.
 */
export const anyPlan: fc.Arbitrary<Plan> = fc
  .array(anyStep, { minLength: 1, maxLength: 12 })
  .map(growing)
  .filter(plan => plan.length > 0)

function growing(steps: readonly Step[]): Plan {
  const plan: Step[] = []
  let percent = 0
  let pods = 0
  let stages = 0
  for (const step of steps) {
    const [first, last] = step.kind === 'ramp' ? [step.from, step.to] : [percentOf(step), percentOf(step)]
    const size = step.kind === 'ramp' ? rampWeights(step).length : 1
    if (first !== undefined && first < percent) continue
    if (step.kind === 'pods' && step.pods < pods) continue
    if (stages + size > MOST_STAGES) continue
    percent = last ?? percent
    pods = step.kind === 'pods' ? step.pods : pods
    stages += size
    plan.push(step)
  }
  return plan
}

function percentOf(step: Step): number | undefined {
  return step.kind === 'weight' ? step.percent : undefined
}
