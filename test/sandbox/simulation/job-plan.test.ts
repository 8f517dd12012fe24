import type { V1Pod } from '@ngrok/webernetes'
import { describe, expect, test } from 'vitest'
import type { Job } from '../../../src/sandbox/simulation/job.ts'
import { planJob } from '../../../src/sandbox/simulation/job-plan.ts'

const START = Date.parse('2030-01-01T00:00:00Z')
const RETRY_DELAY = 1000

const job = (spec: Partial<Job['spec']> = {}, status?: Job['status']): Job => ({
  metadata: { name: 'smoke', namespace: 'default', uid: 'u' },
  spec: { template: { spec: { containers: [{ name: 'c' }] } }, ...spec },
  ...(status ? { status } : {}),
})

const started = { startTime: '2030-01-01T00:00:00.000Z' }

const pod = (phase: string, endedAfter = 0, restartCount = 0): V1Pod => ({
  metadata: { name: `${phase}-${endedAfter}` },
  status: {
    phase,
    containerStatuses: [
      {
        name: 'c',
        image: 'i',
        imageID: 'i',
        ready: false,
        restartCount,
        state: { terminated: { exitCode: 1, finishedAt: new Date(START + endedAfter) } },
      },
    ],
  },
})

const ends = (condition: string, reason: string) => ({
  status: { conditions: [{}, { type: condition, status: 'True', reason }] },
})

describe('planJob', () => {
  test.each<[string, Job, V1Pod[], number, object]>([
    ['makes a pod at first', job(), [], 0, { create: 1, status: started }],
    ['makes as many as may run at once', job({ completions: 5, parallelism: 3 }), [], 0, { create: 3 }],
    [
      'waits for the one that runs',
      job({}, started),
      [pod('Running')],
      10,
      { create: 0, status: { active: 1 } },
    ],
    [
      'is complete when it succeeded',
      job({}, started),
      [pod('Succeeded')],
      10,
      { create: 0, ...ends('Complete', 'CompletionsReached') },
    ],
    [
      'is not complete after one of two',
      job({ completions: 2 }, started),
      [pod('Succeeded')],
      10,
      { create: 1, status: { succeeded: 1 } },
    ],
    [
      'waits before it tries again',
      job({}, started),
      [pod('Failed', 500)],
      600,
      { create: 0, wakeAt: START + 1500 },
    ],
    ['then tries again', job({}, started), [pod('Failed', 500)], 1500, { create: 1, status: { failed: 1 } }],
    [
      'waits longer after the second failure',
      job({}, started),
      [pod('Failed', 500), pod('Failed', 2000)],
      2500,
      { create: 0, wakeAt: START + 4000 },
    ],
    [
      'fails after backoffLimit retries',
      job({ backoffLimit: 0 }, started),
      [pod('Failed', 1)],
      5,
      ends('Failed', 'BackoffLimitExceeded'),
    ],
    [
      'retries six times when nothing is said',
      job({}, started),
      Array.from({ length: 6 }, (_, i) => pod('Failed', i)),
      90_000,
      { create: 1 },
    ],
    [
      'and fails with the seventh',
      job({}, started),
      Array.from({ length: 7 }, (_, i) => pod('Failed', i)),
      90_000,
      ends('Failed', 'BackoffLimitExceeded'),
    ],
    [
      'counts restarts in the pod with OnFailure',
      job({ backoffLimit: 2, template: { spec: { containers: [], restartPolicy: 'OnFailure' } } }, started),
      [pod('Running', 0, 2)],
      5,
      { remove: ['Running-0'], ...ends('Failed', 'BackoffLimitExceeded') },
    ],
    [
      'looks again at its deadline',
      job({ activeDeadlineSeconds: 5 }, started),
      [pod('Running')],
      1000,
      { wakeAt: START + 5000 },
    ],
    [
      'fails at its deadline and stops its pod',
      job({ activeDeadlineSeconds: 5 }, started),
      [pod('Running')],
      5000,
      { remove: ['Running-0'], ...ends('Failed', 'DeadlineExceeded') },
    ],
    [
      'stops its pods when it is suspended',
      job({ suspend: true }),
      [pod('Running')],
      0,
      { create: 0, remove: ['Running-0'], status: { conditions: [{ type: 'Suspended', status: 'True' }] } },
    ],
  ])('%s', (_sentence, given, pods, after, expected) => {
    expect(planJob(given, pods, START + after, RETRY_DELAY)).toMatchObject(expected)
  })

  const over = (ttl?: number) =>
    job(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }, {
      ...started,
      conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2030-01-01T00:00:10.000Z' }],
    })

  test.each<[string, Job, number, object]>([
    ['a Job that ended stays as it is', over(), 60_000, { create: 0, expired: false, status: over().status }],
    ['it stays until its time to live is over', over(5), 14_000, { expired: false, wakeAt: START + 15_000 }],
    ['then it goes', over(5), 15_000, { expired: true }],
  ])('%s', (_sentence, given, after, expected) => {
    expect(planJob(given, [pod('Succeeded')], START + after, RETRY_DELAY)).toMatchObject(expected)
  })

  test('a suspended Job is not written again and again', () => {
    const first = planJob(job({ suspend: true }), [], START, RETRY_DELAY).status
    expect(planJob(job({ suspend: true }, first), [], START + 5000, RETRY_DELAY).status).toEqual(first)
  })
})
