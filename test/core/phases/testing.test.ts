/** The canary alone, its test, and the same test after a weight. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Decision } from '../../../src/core/decision.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { runOf, type TestSeen } from '../../../src/core/test-job.ts'
import { canarySeen, isolatedCanary, seen } from '../observations.ts'
import { at, NOW, release, state } from '../shop.ts'
import { reasons, shape } from './told.ts'

const running = (fields: Partial<State> = {}): State =>
  state({
    plan: 'test, 30% for 5m, test, 50%',
    test: 'cronjob/shop-smoke',
    started: at(-90),
    since: at(-60),
    applied: { paused: true, replicas: fields.stable ?? 10 },
    ...fields,
  })
const look = (given: State, fields: Partial<Observation>, now = NOW): Decision =>
  decide(given, seen(fields), now)
const RUN = runOf(running())

const job = (fields: Partial<TestSeen> = {}): TestSeen => ({
  namespace: 'default',
  name: 'shop-test',
  uid: 'shop-test-uid',
  run: RUN,
  step: 0,
  attempt: 1,
  deleting: false,
  result: 'running',
  why: '',
  ...fields,
})
const failing = job({ result: 'failed', why: 'exit code 1: GET / answered 500' })

/** `canary 1 alone, service make, test step 0 attempt 1`. */
function wants(decision: Decision): string {
  const { canary, isolated, service, test } = decision
  const alone = isolated === true ? ' alone' : ''
  const started = test ? `, test step ${test.step} attempt ${test.attempt}` : ''
  return `canary ${canary}${alone}, service ${service}${started}`
}

describe('before the first weight', () => {
  const tested = { reached: at(-30), tested: true }
  const alone = { canary: isolatedCanary() }

  test.each<readonly [string, Partial<State>, Partial<Observation>, string, string]>([
    [
      'the canary is one pod alone, on top of all that serve',
      {},
      {},
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'also where maxSurge leaves no room for it',
      {},
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'the test waits for its containers, not for readiness, which is never told',
      {},
      { canary: isolatedCanary(0) },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'the test starts as soon as they are ready',
      {},
      alone,
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make, test step 0 attempt 1',
    ],
    [
      'a canary that takes requests is not tested alone',
      {},
      { canary: canarySeen(1) },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'a test that runs is waited for',
      tested,
      { ...alone, tests: [job()] },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'one that passed lets the canary serve, at the first weight',
      tested,
      { ...alone, tests: [job({ result: 'passed' })] },
      'Progressing step 2, stable 10, canary 3',
      'canary 3, service make',
    ],
    [
      'one that somebody deleted is started once more',
      tested,
      alone,
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make, test step 0 attempt 2',
    ],
    [
      'one of another release counts for nothing',
      { reached: at(-30) },
      { ...alone, tests: [job({ run: 'other', result: 'passed' })] },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make, test step 0 attempt 1',
    ],
    [
      'one of another step counts for nothing',
      { reached: at(-30) },
      { ...alone, tests: [job({ step: 2, result: 'passed' })] },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make, test step 0 attempt 1',
    ],
    [
      'one that passed while a person holds the release does not let it go on',
      { ...tested, held: { by: 'bob' } },
      { ...alone, tests: [job({ result: 'passed' })] },
      'Progressing step 1, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'an approval after the test leaves the canary alone',
      { plan: 'test, approve, 30%', step: 1 },
      alone,
      'Progressing step 2, stable 10, canary 1',
      'canary 1 alone, service make',
    ],
    [
      'an approval before the test needs no canary yet',
      { plan: 'approve, test, 30%' },
      {},
      'Progressing step 1, stable 10, canary none',
      'canary none, service drop',
    ],
    [
      'in surge mode it is alone just so',
      { surge: 'x', stable: undefined as never, applied: { paused: true } },
      {},
      'Progressing step 1, stable free, canary 1',
      'canary 1 alone, service make',
    ],
  ])('%s', (_sentence, fields, looks, expected, wanted) => {
    const given = running(fields)
    const { stable: _, ...rest } = given
    const decision = look(fields.surge === undefined ? given : (rest as State), looks)
    expect(shape(decision)).toBe(expected)
    expect(wants(decision)).toBe(wanted)
  })

  test.each<readonly [string, Partial<State>, Partial<Observation>, string, RegExp]>([
    [
      'a test that fails',
      tested,
      { ...alone, tests: [failing] },
      'TestFailed',
      /^step 1 of 4 \(test\): cronjob\/shop-smoke failed: exit code 1: GET \/ answered 500$/,
    ],
    [
      'a test that is not over within the deadline, with what it waits for',
      { ...tested, reached: at(-600) },
      { ...alone, tests: [job({ why: 'pod shop-test-x cannot be scheduled: no nodes' })] },
      'TestFailed',
      /was not over within 10m: pod shop-test-x cannot be scheduled: no nodes/,
    ],
    [
      'a test that could not be started until the deadline, with the reason',
      { reached: at(-600) },
      { ...alone, refused: 'cronjob/shop-smoke does not exist' },
      'TestFailed',
      /was not over within 10m: cronjob\/shop-smoke does not exist/,
    ],
    ['a test that is deleted twice', { ...tested, attempt: 2 }, alone, 'TestFailed', /was deleted twice/],
    [
      'a Service that would send requests all the same',
      {},
      { ...alone, leak: 'Service shop-all publishes addresses that are not ready' },
      'NotIsolated',
      /Service shop-all/,
    ],
  ])('%s fails the release', (_sentence, fields, looks, reason, message) => {
    const decision = look(running(fields), looks)
    expect(decision.state).toMatchObject({ phase: 'Failed', reason })
    expect(decision.state?.message).toMatch(message)
    expect(decision.canary).toBe('none')
    expect(decision.service).toBe('drop')
  })

  test('people are told that it passed, or that somebody deleted it', () => {
    expect(reasons(look(running(tested), { ...alone, tests: [job({ result: 'passed' })] }))).toEqual([
      'TestPassed',
      'CanaryAdvanced',
    ])
    expect(reasons(look(running(tested), alone))).toEqual(['TestDeleted'])
  })

  test('a test that was seen is remembered, so that its absence means something', () => {
    const decision = look(running({ reached: at(-30) }), { ...alone, tests: [job()] })
    expect(decision.state).toMatchObject({ tested: true })
    expect(look(running(tested), { ...alone, tests: [job({ result: 'passed' })] }).state).not.toHaveProperty(
      'tested',
    )
  })
})

describe('after a weight', () => {
  const serving = { replicas: 7, canary: canarySeen(3) }
  const third = { step: 2, stable: 7 }

  test('the canary serves on while the test runs', () => {
    const decision = look(running(third), serving)
    expect(shape(decision)).toBe('Progressing step 3, stable 7, canary 3')
    expect(wants(decision)).toBe('canary 3, service make, test step 2 attempt 1')
  })

  test('a test that fails takes the canary away as it is covered', () => {
    const failed = job({ step: 2, result: 'failed', why: 'exit code 2' })
    const decision = look(running({ ...third, reached: at(-9), tested: true }), {
      ...serving,
      tests: [failed],
    })
    expect(decision.state).toMatchObject({ phase: 'Failed', reason: 'TestFailed', stable: 10 })
    expect(decision.canary).toBe(3)
    expect(decision.service).toBe('keep')
  })

  test('a canary that goes unready while it is tested has the deadline, as always', () => {
    const decision = look(running({ ...third, reached: at(-9), tested: true }), {
      replicas: 7,
      canary: canarySeen(3, 2),
      tests: [job({ step: 2, result: 'passed' })],
    })
    expect(decision.state).toMatchObject({ phase: 'Progressing', step: 2, unready: at(0) })
  })
})

describe('tests of others', () => {
  const old = job({ name: 'old', run: 'other', result: 'passed' })
  const drops = (decision: Decision) => decision.dropTests.map(({ name }) => name)

  test('are taken away when a release runs, the next one, finished or not', () => {
    const tests = [old, job({ name: 'cancelled', run: 'other' }), job()]
    expect(
      drops(look(running({ reached: at(-9), tested: true }), { canary: isolatedCanary(), tests })),
    ).toEqual(['old', 'cancelled'])
  })

  test.each<readonly [string, Partial<State>]>([
    ['a release that failed', { phase: 'Failed', reason: 'Aborted', message: 'x' }],
    ['another version comes', { phase: 'Pending', release: '' }],
    ['it was promoted by hand', { phase: 'Promoting' }],
    ['nothing is released', { phase: 'Reverted' }],
  ])('are cancelled while they run, and stay to be looked at when they are over: %s', (_sentence, fields) => {
    const tests = [old, job({ name: 'runs' }), job({ name: 'going', deleting: true })]
    const given = running({ release: release('v2'), ...fields })
    expect(drops(look(given, { settled: false, tests }))).toEqual(['runs'])
  })
})
