/** The Job of a test: its name, how it is made, and what is read of it. */
import { describe, expect, test } from 'vitest'
import type { Container, CronJob, Job, JobTemplate, Pod } from '../../src/core/kubernetes.ts'
import { nameHash } from '../../src/core/names.ts'
import {
  makeTestJob,
  readTest,
  runOf,
  type TestEnvironment,
  templateOf,
  testJobName,
} from '../../src/core/test-job.ts'
import { at, held, owner, state } from './shop.ts'

const run = { run: 'a1b2c3d4e5', step: 2, attempt: 1 }
const environment: TestEnvironment = {
  canaryUrl: 'http://shop-canary.default:80',
  stableUrl: 'http://shop.default:80',
  release: '0123456789',
  step: 2,
  weight: 30,
}
const container: Container = { name: 'smoke', image: 'smoke:v1' }
const template: JobTemplate = {
  spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
}
const make = (from: JobTemplate = template, more: Partial<TestEnvironment> = {}): Job =>
  makeTestJob(held(), from, run, { ...environment, ...more }, 600)
const containersOf = (job: Job) => job.spec.template.spec?.containers ?? []

describe('the run of a release', () => {
  test('is the same as long as it lasts, and another for each beginning and each template', () => {
    const began = state({ started: at(-60) })
    expect(runOf({ ...began, step: 5, phase: 'Failed' })).toBe(runOf(began))
    const others = [
      runOf({ ...began, started: at(-59) }),
      runOf({ ...began, release: 'other' }),
      runOf(state()),
    ]
    expect(new Set([runOf(began), ...others]).size).toBe(4)
  })
})

describe('the name', () => {
  test('tells app, run, step and start', () => {
    expect(testJobName('shop', run)).toBe('shop-test-a1b2c3d4e5-2-1')
  })

  test('of an app with a long name is cut, and still its own', () => {
    const [long, other] = [testJobName('a'.repeat(63), run), testJobName('a'.repeat(62), run)]
    expect(long).toHaveLength(63)
    expect(long).toMatch(/-test-a1b2c3d4e5-2-1$/)
    expect(long).not.toBe(other)
  })
})

describe('the template', () => {
  const cronJob: CronJob = { metadata: { name: 'smoke' }, spec: { jobTemplate: template } }
  const find = (name: string) => (name === 'smoke' ? cronJob : undefined)

  test('is that of the CronJob', () => {
    expect(templateOf({ kind: 'cronjob', name: 'smoke' }, find)).toBe(template)
  })

  test('is missing where the CronJob is', () => {
    expect(templateOf({ kind: 'cronjob', name: 'other' }, find)).toBeUndefined()
  })

  test('is made of an image, and its pod runs once', () => {
    const source = { kind: 'inline', image: 'curl', command: ['a'], args: ['b'], env: { C: 'd' } } as const
    const test = {
      name: 'test',
      image: 'curl',
      command: ['a'],
      args: ['b'],
      env: [{ name: 'C', value: 'd' }],
    }
    expect(templateOf(source, find)).toEqual({
      spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [test] } } },
    })
    const plain = templateOf({ kind: 'inline', image: 'curl' }, find)
    expect(plain?.spec.template.spec?.containers).toEqual([{ name: 'test', image: 'curl' }])
  })
})

describe('the Job', () => {
  test('belongs to the Deployment, and says which test of which release it is', () => {
    expect(make().metadata).toEqual({
      name: 'shop-test-a1b2c3d4e5-2-1',
      namespace: 'default',
      labels: {
        'canaryhook.dev/track': 'test',
        'canaryhook.dev/of': nameHash('shop'),
        'canaryhook.dev/release': '0123456789',
        'canaryhook.dev/run': 'a1b2c3d4e5',
        'canaryhook.dev/step': '2',
        'canaryhook.dev/attempt': '1',
      },
      annotations: {},
      ownerReferences: [owner('Deployment', 'shop')],
    })
  })

  test('has the labels and annotations of its template, but for those by which tools know their own', () => {
    const metadata = {
      labels: { team: 'web', 'app.kubernetes.io/instance': 'shop' },
      annotations: { note: 'x', 'argocd.argoproj.io/tracking-id': 'y' },
    }
    const made = make({ ...template, metadata })
    expect(made.metadata.labels).toMatchObject({ team: 'web', 'canaryhook.dev/track': 'test' })
    expect(made.metadata.labels).not.toHaveProperty(['app.kubernetes.io/instance'])
    expect(made.metadata.annotations).toEqual({ note: 'x' })
  })

  test('has pods with the labels of the template and two of ours, and none that another Job put there', () => {
    const labels = {
      team: 'web',
      'controller-uid': 'x',
      'batch.kubernetes.io/job-name': 'y',
      'job-name': 'y',
    }
    const made = make({ spec: { template: { ...template.spec.template, metadata: { labels } } } })
    expect(made.spec.template.metadata?.labels).toEqual({
      team: 'web',
      'canaryhook.dev/track': 'test',
      'canaryhook.dev/of': nameHash('shop'),
    })
  })

  test.each<readonly [string, object, object]>([
    ['gets the deadline', {}, { activeDeadlineSeconds: 600 }],
    ['keeps a deadline of its own', { activeDeadlineSeconds: 60 }, { activeDeadlineSeconds: 60 }],
    [
      'keeps how often it tries and how long it stays',
      { backoffLimit: 2, ttlSecondsAfterFinished: 100, completions: 3 },
      { activeDeadlineSeconds: 600, backoffLimit: 2, ttlSecondsAfterFinished: 100, completions: 3 },
    ],
    [
      'stays for a minute at least, so that its result is read',
      { ttlSecondsAfterFinished: 0 },
      { activeDeadlineSeconds: 600, ttlSecondsAfterFinished: 60 },
    ],
    [
      'is not suspended and has no selector of its own',
      { suspend: true, manualSelector: true, selector: { matchLabels: { a: 'b' } } },
      { activeDeadlineSeconds: 600 },
    ],
  ])('%s', (_sentence, fields, expected) => {
    const { template: _, ...spec } = make({ spec: { ...template.spec, ...fields } }).spec
    expect(spec).toEqual(expected)
  })

  const given = [
    { name: 'CANARY_URL', value: 'http://shop-canary.default:80' },
    { name: 'STABLE_URL', value: 'http://shop.default:80' },
    { name: 'RELEASE', value: '0123456789' },
    { name: 'STEP', value: '2' },
    { name: 'WEIGHT', value: '30' },
    { name: 'NAMESPACE', value: 'default' },
    { name: 'NAME', value: 'shop' },
  ]

  test('tells every container what it is about, and the cluster why it failed', () => {
    const spec = { containers: [container, { name: 'other' }], initContainers: [{ name: 'wait' }] }
    const made = make({ spec: { template: { spec } } })
    const told = { env: given, terminationMessagePolicy: 'FallbackToLogsOnError' }
    expect(made.spec.template.spec).toEqual({
      containers: [
        { ...container, ...told },
        { name: 'other', ...told },
      ],
      initContainers: [{ name: 'wait', ...told }],
    })
  })

  test('puts its variables before those of the template, which may refer to them, and in place of their namesakes', () => {
    const health = { name: 'HEALTH', value: '$(CANARY_URL)/healthz' }
    const env = [{ name: 'WEIGHT', value: 'mine' }, health]
    const made = make({ spec: { template: { spec: { containers: [{ ...container, env }] } } } })
    expect(containersOf(made)[0]?.env).toEqual([...given, health])
  })

  test('tells of no address where there is none', () => {
    const env = containersOf(make(template, { canaryUrl: undefined, stableUrl: undefined }))[0]?.env
    expect(env).toEqual(
      expect.arrayContaining([
        { name: 'CANARY_URL', value: '' },
        { name: 'STABLE_URL', value: '' },
      ]),
    )
  })

  test('leaves the template as it was', () => {
    const before = structuredClone(template)
    make()
    expect(template).toEqual(before)
  })
})

const uid = 'shop-test-uid'
function job(status: Job['status'] = {}, more: Partial<Job['metadata']> = {}): Job {
  const made = make()
  return { ...made, metadata: { ...made.metadata, uid, ...more }, status }
}
const condition = (type: string, more: object = {}) => ({
  conditions: [{ type, status: 'True' as const, ...more }],
})
const failedStatus = condition('Failed', {
  reason: 'BackoffLimitExceeded',
  message: 'Job has reached the limit',
})
const overdue = condition('Failed', { reason: 'DeadlineExceeded', message: 'Job was active too long' })

function pod(status: Pod['status'], more: Partial<Pod['metadata']> = {}): Pod {
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'shop-test', uid, controller: true }]
  return { metadata: { name: 'shop-test-x', ownerReferences, ...more }, ...(status && { status }) }
}
const ended = (exitCode: number, message?: string, reason = 'Error') => ({
  name: 'smoke',
  state: { terminated: { exitCode, reason, ...(message !== undefined && { message }) } },
})
const pulling = { name: 'smoke', state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } }

describe('what is read of it', () => {
  test('is which test it is, and whether it goes', () => {
    const found = {
      namespace: 'default',
      name: 'shop-test-a1b2c3d4e5-2-1',
      uid,
      ...run,
      result: 'running',
      why: '',
    }
    expect(readTest(job(), [])).toEqual({ ...found, deleting: false })
    expect(readTest(job({}, { deletionTimestamp: at(0) }), [])).toEqual({ ...found, deleting: true })
  })

  test('is no test of any release when its labels are gone or nonsense', () => {
    const nobody = { run: '', step: -1, attempt: -1 }
    expect(readTest(job({}, { labels: {} }), [])).toMatchObject(nobody)
    const labels = { 'canaryhook.dev/step': '1e1', 'canaryhook.dev/attempt': '' }
    expect(readTest(job({}, { labels }), [])).toMatchObject(nobody)
  })

  test.each<readonly [string, Job['status'], string]>([
    ['nothing is known yet', undefined, 'running'],
    ['no condition is there', {}, 'running'],
    ['a condition is false', { conditions: [{ type: 'Failed', status: 'False' }] }, 'running'],
    ['it is suspended', condition('Suspended'), 'running'],
    ['it is complete', condition('Complete'), 'passed'],
    ['it is about to be complete', condition('SuccessCriteriaMet'), 'passed'],
    ['it failed', condition('Failed'), 'failed'],
    ['it is about to fail', condition('FailureTarget'), 'failed'],
  ])('when %s', (_sentence, status, result) => {
    const { status: _, ...bare } = job()
    expect(readTest(status ? { ...bare, status } : bare, []).result).toBe(result)
  })
})

describe('why', () => {
  const log = 'starting\nGET /\n\u001b[31mGET / answered 500\u001b[0m\r\n\n'
  test.each<readonly [string, Job['status'], readonly Pod[], string]>([
    ['nothing, when all is well', {}, [pod({ containerStatuses: [{ name: 'smoke' }] })], ''],
    ['nothing, when it passed', condition('Complete'), [pod({ containerStatuses: [ended(1, 'x')] })], ''],
    [
      'the last line that was logged',
      failedStatus,
      [pod({ containerStatuses: [ended(1, log)] })],
      'exit code 1: GET / answered 500',
    ],
    ['the exit code alone', failedStatus, [pod({ containerStatuses: [ended(3)] })], 'exit code 3'],
    [
      'a reason that is more than an error',
      failedStatus,
      [pod({ containerStatuses: [ended(137, undefined, 'OOMKilled')] })],
      'exit code 137 (OOMKilled)',
    ],
    [
      'which of several containers it was',
      failedStatus,
      [pod({ containerStatuses: [{ ...ended(0), name: 'proxy' }, ended(2, 'no')] })],
      'container smoke: exit code 2: no',
    ],
    [
      'an init container that failed',
      failedStatus,
      [
        pod({
          initContainerStatuses: [{ ...ended(4, 'no database'), name: 'wait' }],
          containerStatuses: [{ name: 'smoke', state: { waiting: { reason: 'PodInitializing' } } }],
        }),
      ],
      'container wait: exit code 4: no database',
    ],
    [
      'the newest pod of several',
      failedStatus,
      [
        pod({ containerStatuses: [ended(1, 'first')] }, { creationTimestamp: at(-9) }),
        pod({ containerStatuses: [ended(1, 'last')] }, { creationTimestamp: at(-1) }),
        pod({ containerStatuses: [ended(1, 'second')] }, { creationTimestamp: at(-5) }),
      ],
      'exit code 1: last',
    ],
    [
      'how an earlier try ended, while it tries again',
      {},
      [
        pod({ containerStatuses: [ended(1, 'first')] }, { creationTimestamp: at(-9) }),
        pod(
          { containerStatuses: [{ name: 'smoke', state: { running: {} } }] },
          { creationTimestamp: at(-1) },
        ),
      ],
      'exit code 1: first',
    ],
    [
      'an image that cannot be pulled',
      {},
      [pod({ containerStatuses: [pulling] })],
      'test pod shop-test-x, container smoke: ImagePullBackOff: not found',
    ],
    [
      'a pod that cannot be scheduled',
      {},
      [pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: 'no nodes' }] })],
      'pod shop-test-x cannot be scheduled: no nodes',
    ],
    [
      'not that its pod is not ready: tests never are',
      {},
      [pod({ conditions: [{ type: 'Ready', status: 'False', message: 'containers with unready status' }] })],
      '',
    ],
    [
      'that time ran out, and what it waited for',
      overdue,
      [pod({ containerStatuses: [pulling] })],
      'Job was active too long: test pod shop-test-x, container smoke: ImagePullBackOff: not found',
    ],
    [
      'that time ran out, and what it said then',
      overdue,
      [pod({ containerStatuses: [ended(143, 'still waiting')] })],
      'Job was active too long: exit code 143: still waiting',
    ],
    ['that time ran out, when its pod has gone', overdue, [], 'Job was active too long'],
    ['what the Job says, when its pod has gone', failedStatus, [], 'Job has reached the limit'],
    [
      'the reason, when there is no message',
      condition('Failed', { reason: 'PodFailurePolicy' }),
      [],
      'PodFailurePolicy',
    ],
    [
      'that its pod was evicted',
      failedStatus,
      [pod({ reason: 'Evicted', message: 'The node was low on memory' })],
      'pod shop-test-x: Evicted: The node was low on memory',
    ],
    [
      'nothing of pods of others',
      failedStatus,
      [pod({ containerStatuses: [ended(1, 'other')] }, { ownerReferences: [owner('Job', 'other')] })],
      'Job has reached the limit',
    ],
  ])('%s', (_sentence, status = {}, pods, why) => {
    expect(readTest(job(status), pods).why).toBe(why)
  })

  test('a line without an end is cut', () => {
    const { why } = readTest(job(failedStatus), [pod({ containerStatuses: [ended(1, 'x'.repeat(5000))] })])
    expect(why).toMatch(/^exit code 1: x+…$/)
    expect(why.length).toBeLessThan(330)
  })
})
