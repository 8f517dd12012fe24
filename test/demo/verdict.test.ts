import { describe, expect, test } from 'vitest'
import type { Tally } from '../../src/demo/tally.ts'
import { type Findings, judge } from '../../src/demo/verdict.ts'

const counted = (
  requests: Record<string, number>,
  unanswered = 0,
  errors: Record<string, number> = {},
): Tally => {
  const versions = Object.entries(requests).map(([version, count]) => ({
    version,
    requests: count,
    errors: errors[version] ?? 0,
  }))
  return {
    total: versions.reduce((sum, { requests: count }) => sum + count, unanswered),
    versions,
    unanswered,
  }
}

const good: Findings = {
  firstStep: counted({ v1: 540, v2: 60 }),
  goodRelease: counted({ v1: 800, v2: 600 }),
  goodPhase: 'Succeeded',
  goodPods: 10,
  badRelease: counted({ v2: 480, v3: 8 }, 12),
  badPhase: 'Failed',
  badMessage: 'canary pod shop-canary-x, container shop restarted 3 times',
  afterwards: counted({ v2: 150 }),
  podsAfterwards: 10,
  testedRelease: counted({ v2: 200 }),
  testedPhase: 'Failed',
  testedMessage: 'step 1 of 3 (test): failed: exit code 28: curl: (28) Operation timed out',
}

describe('judge', () => {
  test('is content when everything went as promised', () => {
    expect(judge(good).map(({ ok }) => ok)).toEqual([true, true, true, true, true, true, true, true])
  })

  test('tells numbers', () => {
    expect(judge(good).map(({ sentence }) => sentence)).toEqual([
      'v2 got 10.0% of 600 requests while its weight was 10%',
      'v2 was promoted: phase Succeeded, 10 of 10 pods ready',
      'none of 1400 requests failed during that release',
      'v3 was rejected: phase Failed, canary pod shop-canary-x, container shop restarted 3 times',
      '4.0% of 500 requests met v3 or its crashes, none failed on v2',
      'afterwards 10 pods of v2 answered 150 requests, none failed, none met v3',
      'v4 was rejected: phase Failed, step 1 of 3 (test): failed: exit code 28: curl: (28) Operation timed out',
      'none of 200 requests met v4, none failed meanwhile',
    ])
  })

  test.each<[string, Partial<Findings>, string]>([
    [
      'a share more than 3 points too large',
      { firstStep: counted({ v1: 860, v2: 140 }) },
      'v2 got 14.0% of 1000 requests while its weight was 10% (promised: within 3 points)',
    ],
    ['a share more than 3 points too small', { firstStep: counted({ v1: 94, v2: 6 }) }, 'v2 got 6.0% of 100'],
    ['no measurement at all', { firstStep: counted({}) }, 'v2 got 0.0% of 0 requests'],
    ['a good version that was rejected', { goodPhase: 'Failed' }, 'v2 was promoted: phase Failed'],
    [
      'pods of the good version missing',
      { goodPods: 9 },
      '9 of 10 pods ready (promised: phase Succeeded and 10 pods)',
    ],
    [
      'a request that failed in the good release',
      { goodRelease: counted({ v1: 9 }, 1) },
      '1 of 10 requests failed',
    ],
    [
      'a bad version that was promoted',
      { badPhase: 'Succeeded', badMessage: '' },
      'v3 was rejected: phase Succeeded (promised',
    ],
    [
      'a bad version rejected for another reason',
      { badMessage: 'the deadline of 10m passed' },
      'the deadline of 10m passed (promised: phase Failed because of its restarts)',
    ],
    [
      'too many users who met the bad version',
      { badRelease: counted({ v2: 80, v3: 10 }, 10) },
      '20.0% of 100 requests met v3',
    ],
    ['a bad version that nobody met', { badRelease: counted({ v2: 100 }) }, '0.0% of 100 requests met v3'],
    [
      'errors of the good version beside the bad one',
      { badRelease: counted({ v2: 95, v3: 5 }, 0, { v2: 2 }) },
      '2 failed on v2',
    ],
    ['a request that met v3 after its rejection', { afterwards: counted({ v2: 9, v3: 1 }) }, '1 met v3'],
    [
      'a user who met what a test rejects',
      { testedRelease: counted({ v2: 9, v4: 1 }) },
      '1 of 10 requests met v4',
    ],
    ['a failing test that was ignored', { testedPhase: 'Succeeded' }, 'v4 was rejected: phase Succeeded'],
    ['a pod missing afterwards', { podsAfterwards: 9 }, 'afterwards 9 pods of v2'],
  ])('notices %s', (_sentence, changed, expected) => {
    const failed = judge({ ...good, ...changed }).filter(({ ok }) => !ok)
    expect(failed).toHaveLength(1)
    expect(failed[0]?.sentence).toContain(expected)
  })
})
