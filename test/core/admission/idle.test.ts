/** An update while no release is there: what begins one, and what does not. */
import { describe, expect, test } from 'vitest'
import type { Deployment } from '../../../src/core/kubernetes.ts'
import { COMMAND, held, release, STEPS, shop, state, template } from '../shop.ts'
import { annotated, command, respecified, type Stored, update } from './stored.ts'

const v1 = shop()
const to = (version: string) => respecified(v1, { template: template(version) })
const record = state({ phase: 'Succeeded', stable: undefined, release: release('v1') })

function restarted(object: Deployment): Deployment {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-03-01T12:00:00Z' }
  const { metadata, ...rest } = object.spec.template
  return respecified(object, { template: { ...rest, metadata: { ...metadata, annotations } } })
}

const begins = (total = 10) => ({
  check(stored: Stored) {
    expect(stored.message).toBe('')
    expect(stored.state).toMatchObject({ phase: 'Pending', total, release: '', step: 0, by: 'alice' })
    expect(stored.object.spec.paused).toBe(true)
    expect(stored.object.spec.replicas).toBe(total)
    expect(stored.state?.applied).toEqual({ paused: true, replicas: total })
  },
})
const passes = (warning = /^$/) => ({
  check(stored: Stored) {
    expect(stored.message).toBe('')
    expect(stored.state).toBeUndefined()
    expect(stored.object.spec.paused ?? false).toBe(stored.warnings.includes('paused by you'))
    expect(stored.warnings).toMatch(warning)
  },
})
const denies = (message: RegExp) => ({
  check(stored: Stored) {
    expect(stored.allowed).toBe(false)
    expect(stored.message).toMatch(message)
  },
})

type Row = readonly [string, Deployment, Deployment, { check(stored: Stored): void }]

describe('a change of the template', () => {
  test.each<Row>([
    ['is a release', v1, to('v2'), begins()],
    ['counts the replicas of the same request', v1, respecified(to('v2'), { replicas: 20 }), begins(20)],
    [
      'is a release on a Deployment that opts in with it',
      shop({ metadata: { annotations: {} } }),
      to('v2'),
      begins(),
    ],
    [
      'is a release where the old object alone had opted in, as rollout undo makes it',
      v1,
      annotated(to('v2'), { [STEPS]: undefined }),
      begins(),
    ],
    [
      'is none of our business without opting in',
      annotated(v1, { [STEPS]: undefined }),
      annotated(to('v2'), { [STEPS]: undefined }),
      passes(),
    ],
    ['is no canary with 0 replicas', v1, respecified(to('v2'), { replicas: 0 }), passes(/0 replicas/)],
    [
      'is no canary when 0 replicas served before',
      respecified(v1, { replicas: 0 }),
      to('v2'),
      passes(/no canary/),
    ],
    [
      'is no canary with command=promote in the same request',
      v1,
      annotated(to('v2'), { [COMMAND]: 'promote' }),
      passes(/without a canary, as you asked/),
    ],
    ['is no canary when pods are only restarted', v1, restarted(v1), passes(/a restart is not a canary/)],
    [
      'waits while the user keeps the Deployment paused',
      respecified(v1, { paused: true }),
      respecified(to('v2'), { paused: true }),
      passes(/starts when you resume it/),
    ],
    [
      'and a resume in one request is a release',
      respecified(v1, { paused: true }),
      respecified(to('v2'), { paused: false }),
      begins(),
    ],
    [
      'is a release when a restart comes with it',
      v1,
      restarted(respecified(v1, { template: template('v2') })),
      begins(),
    ],
  ])('%s', (_sentence, before, after, expected) => {
    const stored = update(before, after)
    expected.check(stored)
    expect(stored.object.metadata.annotations).not.toHaveProperty([COMMAND])
  })

  test('whose nulls and order of keys alone differ is none', () => {
    const { metadata, spec } = template('v1')
    const reordered = {
      spec: { hostname: null, ...spec },
      metadata: { creationTimestamp: null, ...metadata },
    }
    passes().check(update(v1, respecified(v1, { template: reordered })))
  })

  test('starts with the plan and the settings of that moment', () => {
    const settings = {
      [STEPS]: '1 pod for 90s, 50%',
      'canaryhook.dev/deadline': '3m',
      'canaryhook.dev/max-restarts': '0',
      'canaryhook.dev/on-failure': 'restore',
      'canaryhook.dev/preview': 'path=/new',
      'canaryhook.dev/baseline': 'true',
    }
    const plan = '1 pod for 1m30s, 50%'
    const expected = {
      plan,
      deadline: 180,
      maxRestarts: 0,
      onFailure: 'restore',
      preview: 'path=/new',
      baseline: true,
    }
    expect(update(v1, annotated(to('v2'), settings)).state).toMatchObject(expected)
  })

  test('with capacity surge says nothing about the number of replicas', () => {
    const surge = annotated(to('v2'), { 'canaryhook.dev/capacity': 'surge' })
    const stored = update(v1, surge)
    expect(stored.state).toMatchObject({ phase: 'Pending', total: 10, applied: { paused: true } })
    expect(stored.state?.stable).toBeUndefined()
    expect(stored.state?.surge).toMatch(/capacity: surge/)
    expect(stored.state?.applied).toEqual({ paused: true })
  })

  test('is told with its plan and how to follow it', () => {
    const { warnings } = update(v1, annotated(to('v2'), { [STEPS]: '10% for 5m, 50% for 10m' }))
    expect(warnings).toContain('canary 10% → 50% → full, about 15 min')
    expect(warnings).toContain('kubectl -n default rollout status deployment/shop')
  })

  test('that drops the opt-in is told to be a release by the former plan', () => {
    expect(update(v1, annotated(to('v2'), { [STEPS]: undefined })).warnings).toMatch(/by the former plan/)
  })

  test('after a release that succeeded starts anew, with nothing of the former one', () => {
    const before = shop({ state: record })
    const stored = update(before, respecified(before, { template: template('v2') }))
    begins().check(stored)
    expect(stored.state).not.toHaveProperty('reason')
  })
})

describe('without a change of the template', () => {
  const paused = shop({ version: 'v2', spec: { paused: true } })

  test('the user’s own pause is left to him', () => {
    const stored = update(v1, respecified(v1, { paused: true }))
    expect(stored.changes).toBe(0)
    expect(stored.object.spec.paused).toBe(true)
  })

  test('his resume may roll out a template that never was: the controller looks first', () => {
    begins().check(update(paused, respecified(paused, { paused: false })))
  })

  test('his resume of a Deployment that has not opted in passes', () => {
    const foreign = annotated(paused, { [STEPS]: undefined })
    const resumed = annotated(respecified(foreign, { paused: false }), { other: 'x' })
    passes().check(update(foreign, resumed))
  })

  test.each([
    ['scaling', respecified(v1, { replicas: 20 })],
    ['a label', shop({ metadata: { labels: { team: 'web' } } })],
    ['opting out', annotated(v1, { [STEPS]: undefined })],
    ['the same again', v1],
  ])('%s changes nothing', (_sentence, after) => {
    const stored = update(v1, after)
    expect(stored.message).toBe('')
    expect(stored.changes).toBe(0)
    expect(stored.warnings).toBe('')
  })

  test('another plan changes nothing but what a person is told of later releases', () => {
    const stored = update(v1, annotated(v1, { [STEPS]: '20%, approve' }))
    expect(stored.changes).toBe(0)
    expect(stored.warnings).toContain('later changes of the template: canary 20% → approve → full')
  })

  test('opting out takes the record of the last release along', () => {
    const before = shop({ state: record })
    expect(update(before, annotated(before, { [STEPS]: undefined })).object.metadata.annotations).toEqual({})
  })

  test('the record of the last release stays where it is', () => {
    const before = shop({ state: record })
    const stored = update(before, respecified(before, { replicas: 5 }))
    expect(stored.changes).toBe(0)
    expect(stored.state).toEqual(record)
  })

  test.each(['approve', 'abort', 'retry', 'skip', 'promote', 'pause', 'resume'])(
    'the command %s is refused: nothing runs',
    word => {
      denies(new RegExp(`command=${word} was not carried out: no release is running or held`)).check(
        command(v1, word),
      )
      denies(/no release is running/).check(command(shop({ state: record }), word))
    },
  )
})

test('a command other than promote is refused together with a new template', () => {
  const after = annotated(to('v2'), { [COMMAND]: 'skip' })
  denies(/command=skip was not carried out/).check(update(v1, after))
})

test('a release that was begun is not begun again by its own output', () => {
  const { object } = update(v1, to('v2'))
  const again = update(object, object)
  expect(again.changes).toBe(0)
  expect(again.object).toEqual(object)
  expect(held({ phase: 'Pending' }).spec.paused).toBe(true)
})

describe('promote together with a new template, where a person has to approve', () => {
  const ship = (steps: string) => annotated(annotated(to('v2'), { [COMMAND]: 'promote' }), { [STEPS]: steps })

  test.each([
    ['by another', '10%, approve by other', /you are the author of the change; .* other than alice/],
    ['by two', 'approve by 2, 10%', /one person alone cannot approve it; it takes 2 people/],
    ['by a group that the author is not in', 'approve by group:sre', /you are not in the group sre/],
  ])('%s: is denied', (_sentence, steps, why) => {
    denies(why).check(update(v1, ship(steps)))
    denies(/^canaryhook\.dev\/command=promote was not carried out: step/).check(update(v1, ship(steps)))
  })

  test.each([
    ['whoever that is', '10%, approve'],
    ['of the group that the author is in', 'approve by group:developers'],
  ])('%s: ships', (_sentence, steps) => {
    passes(/without a canary, as you asked/).check(update(v1, ship(steps)))
  })
})
