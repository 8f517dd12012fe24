/** The canary runs: each step's way up, its hold, its end, and what ends the release. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { canarySeen, seen, setSeen } from '../observations.ts'
import { at, NOW, pod, release, state } from '../shop.ts'
import { reasons, shape } from './told.ts'

const running = (fields: Partial<State> = {}) => {
  const { stable = 10 } = fields
  return state({ plan: '30% for 5m, 50%', applied: { paused: true, replicas: stable }, ...fields })
}
const look = (state: State, fields: Partial<Observation>, now = NOW) => decide(state, seen(fields), now)
const stands = { replicas: 7, canary: canarySeen(3) }
const atFirst = { stable: 7, reached: at(-60) }

type Row = readonly [string, Partial<State>, Partial<Observation>, string, readonly string[]]

describe('a step', () => {
  test.each<Row>([
    [
      'begins with the canary, as far as the surge goes',
      {},
      {},
      'Progressing step 1, stable 10, canary 3',
      [],
    ],
    [
      'waits for canary pods that are not ready',
      {},
      { canary: canarySeen(3, 0) },
      'Progressing step 1, stable 10, canary 3',
      [],
    ],
    [
      'waits for all of them: one write takes stable down for a whole slice',
      {},
      { canary: canarySeen(3, 2) },
      'Progressing step 1, stable 10, canary 3',
      [],
    ],
    [
      'stands when all are, in the write that says so',
      {},
      { canary: canarySeen(3) },
      'Progressing step 1, stable 7, canary 3',
      ['CanaryWeight'],
    ],
    ['holds until its time is over', atFirst, stands, 'Progressing step 1, stable 7, canary 3', []],
    [
      'goes on when its time is over',
      { ...atFirst, reached: at(-300) },
      stands,
      'Progressing step 2, stable 7, canary 5',
      ['CanaryAdvanced'],
    ],
    [
      'without a hold is over as soon as it stands; after the last comes promotion at the present size',
      { step: 1, stable: 7 },
      { replicas: 7, canary: canarySeen(5) },
      'Promoting, stable 5, canary keep',
      ['Promoting'],
    ],
    [
      'brings the canary back when somebody deleted it',
      atFirst,
      { replicas: 7 },
      'Progressing step 1, stable 7, canary 3',
      [],
    ],
    [
      'makes as many pods as there is room for beside those of a former canary',
      { plan: '50%' },
      { leaving: 2 },
      'Progressing step 1, stable 10, canary 1',
      [],
    ],
    [
      'makes no canary while the pods of a former one take all the room',
      { plan: '50%' },
      { leaving: 3 },
      'Progressing step 1, stable 10, canary none',
      [],
    ],
    [
      'brings the canary back to its size when somebody scaled it',
      atFirst,
      { replicas: 7, canary: canarySeen(1) },
      'Progressing step 1, stable 7, canary 3',
      [],
    ],
    [
      'takes a canary that somebody scaled up down again',
      atFirst,
      { replicas: 7, canary: canarySeen(6) },
      'Progressing step 1, stable 7, canary 3',
      [],
    ],
    [
      'waits for a person, and holds what there is',
      { plan: '30%, approve', step: 1, stable: 7 },
      stands,
      'Progressing step 2, stable 7, canary 3',
      [],
    ],
    [
      'that only waits runs no canary before a weight',
      { plan: 'approve, 30%' },
      {},
      'Progressing step 1, stable 10, canary none',
      [],
    ],
    [
      'of one replica runs one of each',
      { plan: '10%', total: 1, stable: 1, applied: { paused: true, replicas: 1 } },
      { replicas: 1 },
      'Progressing step 1, stable 1, canary 1',
      [],
    ],
    [
      'in surge mode leaves stable alone: the canary is extra',
      { stable: undefined, surge: 'x', plan: '50%', applied: { paused: true } },
      {},
      'Progressing step 1, stable free, canary 10',
      [],
    ],
  ])('%s', (_sentence, fields, looks, expected, said) => {
    const given = running(fields)
    const state = fields.surge === undefined ? given : { ...given, applied: { paused: true } }
    const decision = look(state, looks)
    expect(shape(decision)).toBe(expected)
    expect(reasons(decision)).toEqual(said)
  })

  test('says in the condition what it does, the same from its beginning to its end', () => {
    const during = [look(running(), {}), look(running(atFirst), stands)]
    for (const { conditions } of during) {
      expect(conditions).toEqual({
        Reconciling: { reason: 'Progressing', message: 'step 1 of 2: canary 30% for 5m' },
      })
    }
  })

  test('that waits for a person says since when, and what to type', () => {
    const waiting = running({ plan: '30%, approve', step: 1, stable: 7, since: at(-60) })
    expect(JSON.stringify(look(waiting, stands).conditions)).toContain(
      'step 2 of 2: waiting for approval since 2026-03-01T11:59:00Z, to go on: kubectl annotate deployment shop canaryhook.dev/command=approve',
    )
  })

  test.each<readonly [string, string, Partial<State>, string]>([
    [
      'for whom',
      'approve by other',
      {},
      'approval by somebody other than alice since 2026-03-01T11:59:00Z, to',
    ],
    ['how many of how many have come', 'approve by 2', {}, 'approval by 2 people (0 of 2) since'],
    [
      'who has come',
      'approve by 3 group:sre',
      { approvals: ['bob', 'eve'] },
      'approval by 3 people of the group sre (2 of 3: bob, eve) since',
    ],
    ['for how long', 'approve for 24h', {}, 'approval since 2026-03-01T11:59:00Z for 24h at most, to go on'],
  ])('that waits for a person says %s', (_sentence, approve, fields, message) => {
    const waiting = running({ plan: `30%, ${approve}`, step: 1, stable: 7, since: at(-60), ...fields })
    expect(JSON.stringify(look(waiting, stands).conditions)).toContain(`step 2 of 2: waiting for ${message}`)
  })
})

describe('time', () => {
  test.each<readonly [string, Partial<State>, Partial<Observation>, number | undefined]>([
    ['an unready canary: its deadline', {}, { canary: canarySeen(3, 0) }, 540],
    ['a hold: its end', atFirst, stands, 240],
    ['a person is waited for: nothing', { plan: '30%, approve', step: 1, stable: 7 }, stands, undefined],
    [
      'a person is waited for until some time: that time',
      { plan: '30%, approve for 1h', step: 1, stable: 7 },
      stands,
      3540,
    ],
    ['a paused release: nothing', { ...atFirst, held: { by: 'bob' } }, stands, undefined],
    [
      'a paused release that waits for a person: nothing',
      { plan: '30%, approve for 1h', step: 1, stable: 7, held: { by: 'bob' } },
      stands,
      undefined,
    ],
    ['a start that lies in the future counts as now', { since: at(900) }, { canary: canarySeen(3, 0) }, 600],
  ])('%s is what it wakes for', (_sentence, fields, looks, seconds) => {
    const wakeAt = seconds === undefined ? undefined : NOW + seconds * 1000
    expect(look(running(fields), looks).wakeAt).toBe(wakeAt)
  })

  test('a hold does not end before its last moment', () => {
    const early = look(running({ ...atFirst, reached: at(-299.999) }), stands)
    expect(shape(early)).toBe('Progressing step 1, stable 7, canary 3')
  })

  test('a hold runs from when the weight stood, however long that took', () => {
    const { state: reached } = look(running({ since: at(-500) }), { canary: canarySeen(3) })
    expect(reached).toMatchObject({ reached: at(0), step: 0 })
  })
})

describe('it fails', () => {
  const crashing = pod('shop-canary-1', {
    containerStatuses: [{ name: 'shop', restartCount: 3, lastState: { terminated: { exitCode: 1 } } }],
  })
  test.each<readonly [string, Partial<State>, Partial<Observation>, string, RegExp]>([
    [
      'when the canary is not ready within the deadline, with the pod’s own reason',
      { since: at(-600) },
      {
        canary: canarySeen(3, 0),
        pods: [pod('a', { conditions: [{ type: 'Ready', status: 'False', message: 'probe failed' }] })],
      },
      'DeadlineExceeded',
      /step 1 of 2 \(30% for 5m\): not ready within 10m: 0 of 3 canary pods are ready: pod a is not ready: probe failed/,
    ],
    [
      'when the canary could not even be made within the deadline',
      { since: at(-600) },
      { refused: 'exceeded quota: pods=10' },
      'DeadlineExceeded',
      /exceeded quota: pods=10/,
    ],
    [
      'when pods that were ready stay away for the deadline',
      { ...atFirst, unready: at(-600) },
      { replicas: 7, canary: canarySeen(3, 2) },
      'DeadlineExceeded',
      /not ready within 10m: 2 of 3/,
    ],
    [
      'when a container restarted too often, ready or not',
      atFirst,
      { ...stands, pods: [crashing] },
      'CanaryRestarted',
      /restarted 3 times \(at most 2 allowed\)/,
    ],
    [
      'when a container restarted too often, also while a person keeps it paused',
      { ...atFirst, held: { by: 'bob' } },
      { ...stands, pods: [crashing] },
      'CanaryRestarted',
      /restarted 3 times/,
    ],
    [
      'when the canary’s name is taken',
      {},
      { stranger: 'it was not made by Canaryhook' },
      'NameTaken',
      /it was not made by Canaryhook; rename or delete it, then retry/,
    ],
    [
      'when it is scaled to 1 and its strategy leaves no room beside that one',
      { total: 1, stable: 1, applied: { paused: true, replicas: 1 } },
      { replicas: 1, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } },
      'NoRoom',
      /no room for a canary; scale up or allow maxSurge: 1, then retry/,
    ],
    [
      'when nobody approved in the time there was',
      { plan: '30%, approve by group:sre for 24h, 50%', step: 1, stable: 7, since: at(-86_400) },
      stands,
      'NotApproved',
      /step 2 of 3 \(approve by group:sre for 24h\): nobody approved within 24h$/,
    ],
    [
      'when not enough people approved',
      { plan: '30%, approve by 2 for 24h', step: 1, stable: 7, since: at(-86_400), approvals: ['bob'] },
      stands,
      'NotApproved',
      /step 2 of 2 \(approve by 2 for 24h\): 1 of 2 approved within 24h$/,
    ],
    ['when it is scaled to 0 from outside', {}, { replicas: 0 }, 'ScaledToZero', /scaled to 0/],
  ])('%s', (_sentence, fields, looks, reason, message) => {
    const decision = look(running(fields), looks)
    expect(decision.state).toMatchObject({ phase: 'Failed', reason, failedAt: at(0) })
    expect(decision.state?.message).toMatch(message)
    expect(reasons(decision)).toEqual(['CanaryFailed'])
    expect(decision.said[0]?.message).toMatch(message)
    expect(decision.conditions).toMatchObject({ Stalled: { reason } })
  })

  test.each<readonly [string, Partial<State>, Partial<Observation>]>([
    ['a moment before the deadline', { since: at(-599) }, { canary: canarySeen(3, 0) }],
    [
      'after the deadline while a person keeps it paused',
      { since: at(-900), held: { by: 'bob' } },
      { canary: canarySeen(3, 0) },
    ],
    ['after the deadline of a step that stands', { ...atFirst, since: at(-900) }, stands],
    ['for pods that went unready just now', atFirst, { replicas: 7, canary: canarySeen(3, 2) }],
    [
      'while an approval is waited for, however long',
      { plan: '30%, approve', step: 1, stable: 7, since: at(-90000) },
      stands,
    ],
    [
      'a moment before the time for an approval is over',
      { plan: '30%, approve for 24h', step: 1, stable: 7, since: at(-86_399) },
      stands,
    ],
    [
      'after the time for an approval while a person keeps it paused',
      { plan: '30%, approve for 24h', step: 1, stable: 7, since: at(-90000), held: { by: 'bob' } },
      stands,
    ],
    [
      'when the approval came at the last moment',
      {
        plan: '30%, approve for 24h, 50%',
        step: 1,
        stable: 7,
        since: at(-86_400),
        requests: [{ command: 'approve', by: 'bob', step: 1 }],
      },
      stands,
    ],
  ])('but not %s', (_sentence, fields, looks) => {
    expect(look(running(fields), looks).state?.phase).toBe('Progressing')
  })

  test('each slice that stands has the whole deadline', () => {
    const slow = running({ plan: '50%', since: at(-599) })
    const { state: next } = look(slow, { canary: canarySeen(3) })
    expect(next).toMatchObject({ phase: 'Progressing', stable: 7, since: at(0) })
  })
})

describe('pods that went away and came back', () => {
  test('are noted, then forgotten', () => {
    const away = look(running(atFirst), { replicas: 7, canary: canarySeen(3, 2) })
    expect(away.state).toMatchObject({ unready: at(0), reached: at(-60) })
    expect(away.wakeAt).toBe(NOW + 600_000)
    const back = look({ ...running(atFirst), unready: at(-100) }, stands)
    expect(back.state).not.toHaveProperty('unready')
  })
})

describe('somebody scales', () => {
  test.each<readonly [string, number, Partial<State>]>([
    [
      'up: the new total, and stable gives away no more than the canary covers',
      20,
      { total: 20, stable: 17 },
    ],
    ['down: the new total', 4, { total: 4 }],
    ['back to N: counted, and brought down again', 10, { total: 10, stable: 7, putBacks: 1 }],
  ])('%s', (_sentence, replicas, expected) => {
    const decision = look(running(atFirst), { replicas, canary: canarySeen(3) })
    expect(decision.state).toMatchObject(expected)
    expect(decision.state?.phase).toBe('Progressing')
  })

  test('while our own wish is not projected yet, it is no scaling', () => {
    const wished = running({ ...atFirst, applied: { paused: true, replicas: 10 } })
    expect(look(wished, { canary: canarySeen(3) }).state).toMatchObject({ total: 10, stable: 7 })
  })

  test('back to N twice: from then on stable is left alone', () => {
    const decision = look(running({ ...atFirst, putBacks: 1 }), { canary: canarySeen(3) })
    expect(reasons(decision)).toEqual(['Surge'])
    expect(decision.state?.surge).toMatch(/put back to 10 2 times/)
    expect(decision.state).not.toHaveProperty('stable')
  })

  test('in surge mode: the canary is sized anew', () => {
    const surging = state({
      plan: '50% for 5m',
      stable: undefined,
      surge: 'x',
      applied: { paused: true },
      reached: at(-1),
    })
    const decision = look(surging, { replicas: 6, sets: [setSeen('v1', 6)], canary: canarySeen(10) })
    expect(decision).toMatchObject({ state: { total: 6 }, canary: 6 })
  })
})

describe('a preview', () => {
  const preview = 'path=/canary'
  test.each<readonly [string, Partial<State>, Partial<Observation>, readonly [string, string]]>([
    ['comes with the first canary pod', { preview }, {}, ['make', 'make']],
    ['stays while a weight is held', { ...atFirst, preview }, stands, ['make', 'make']],
    [
      'needs a canary: none at an approval that comes first',
      { preview, plan: 'approve, 50%' },
      {},
      ['drop', 'drop'],
    ],
    [
      'of a canary that is tested alone is there too',
      { preview, plan: 'test, 50%', test: 'cronjob/a' },
      {},
      ['make', 'make'],
    ],
    [
      'stays while the new version is rolled out beside the canary',
      { preview, phase: 'Promoting', stable: 7 },
      stands,
      ['keep', 'keep'],
    ],
    [
      'goes with the canary of a release that failed',
      { preview, phase: 'Failed' },
      { canary: canarySeen(1) },
      ['drop', 'drop'],
    ],
    ['of another release goes where this one has none', atFirst, stands, ['keep', 'drop']],
  ])('%s', (_sentence, fields, seen, [service, ingress]) => {
    expect(look(running(fields), seen)).toMatchObject({ service, ingress })
  })
})

describe('what should not be', () => {
  test('another template in the store than the one released: starting over', () => {
    const decision = look(running(), { template: release('v3') })
    expect(reasons(decision)[0]).toBe('TemplateChanged')
    expect(decision.state?.release).toBe(release('v3'))
  })

  test('a canary of another version: it is ended first, never promoted', () => {
    const other = canarySeen(3, 3, { release: release('v0') })
    const decision = look(running(atFirst), { replicas: 7, canary: other })
    expect(shape(decision)).toBe('Pending, stable 10, canary 3')
  })

  test('a plan that cannot be read: promotion’s checks come next, nothing throws', () => {
    expect(look(running({ plan: '∞' }), {}).state?.phase).toBe('Promoting')
  })
})
