import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LONGEST_PLAN, MOST_STAGES, parsePlan, printPlan, rampWeights } from '../../../src/core/plan/plan.ts'
import { anyPlan } from './any-plan.ts'

const weight = (percent: number, hold = 0) => ({ kind: 'weight', percent, hold })

describe('a plan is read', () => {
  test.each([
    ['a share alone goes on when the canary is healthy', '10%', [weight(10)]],
    ['10%, 50% is a complete plan', '10%, 50%', [weight(10), weight(50)]],
    ['a share may be held', '10% for 5m', [weight(10, 300)]],
    ['pods may be counted', '2 pods for 1h', [{ kind: 'pods', pods: 2, hold: 3600 }]],
    ['one pod is said in the singular', '1 pod', [{ kind: 'pods', pods: 1, hold: 0 }]],
    [
      'a ramp has both ends, a step size and a hold',
      '5%..50% by 5% for 1m',
      [{ kind: 'ramp', from: 5, to: 50, by: 5, hold: 60 }],
    ],
    ['spaces around the dots of a ramp do not count', '5% .. 50% by 5%', [ramp(5, 50, 5)]],
    ['a ramp may have a step size larger than itself', '5%..10% by 50%', [ramp(5, 10, 50)]],
    ['a test may come first', 'test, 10%', [{ kind: 'test' }, weight(10)]],
    ['only approve is a plan: nothing starts before a person says so', 'approve', [{ kind: 'approve' }]],
    ['somebody else may have to approve', 'approve by other', [{ kind: 'approve', by: { other: true } }]],
    ['a number of people may have to approve', 'approve by 2', [{ kind: 'approve', by: { count: 2 } }]],
    [
      'a group keeps its letter case',
      'Approve by GROUP:Team-SRE',
      [{ kind: 'approve', by: { group: 'Team-SRE' } }],
    ],
    ['an approval may have an end', 'approve for 24h', [{ kind: 'approve', within: 86_400 }]],
    [
      'who and how long may be combined in any order',
      'approve for 24h by group:sre other 2',
      [{ kind: 'approve', by: { count: 2, other: true, group: 'sre' }, within: 86_400 }],
    ],
    [
      'a YAML block with newlines is one plan',
      '\n10% for 5m,\n  50%\n\tfor 10m\n',
      [weight(10, 300), weight(50, 600)],
    ],
    ['a comma at the end is forgiven', '10%, 50%,\n', [weight(10), weight(50)]],
    ['letter case does not count', 'TEST, 10% FOR 5M', [{ kind: 'test' }, weight(10, 300)]],
    [
      'spaces between number and unit do not count',
      '10 %, 2pods',
      [weight(10), { kind: 'pods', pods: 2, hold: 0 }],
    ],
    ['spaces of other alphabets do not count', '10%\u00a0for\u00a05m', [weight(10, 300)]],
    [
      'equal weights may follow each other',
      '10%, approve, 10% for 5m',
      [weight(10), { kind: 'approve' }, weight(10, 300)],
    ],
    ['a ramp may start at the weight before it', '10%, 10%..30% by 10%', [weight(10), ramp(10, 30, 10)]],
    [
      'pods and percent are not compared before the number of replicas is known',
      '5 pods, 1%',
      [{ kind: 'pods', pods: 5, hold: 0 }, weight(1)],
    ],
  ])('%s', (_sentence, text, plan) => {
    expect(parsePlan(text)).toEqual({ plan })
  })
})

describe('a plan is refused', () => {
  test.each([
    ['an empty plan', '', ['the plan is empty (write for example 10% for 5m, 50% for 10m)']],
    ['a plan of white space', ' \n ', ['the plan is empty (write for example 10% for 5m, 50% for 10m)']],
    [
      'every error at once, several of one step',
      '10%, 500% for 5 m',
      [
        'step 2: weight 500% is not between 1% and 99%',
        'step 2: "5 m" is not a duration (write 5m, 90s, 1h30m)',
      ],
    ],
    ['a weight of nothing', '0%', ['step 1: weight 0% is not between 1% and 99%']],
    ['a negative weight', '-5%', ['step 1: weight -5% is not between 1% and 99%']],
    [
      'all of the traffic',
      '10%, 100%',
      ['step 2: weight 100% is promotion, the implied last step (leave it out)'],
    ],
    ['a weight with a fraction', '12.5%', ['step 1: weight 12.5% has a fraction (write 12% or 13%)']],
    ['a weight under one percent', '0.5%', ['step 1: weight 0.5% has a fraction (write 1%)']],
    ['a weight just under all', '99.5%', ['step 1: weight 99.5% has a fraction (write 99%)']],
    ['a time with a fraction', '10% for 1.5h', ['step 1: "1.5h" has a fraction (write 1h30m)']],
    ['a time without a unit', '10% for 5', ['step 1: "5" has no unit (write 5m or 5s)']],
    ['a missing time', '10% for', ['step 1: a duration is missing (write 5m, 90s, 1h30m)']],
    ['no time', '10% for 0s', ['step 1: "0s" is no time at all (write 1s or more, or leave it out)']],
    ['a time without its "for"', '10% 5m', ['step 1: "10% 5m" is not a step (write 10% for 5m)']],
    [
      'a time without its weight',
      'for 5m',
      ['step 1: "for" has no weight before it (write for example 10% for 5m)'],
    ],
    ['a number without a unit', '10', ['step 1: "10" has no unit (did you mean 10% or 10 pods?)']],
    ['percent as a word', '10 percent', ['step 1: "10 percent" is not a step (write 10%)']],
    ['replicas for pods', '3 replicas', ['step 1: "3 replicas" is not a step (write 3 pods)']],
    ['no pods', '0 pods', ['step 1: "0 pods" is not between 1 and 10000 pods']],
    [
      'more pods than any cluster has',
      '99999999999999999999 pods',
      ['step 1: "99999999999999999999 pods" is not between 1 and 10000 pods'],
    ],
    [
      'a falling weight',
      '50%, 10%',
      ['step 2: 10% is less than the 50% of step 1 (weights only grow within a release)'],
    ],
    [
      'a falling number of pods',
      '5 pods, approve, 2 pods',
      ['step 3: 2 pods is less than the 5 pods of step 1 (weights only grow within a release)'],
    ],
    [
      'a ramp that starts under the weight before it',
      '20%, 10%..50% by 10%',
      ['step 2: 10% is less than the 20% of step 1 (weights only grow within a release)'],
    ],
    [
      'a weight under the end of a ramp',
      '10%..50% by 10%, 40%',
      ['step 2: 40% is less than the 50% of step 1 (weights only grow within a release)'],
    ],
    [
      'a ramp downward',
      '50%..5% by 5%',
      ['step 1: the ramp 50%..5% does not go up (write the lower weight first)'],
    ],
    [
      'a ramp that stays',
      '5%..5% by 5%',
      ['step 1: the ramp 5%..5% does not go up (write the lower weight first)'],
    ],
    ['a ramp by nothing', '5%..50% by 0%', ['step 1: ramp step 0% is not between 1% and 99%']],
    [
      'a ramp without its step size',
      '5%..50% for 1m',
      ['step 1: the ramp "5%..50%" does not say by how much (write 5%..50% by 5%)'],
    ],
    [
      'a ramp without percent signs',
      '5..50 by 5',
      ['step 1: the ramp "5..50 by 5" lacks a % sign (write 5%..50% by 5%)'],
    ],
    [
      'a ramp to everything',
      '10%..100% by 10%',
      [
        'step 1: the ramp "10%..100% by 10%" goes too far: promotion is the implied last step (end it at 99% or less)',
      ],
    ],
    ['a ramp with a dash', '5%-50%', ['step 1: "5%-50%" is not a ramp (write 5%..50% by 5%)']],
    [
      'a ramp with a word',
      '5% to 50% by 10%',
      ['step 1: "5% to 50% by 10%" is not a ramp (write 5%..50% by 10%)'],
    ],
    [
      'a ramp with three dots',
      '5%...50% by 5%',
      ['step 1: "5%...50% by 5%" is not a ramp (write 5%..50% by 5%)'],
    ],
    [
      'a ramp with fractions',
      '0.5%..50% by 2.5%',
      [
        'step 1: weight 0.5% has a fraction (write 1%)',
        'step 1: ramp step 2.5% has a fraction (write 2% or 3%)',
      ],
    ],
    ['a misspelt approve', '10%, aprove', ['step 2: "aprove" is not a step; did you mean approve?']],
    ['a misspelt test', 'tset, 10%', ['step 1: "tset" is not a step; did you mean test?']],
    [
      'the word of another tool',
      '10%, pause 5m',
      [
        'step 2: "pause" is not a step (write approve to wait for a person, or a weight with a time, as in 10% for 5m)',
      ],
    ],
    [
      'promotion as a step',
      '10%, promote',
      ['step 2: "promote" is not a step (promotion is the implied last step, leave it out)'],
    ],
    [
      'something else',
      'banana split',
      [
        'step 1: "banana split" is not a step (write 10%, 10% for 5m, 2 pods, 5%..50% by 5%, test or approve)',
      ],
    ],
    [
      'nothing between two commas',
      '10%,,50%',
      [
        'step 2: there is nothing between two commas (write 10%, 10% for 5m, 2 pods, 5%..50% by 5%, test or approve)',
      ],
    ],
    ['a forgotten comma after a time', '10% for 5m 50%', ['step 1: a comma is missing before "50%"']],
    ['a forgotten comma at a line end', '10%\napprove', ['step 1: a comma is missing before "approve"']],
    [
      'a test with a time',
      'test for 5m',
      ['step 1: "for 5m" after "test" is not understood (a test ends with its Job)'],
    ],
    [
      'an approval by nobody',
      'approve by for 5 m',
      [
        'step 1: "by" does not say who (write approve, approve by other, approve by 2, approve by group:NAME, approve for 24h)',
        'step 1: "5 m" is not a duration (write 5m, 90s, 1h30m)',
      ],
    ],
    [
      'an approval by a bare name',
      'approve by sre',
      ['step 1: "sre" does not name who approves (write other, a number of people, or group:NAME)'],
    ],
    ['an approval by no people', 'approve by 0', ['step 1: "0" people cannot approve (write 1 to 20)']],
    ['two groups', 'approve by group:a group:b', ['step 1: "group:b" says again who approves']],
    ['two times', 'approve for 1h for 2h', ['step 1: "approve" says "for" twice']],
    [
      'something after approve',
      'approve please',
      [
        'step 1: "please" after "approve" is not understood (write approve, approve by other, approve by 2, approve by group:NAME, approve for 24h)',
      ],
    ],
    [
      'a step that is well written and may not come there, in one answer with the other errors',
      '50%, 0%, 10%',
      [
        'step 2: weight 0% is not between 1% and 99%',
        'step 3: 10% is less than the 50% of step 1 (weights only grow within a release)',
      ],
    ],
    [
      'more stages than anybody waits for',
      '1%..99% by 1%',
      ['the plan has 99 stages when its ramps are written out; at most 50 are allowed'],
    ],
    ['more steps than anybody reads', '10%,'.repeat(51), ['the plan has 51 steps; at most 50 are allowed']],
    ['a whole file', 'x'.repeat(2001), ['the plan is 2001 characters long; more than 2000 are not read']],
  ])('%s', (_sentence, text, errors) => {
    expect(parsePlan(text)).toEqual({ errors })
  })
})

describe('the limits are inclusive', () => {
  test('fifty stages are a plan, fifty-one are not', () => {
    expect(parsePlan('1%..50% by 1%')).toEqual({ plan: [ramp(1, 50, 1)] })
    expect(parsePlan('1%..51% by 1%')).toHaveProperty('errors.length', 1)
    expect(parsePlan('10%,'.repeat(MOST_STAGES))).toHaveProperty('plan.length', MOST_STAGES)
  })

  test('the longest text is read', () => {
    expect(parsePlan('10%'.padEnd(LONGEST_PLAN))).toEqual({ plan: [weight(10)] })
  })
})

test.each([
  ['ends exactly at its upper end', '5%..50% by 7%', [5, 12, 19, 26, 33, 40, 47, 50]],
  ['names its upper end once', '5%..20% by 5%', [5, 10, 15, 20]],
  ['has both ends when its step is larger', '5%..10% by 50%', [5, 10]],
])('a ramp %s', (_sentence, text, weights) => {
  const reading = parsePlan(text)
  const step = 'plan' in reading ? reading.plan[0] : undefined
  expect(step?.kind === 'ramp' && rampWeights(step)).toEqual(weights)
})

describe('printing', () => {
  test.each([
    ['10%  FOR 300s,', '10% for 5m'],
    ['1 pods, 2 pod', '1 pod, 2 pods'],
    ['5% .. 50%  by 5% for 60s', '5%..50% by 5% for 1m'],
    ['approve for 1440m by other group:SRE 2', 'approve by 2 other group:SRE for 24h'],
  ])('%s is printed as %s', (written, printed) => {
    const reading = parsePlan(written)
    expect('plan' in reading && printPlan(reading.plan)).toBe(printed)
  })

  test('what is printed reads back as the same plan', () => {
    fc.assert(
      fc.property(anyPlan, plan => {
        expect(parsePlan(printPlan(plan))).toEqual({ plan })
      }),
    )
  })
})

describe('whatever a user writes', () => {
  const almost = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '10%',
          '%',
          '..',
          'by',
          'for',
          '5m',
          'pods',
          'approve',
          'test',
          ',',
          '-',
          '3',
          '0.5',
          'group:',
        ),
        fc.string({ maxLength: 5 }),
      ),
      { maxLength: 20 },
    )
    .chain(words => fc.constantFrom(words.join(' '), words.join('')))

  test('the answer is a plan that prints, or errors of one line each', () => {
    fc.assert(
      fc.property(fc.oneof(almost, fc.string(), fc.string({ unit: 'binary' })), text => {
        const reading = parsePlan(text)
        if ('plan' in reading) {
          expect(parsePlan(printPlan(reading.plan))).toEqual(reading)
        } else {
          expect(reading.errors.length).toBeGreaterThan(0)
          for (const error of reading.errors) expect(error).toMatch(/^(step \d+: |the plan ).+$/u)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

function ramp(from: number, to: number, by: number, hold = 0) {
  return { kind: 'ramp', from, to, by, hold }
}
