/** An update while a release runs or is held. */
import { describe, expect, test } from 'vitest'
import type { State } from '../../../src/core/state.ts'
import { at, COMMAND, held, release, STATE, STEPS, shop, state, template } from '../shop.ts'
import { annotated, command, respecified, update } from './stored.ts'

const running = held({ stable: 7 })
const failed = held({ phase: 'Failed', reason: 'Aborted', message: 'aborted by bob', failedAt: at(-30) })
const promoting = held({ phase: 'Promoting', stable: 5 })
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const apply = (object = running, version = 'v3') => respecified(object, { template: template(version) })
const manifest = (spec: object) => ({ [LAST_APPLIED]: JSON.stringify({ spec }) })

describe('the same manifest again', () => {
  test.each([
    ['while a release runs', running],
    ['while its rejected template is held', failed],
    ['while the accepted version rolls out', promoting],
    ['while it is Pending', held({ phase: 'Pending', release: '' })],
  ])('changes nothing %s', (_sentence, before) => {
    const { changes, warnings, object } = update(before, before)
    expect({ changes, warnings }).toEqual({ changes: 0, warnings: '' })
    expect(object).toEqual(before)
  })

  test('that says paused: false keeps the release paused, with a warning that names the way out', () => {
    const stored = update(running, respecified(running, { paused: false }))
    expect(stored.object.spec.paused).toBe(true)
    expect(stored.warnings).toContain('canaryhook.dev/command=promote')
    expect(stored.state?.phase).toBe('Progressing')
  })

  test('that leaves paused out, as kubectl replace does, keeps it too', () => {
    const { paused: _, ...spec } = running.spec
    expect(update(running, { ...running, spec }).object.spec.paused).toBe(true)
  })

  test('that names the replicas is put back to what the release needs, and is counted', () => {
    const stored = update(running, respecified(running, { replicas: 10 }))
    expect(stored.object.spec.replicas).toBe(7)
    expect(stored.state).toMatchObject({ total: 10, stable: 7, putBacks: 1 })
    const again = update(stored.object, respecified(stored.object, { replicas: 10 }))
    expect(again.state).toMatchObject({ total: 10, stable: 7, putBacks: 2 })
  })

  test('of an accepted version cannot pause its rollout', () => {
    const stored = update(promoting, respecified(promoting, { paused: true }))
    expect(stored.object.spec.paused ?? false).toBe(false)
    expect(stored.warnings).toMatch(/spec\.paused was put back/)
  })
})

describe('scaling in mid-release', () => {
  test('by the request itself is the new total; stable waits for the controller', () => {
    const stored = update(running, respecified(running, { replicas: 20 }))
    expect(stored.state).toMatchObject({ total: 20, stable: 7 })
    expect(stored.object.spec.replicas).toBe(7)
  })

  test('by a manifest that names just the present number is the new total', () => {
    const before = annotated(running, manifest({ replicas: 10 }))
    const stored = update(before, annotated(running, manifest({ replicas: 7 })))
    expect(stored.state).toMatchObject({ total: 7 })
    expect(stored.state?.putBacks).toBeUndefined()
  })

  test('through /scale before another write is the new total, and no pod that it made goes again', () => {
    const scaled = respecified(running, { replicas: 20 })
    const stored = update(scaled, annotated(scaled, { note: 'x' }))
    expect(stored.state).toMatchObject({ total: 20, stable: 20, applied: { paused: true, replicas: 20 } })
    expect(stored.object.spec.replicas).toBe(20)
  })

  test('back to N through /scale before another write is a put-back, and takes no pod away unseen', () => {
    const scaled = respecified(running, { replicas: 10 })
    const stored = update(scaled, annotated(scaled, { note: 'x' }))
    expect(stored.state).toMatchObject({ total: 10, putBacks: 1 })
    expect(stored.object.spec.replicas).toBe(10)
  })

  test.each([
    ['of ours, made while no webhook was there, is nobody’s wish', 8, { total: 10, stable: 8 }],
    ['of somebody else after it is', 20, { total: 20, stable: 20 }],
  ])('%s', (_sentence, replicas, expected) => {
    const direct = held({ phase: 'Failed', stable: 8, applied: { paused: true, replicas: 7 } })
    const scaled = respecified(direct, { replicas })
    const stored = update(scaled, annotated(scaled, { note: 'x' }))
    expect(stored.state).toMatchObject({ ...expected, applied: { replicas: expected.stable } })
    expect(stored.state?.putBacks).toBeUndefined()
  })

  test('counts also with a new template in the same request', () => {
    const stored = update(running, respecified(apply(), { replicas: 20 }))
    expect(stored.state).toMatchObject({ phase: 'Pending', total: 20, stable: 7 })
  })

  test('is the user’s alone in surge mode', () => {
    const surge = held({ stable: undefined, surge: 'capacity: surge is set' })
    const stored = update(surge, respecified(surge, { replicas: 12 }))
    expect(stored.object.spec.replicas).toBe(12)
    expect(stored.state?.putBacks).toBeUndefined()
    expect(stored.changes).toBe(0)
  })
})

describe('another template', () => {
  test.each([
    ['v3 while v2’s canary runs', running, 'v3'],
    ['v1 while v2’s canary runs', running, 'v1'],
    ['v3 while v2 rolls out', promoting, 'v3'],
    ['v3 after v2 was rejected', failed, 'v3'],
    ['v1 after v2 was rejected', failed, 'v1'],
    ['v3 while v2 is Pending', held({ phase: 'Pending', release: '' }), 'v3'],
    ['v2 while it goes back to v1', held({ phase: 'Reverting', release: release('v1') }), 'v3'],
  ])(
    '%s is Pending, with stable as it is and nothing of the former release',
    (_sentence, before, version) => {
      const stored = update(before, apply(before, version), { by: 'bob' })
      expect(stored.state).toMatchObject({ phase: 'Pending', release: '', step: 0, by: 'bob', total: 10 })
      expect(stored.object.spec.paused).toBe(true)
      expect(stored.object.spec.replicas).toBe(before.spec.replicas)
      expect(stored.object.spec.template).toEqual(template(version))
      for (const field of [
        'since',
        'reason',
        'message',
        'failedAt',
        'held',
        'putBacks',
        'approvals',
        'requests',
      ] as const) {
        expect(stored.state?.[field], field).toBeUndefined()
      }
    },
  )

  test('goes by the plan of now, not by the one that was fixed for the former', () => {
    const stored = update(running, annotated(apply(), { [STEPS]: '20%', 'canaryhook.dev/deadline': '1m' }))
    expect(stored.state).toMatchObject({ plan: '20%', deadline: 60 })
    expect(stored.warnings).toContain('canary 20% → full')
  })

  test('takes the requests of people for the former release along to nowhere', () => {
    const before = held({ requests: [{ command: 'promote', by: 'bob' }], held: { by: 'bob' } })
    const stored = update(before, apply(before))
    expect(stored.state?.requests).toBeUndefined()
    expect(stored.state?.held).toBeUndefined()
  })

  test('with command=promote asks for no canary', () => {
    const stored = update(running, annotated(apply(), { [COMMAND]: 'promote' }))
    expect(stored.state).toMatchObject({ phase: 'Pending', requests: [{ command: 'promote', by: 'alice' }] })
    expect(stored.warnings).toMatch(/without a canary, as you asked/)
    expect(stored.object.metadata.annotations).not.toHaveProperty([COMMAND])
  })

  test.each(['abort', 'approve', 'skip', 'retry', 'pause', 'resume'])(
    'with command=%s is refused: which of the two is meant?',
    word => {
      const stored = update(running, annotated(apply(), { [COMMAND]: word }))
      expect(stored.message).toMatch(/the same request changes the template/)
    },
  )

  test('that drops the opt-in is a release by the former plan', () => {
    const stored = update(running, annotated(apply(), { [STEPS]: undefined }))
    expect(stored.state).toMatchObject({ phase: 'Pending', plan: '10%, 50%' })
    expect(stored.warnings).toMatch(/by the former plan/)
  })
})

describe('opting out', () => {
  const out = (fields: Partial<State>) => {
    const before = held(fields)
    return update(before, annotated(before, { [STEPS]: undefined }))
  }

  test.each<readonly [string, Partial<State>, RegExp]>([
    ['Pending: aborts', { phase: 'Pending', release: '' }, /is aborted and the former version serves/],
    ['Progressing: aborts', { phase: 'Progressing' }, /is aborted and the former version serves/],
  ])('%s', (_sentence, fields, warning) => {
    const stored = out(fields)
    const because = 'canaryhook.dev/steps was removed'
    expect(stored.state?.requests).toEqual([{ command: 'abort', by: 'alice', because }])
    expect(stored.warnings).toMatch(warning)
    expect(stored.object.spec.paused).toBe(true)
  })

  test.each<readonly [string, Partial<State>, RegExp]>([
    ['Failed: the hold stays', { phase: 'Failed' }, /stays held until another template/],
    ['Promoting: is finished first', { phase: 'Promoting' }, /finished first/],
    ['Reverting: is finished first', { phase: 'Reverting' }, /finished first/],
  ])('%s', (_sentence, fields, warning) => {
    const before = held(fields)
    const stored = out(fields)
    expect(stored.state).toEqual(update(before, before).state)
    expect(stored.state?.requests).toBeUndefined()
    expect(stored.warnings).toMatch(warning)
    expect(stored.object.spec.paused).toBe(before.spec.paused)
  })

  test('is said and asked for once', () => {
    const { object } = out({ phase: 'Progressing' })
    const again = update(object, annotated(object, { note: 'x' }))
    expect(again.warnings).toBe('')
    expect(again.state?.requests).toHaveLength(1)
  })

  test('and then another template: no canary, and what is left of the release is still taken away', () => {
    const before = annotated(held({ phase: 'Failed', reason: 'Aborted', stable: 7 }), { [STEPS]: undefined })
    const stored = update(before, apply(before))
    expect(stored.warnings).toMatch(/without a canary/)
    // The Deployment must stay one of ours until its conditions, canary and snapshot are gone.
    expect(stored.object.metadata.annotations).toHaveProperty([STATE])
    expect(stored.state).toMatchObject({ phase: 'Pending', total: 10, unprotected: true })
    expect(stored.state?.requests).toMatchObject([{ command: 'promote', by: 'alice' }])
  })
})

describe('what a person may not expect is said', () => {
  test('that other settings count for the next release', () => {
    const stored = update(running, annotated(running, { [STEPS]: '90%' }))
    expect(stored.warnings).toMatch(/changes count for the next one/)
    expect(stored.state?.plan).toBe('10%, 50%')
  })

  test('that a restart takes effect when the release is over', () => {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-03-01T12:00:00Z' }
    const { metadata, ...rest } = running.spec.template
    const stored = update(
      running,
      respecified(running, { template: { ...rest, metadata: { ...metadata, annotations } } }),
    )
    expect(stored.warnings).toMatch(/a restart in the middle of a release/)
    expect(stored.state?.phase).toBe('Progressing')
  })
})

describe('a command', () => {
  test('is consumed, and stored with who said it', () => {
    const stored = command(running, 'abort', { by: 'bob' })
    expect(stored.state?.requests).toEqual([{ command: 'abort', by: 'bob' }])
    expect(stored.object.metadata.annotations).not.toHaveProperty([COMMAND])
    expect(stored.warnings).toMatch(/^canaryhook: abort: release aborted/)
  })

  test('comes after those that wait already', () => {
    const { object } = command(running, 'pause')
    expect(command(object, 'abort').state?.requests).toMatchObject([
      { command: 'pause' },
      { command: 'abort' },
    ])
  })

  test('that makes no sense now is denied with the reason, and nothing is stored', () => {
    const stored = command(failed, 'approve')
    expect(stored.message).toMatch(/^canaryhook\.dev\/command=approve was not carried out: .*command=retry/)
    expect(stored.object).toEqual(failed)
  })

  test('together with other settings does both', () => {
    const stored = update(running, annotated(running, { [COMMAND]: 'pause', [STEPS]: '90%' }))
    expect(stored.state?.requests).toMatchObject([{ command: 'pause' }])
    expect(stored.warnings).toMatch(/changes count for the next one/)
  })

  test('and opting out in one request aborts all the same', () => {
    const stored = update(running, annotated(running, { [COMMAND]: 'pause', [STEPS]: undefined }))
    const asked = stored.state?.requests?.map(request => request.command)
    expect(asked).toContain('abort')
  })

  test('retry of a rejected release waits for the controller, and the hold stays till then', () => {
    const stored = command(failed, 'retry')
    expect(stored.state).toMatchObject({ phase: 'Failed', requests: [{ command: 'retry', by: 'alice' }] })
    expect(stored.object.spec.paused).toBe(true)
  })

  test.each([
    ['as the annotation says now', { 'canaryhook.dev/preview': 'path=/new' }, 'path=/new'],
    ['without one where the annotation is gone', {}, undefined],
  ])('retry is with a preview %s', (_sentence, annotations, preview) => {
    const rejected = held({ phase: 'Failed', reason: 'Aborted', preview: 'path=/canary' }, { annotations })
    expect(command(rejected, 'retry').state?.preview).toBe(preview)
  })

  test.each([
    ['as the annotation says now', { 'canaryhook.dev/baseline': 'true' }, true],
    ['without one where the annotation is gone', {}, undefined],
  ])('retry is with a baseline %s', (_sentence, annotations, baseline) => {
    const before = baseline === undefined ? { baseline: true } : {}
    const rejected = held({ phase: 'Failed', reason: 'Aborted', ...before }, { annotations })
    expect(command(rejected, 'retry').state?.baseline).toBe(baseline)
  })
})

describe('an approval', () => {
  const plan = '10%, approve by other group:sre, 50%'
  const waiting = held({ plan, step: 1, by: 'alice', stable: 9 }, { annotations: { [STEPS]: plan } })
  const sre = { by: 'bob', groups: ['sre'] }

  test('of one who may is stored with the name and the step', () => {
    const stored = command(waiting, 'approve', sre)
    expect(stored.state?.requests).toEqual([{ command: 'approve', by: 'bob', step: 1 }])
    expect(stored.warnings).toMatch(/approve: step 2 of 3 approved, the release goes on/)
  })

  test.each<readonly [string, Parameters<typeof command>[2], RegExp]>([
    [
      'the author',
      { groups: ['sre'] },
      /you are the author of the change; it takes somebody of the group sre/,
    ],
    ['one who is not in the group', { by: 'eve' }, /you are not in the group sre/],
    ['one without a name', { by: '', groups: ['sre'] }, /does not know by name who asks/],
  ])('of %s is denied, and nothing is stored', (_sentence, asking, why) => {
    const stored = command(waiting, 'approve', asking)
    expect(stored.message).toMatch(/^canaryhook\.dev\/command=approve was not carried out: step 2 of 3/)
    expect(stored.message).toMatch(why)
    expect(stored.object).toEqual(waiting)
  })

  test('that somebody wrote into the state by hand is put back', () => {
    const forged = { ...state({ plan, step: 1, by: 'alice' }), approvals: ['bob'] }
    const stored = update(waiting, annotated(waiting, { [STATE]: JSON.stringify(forged) }))
    expect(stored.state).not.toHaveProperty('approvals')
    expect(stored.warnings).toMatch(/kept by Canaryhook: your change of it was put back/)
  })

  test('cannot be got round by promote, nor by promote with another template', () => {
    expect(command(waiting, 'promote').message).toMatch(/step 2 of 3 .* cannot be left out/)
    const both = update(waiting, annotated(apply(waiting), { [COMMAND]: 'promote' }), sre)
    expect(both.message).toMatch(/cannot be left out: you are the author .* other than bob/)
  })

  test('that is asked for by the new plan counts for promote with another template', () => {
    const after = annotated(apply(waiting), { [COMMAND]: 'promote', [STEPS]: '10%, approve' })
    expect(update(waiting, after).allowed).toBe(true)
    const other = annotated(apply(), { [COMMAND]: 'promote', [STEPS]: 'approve by 2' })
    expect(update(running, other).message).toMatch(/step 1 of 1 \(approve by 2\) cannot be left out/)
  })
})

test('a skip is stored with its step', () => {
  const stored = command(running, 'skip')
  expect(stored.state?.requests).toEqual([{ command: 'skip', by: 'alice', step: 0 }])
})

test('a Deployment that is not ours is not looked at: no annotation, no patch', () => {
  const before = shop({ metadata: { annotations: {} } })
  expect(update(before, apply(before)).changes).toBe(0)
})
