/** What is read from any update of a user: errors, the state that is not his, commands from manifests. */
import { describe, expect, test } from 'vitest'
import type { Deployment } from '../../../src/core/kubernetes.ts'
import { printState } from '../../../src/core/state.ts'
import { COMMAND, held, STATE, STEPS, shop, state, template } from '../shop.ts'
import { annotated, command, respecified, update } from './stored.ts'

const v1 = shop()
const to = (object: Deployment, version: string) => respecified(object, { template: template(version) })
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

describe('wrong annotations', () => {
  const wrong = {
    [STEPS]: '10%, 500% for 5 m',
    'canaryhook.dev/dedline': '3m',
    'canaryhook.dev/max-restarts': 'many',
    [COMMAND]: 'aprove',
  }

  test('are denied all at once, each with its name, its place and what was expected', () => {
    const { message } = update(v1, annotated(v1, wrong))
    expect(message).toMatch(/^Deployment default\/shop was not stored: its annotations have errors\n/)
    expect(message).toContain('canaryhook.dev/steps: "10%, 500% for 5 m": 2 errors')
    expect(message).toContain('step 2:')
    expect(message).toContain('did you mean canaryhook.dev/deadline?')
    expect(message).toContain('"many" is not a whole number')
    expect(message).toContain('canaryhook.dev/command: "aprove" is not one of')
    expect(message).toContain('did you mean approve?')
  })

  test('leave what is stored as it was', () => {
    expect(update(v1, annotated(v1, wrong)).object).toEqual(v1)
  })

  const stale = shop({ annotations: { [STEPS]: '500%' } })
  test.each([
    ['a label', { ...stale, metadata: { ...stale.metadata, labels: { a: 'b' } } }, true],
    ['scaling', respecified(stale, { replicas: 4 }), true],
    ['another annotation', annotated(stale, { note: 'x' }), true],
    ['a new template', to(stale, 'v2'), false],
    ['another of our annotations', annotated(stale, { 'canaryhook.dev/deadline': '3m' }), false],
    ['a command', annotated(stale, { [COMMAND]: 'abort' }), false],
    ['the mended plan', annotated(stale, { [STEPS]: '50%' }), true],
    ['opting out', annotated(stale, { [STEPS]: undefined }), true],
  ])('that were stored while nobody looked: %s', (_sentence, after, isAllowed) => {
    expect(update(stale, after).allowed).toBe(isAllowed)
  })

  test('that were stored while nobody looked do not stop a release that runs', () => {
    const running = held({}, { annotations: { [STEPS]: '500%' } })
    expect(update(running, running)).toMatchObject({ allowed: true, changes: 0 })
  })

  test('do not keep a plain change of an annotation of others from being stored', () => {
    expect(update(v1, annotated(v1, { 'canary.example/steps': '500%' })).changes).toBe(0)
  })
})

describe('a Deployment that cannot have a canary', () => {
  const recreate = { strategy: { type: 'Recreate' } }

  test.each<readonly [string, Deployment, Deployment]>([
    ['opts in', annotated(respecified(v1, recreate), { [STEPS]: undefined }), respecified(v1, recreate)],
    ['changes its strategy to that', v1, respecified(v1, recreate)],
    ['changes its template', respecified(v1, recreate), to(respecified(v1, recreate), 'v2')],
    ['does so in mid-release', held(), respecified(held(), recreate)],
  ])('is refused with what to do about it when it %s', (_sentence, before, after) => {
    expect(update(before, after).message).toMatch(/strategy Recreate.*use strategy RollingUpdate, or remove/)
  })

  test('may be scaled, and shipped without a canary', () => {
    const before = respecified(v1, recreate)
    expect(update(before, respecified(before, { replicas: 3 })).allowed).toBe(true)
    expect(update(before, annotated(to(before, 'v2'), { [COMMAND]: 'promote' })).allowed).toBe(true)
  })

  test('and has not opted in is none of our business', () => {
    const before = annotated(v1, { [STEPS]: undefined })
    expect(update(before, respecified(before, recreate)).changes).toBe(0)
  })
})

describe('the state is not the user’s', () => {
  const running = held({ stable: 7 })
  const forged = printState(state({ phase: 'Promoting', step: 1 }))

  test.each([
    ['changed to another state', annotated(running, { [STATE]: forged })],
    ['changed to nonsense', annotated(running, { [STATE]: 'x' })],
    ['emptied', annotated(running, { [STATE]: '' })],
  ])('%s it is put back, with a warning', (_sentence, after) => {
    const stored = update(running, after)
    expect(stored.object).toEqual(running)
    expect(stored.warnings).toMatch(
      /canaryhook\.dev\/state is kept by Canaryhook: your change of it was put back/,
    )
  })

  test('taken away, as kubectl replace does without meaning it, it is put back', () => {
    expect(update(running, annotated(running, { [STATE]: undefined })).object).toEqual(running)
  })

  test('taken away with all annotations, it is put back and the release aborted', () => {
    const { annotations: _, ...metadata } = running.metadata
    const stored = update(running, { ...running, metadata })
    expect(stored.state).toMatchObject({ phase: 'Progressing', requests: [{ command: 'abort' }] })
  })

  test('forged where no release is, it goes', () => {
    const stored = update(v1, annotated(v1, { [STATE]: forged }))
    expect(stored.object).toEqual(v1)
    expect(stored.warnings).toMatch(/was put back/)
  })

  test('forged along with a new template, the release is an ordinary one', () => {
    const honest = update(v1, to(v1, 'v2'))
    expect(update(v1, annotated(to(v1, 'v2'), { [STATE]: forged })).object).toEqual(honest.object)
  })
})

describe('a command of a manifest', () => {
  const running = held()
  const recorded = { [LAST_APPLIED]: JSON.stringify({ metadata: { annotations: { [COMMAND]: 'promote' } } }) }
  const owned = {
    manager: 'flux',
    operation: 'Apply',
    fieldsV1: { 'f:metadata': { 'f:annotations': { [`f:${COMMAND}`]: {} } } },
  }
  const withManager = (object: Deployment, operation: string): Deployment => ({
    ...object,
    metadata: { ...object.metadata, managedFields: [{ ...owned, operation }] },
  })

  test.each([
    ['kubectl apply recorded it', annotated(running, { ...recorded, [COMMAND]: 'promote' })],
    ['server-side apply owns it', withManager(annotated(running, { [COMMAND]: 'promote' }), 'Apply')],
  ])('is left out with a warning that says what to do: %s', (_sentence, after) => {
    const stored = update(running, after)
    expect(stored.state?.requests).toBeUndefined()
    expect(stored.object.metadata.annotations).not.toHaveProperty([COMMAND])
    expect(stored.warnings).toMatch(/command=promote was ignored because it comes from a manifest/)
    expect(stored.warnings).toMatch(/take it out of the manifest.*kubectl annotate deployment shop/)
  })

  test('does not keep a nonsense of it from being ignored', () => {
    const after = annotated(running, {
      [LAST_APPLIED]: JSON.stringify({ metadata: { annotations: { [COMMAND]: 'x' } } }),
      [COMMAND]: 'x',
    })
    expect(update(running, after)).toMatchObject({ allowed: true, state: { phase: 'Progressing' } })
  })

  test('ships nothing by itself: the new template gets its canary', () => {
    const stored = update(v1, annotated(to(v1, 'v2'), { ...recorded, [COMMAND]: 'promote' }))
    expect(stored.state).toMatchObject({ phase: 'Pending' })
    expect(stored.state?.requests).toBeUndefined()
  })

  test('is obeyed when it was typed: an owner by Update, or another word than the manifest’s', () => {
    const typed = withManager(annotated(running, { [COMMAND]: 'abort' }), 'Update')
    expect(update(running, typed).state?.requests).toMatchObject([{ command: 'abort' }])
    const before = annotated(running, recorded)
    expect(command(before, 'abort').state?.requests).toMatchObject([{ command: 'abort' }])
  })
})

test('a command that was stored while no webhook was asked is taken out, and not obeyed days later', () => {
  const before = annotated(held(), { [COMMAND]: 'abort' })
  const stored = update(before, { ...before, metadata: { ...before.metadata, labels: { team: 'web' } } })
  expect(stored.state?.requests).toBeUndefined()
  expect(stored.object.metadata.annotations).not.toHaveProperty([COMMAND])
  expect(stored.warnings).toMatch(/command=abort was ignored because it was stored while Canaryhook was away/)
})

describe('a state that cannot be read', () => {
  const newer = held({}, { annotations: {} })
  const texts = [
    [
      'of a newer version',
      JSON.stringify({ version: 99, phase: 'Dancing' }),
      /another version of Canaryhook/,
    ],
    ['that is no JSON', '{', /it is not JSON/],
    ['with fields missing', JSON.stringify({ version: 1 }), /cannot be read: phase/],
  ] as const

  describe.each(texts)('%s', (_sentence, text, why) => {
    const before = annotated(newer, { [STATE]: text })

    test('denies another template and commands, with the reason and the way out', () => {
      for (const stored of [update(before, to(before, 'v3')), command(before, 'abort')]) {
        expect(stored.message).toMatch(why)
        expect(stored.message).toContain('kubectl annotate deployment shop canaryhook.dev/state-')
      }
    })

    test('lets everything else pass and is itself kept', () => {
      expect(update(before, annotated(before, { note: 'x' })).changes).toBe(0)
      expect(update(before, annotated(before, { [STATE]: '{}' })).object).toEqual(before)
    })

    test('can be given up', () => {
      const stored = update(before, annotated(before, { [STATE]: undefined }))
      expect(stored.object.metadata.annotations).not.toHaveProperty([STATE])
      expect(stored.object.spec.paused).toBe(true)
      expect(stored.warnings).toMatch(/removed as you asked; spec\.paused is left as it is/)
    })
  })
})
