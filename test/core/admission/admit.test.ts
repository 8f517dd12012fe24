/** Who is asked about what: creations, deletions, the controller itself; and nothing a user sends breaks it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { admit } from '../../../src/core/admission/admit.ts'
import type { Deployment } from '../../../src/core/kubernetes.ts'
import { printState } from '../../../src/core/state.ts'
import { COMMAND, CONTROLLER, held, STATE, STEPS, shop, state, template } from '../shop.ts'
import { annotated, create, respecified, update } from './stored.ts'

describe('a creation', () => {
  test('is never a canary, and is told what later changes will be', () => {
    const stored = create(shop({ annotations: { [STEPS]: '10% for 5m, 50%' } }))
    expect(stored.changes).toBe(0)
    expect(stored.warnings).toMatch(
      /created without a canary; later changes of the template: canary 10% → 50%/,
    )
  })

  test('without annotations of ours passes untouched', () => {
    expect(create(shop({ metadata: { annotations: {} } }))).toMatchObject({ changes: 0, warnings: '' })
  })

  test('with wrong annotations is denied at once, not at the first release', () => {
    expect(create(shop({ annotations: { [STEPS]: '500%' } })).message).toMatch(/was not stored/)
    expect(create(shop({ spec: { strategy: { type: 'Recreate' } } })).message).toMatch(/Recreate/)
  })

  test('loses a command, with a warning', () => {
    const stored = create(shop({ annotations: { [COMMAND]: 'promote' } }))
    expect(stored.object).toEqual(shop())
    expect(stored.warnings).toMatch(/command=promote was left out/)
  })

  test.each([
    ['a running release', held().metadata.annotations, /belongs to another object/],
    [
      'a release that failed',
      held({ phase: 'Failed', reason: 'Aborted' }).metadata.annotations,
      /ATTENTION.*FAILED/,
    ],
    ['a record', { [STATE]: printState(state({ phase: 'Succeeded' })) }, /belongs to another object/],
    ['nonsense', { [STATE]: '{' }, /belongs to another object/],
  ])('that carries the state of %s loses it and is not paused', (_sentence, annotations, warning) => {
    const stored = create(
      shop({ spec: { paused: true }, annotations: { ...annotations, [STEPS]: '10%, 50%' } }),
    )
    expect(stored.object.metadata.annotations).toEqual({ [STEPS]: '10%, 50%' })
    expect(stored.object.spec.paused ?? false).toBe(false)
    expect(stored.warnings).toMatch(warning)
  })

  test('that its author pauses stays paused', () => {
    expect(create(shop({ spec: { paused: true } })).object.spec.paused).toBe(true)
  })
})

describe('the controller', () => {
  const before = held({ stable: 7 })
  const write = (next: Parameters<typeof state>[0]) =>
    update(before, annotated(before, { [STATE]: printState(state(next)) }), { by: CONTROLLER })

  test.each([
    ['a smaller stable', { stable: 5 }, { paused: true, replicas: 5 }],
    ['promotion: un-paused at the present size', { phase: 'Promoting', stable: 7 }, { replicas: 7 }],
    ['the end of a promotion: full size', { phase: 'Promoting', stable: 10 }, { replicas: 10 }],
    ['going back', { phase: 'Reverting', stable: 10 }, { replicas: 10 }],
    ['failure', { phase: 'Failed', stable: 10 }, { paused: true, replicas: 10 }],
    ['surge: the size is the user’s', { stable: undefined, surge: 'x' }, { paused: true, replicas: 7 }],
  ] as const)('writes %s, which is projected and stamped', (_sentence, next, spec) => {
    const stored = write(next)
    const { paused, replicas, ...rest } = stored.object.spec
    expect({ ...(paused && { paused }), replicas }).toEqual(spec)
    expect(rest).toEqual({ selector: before.spec.selector, template: before.spec.template })
    const applied = { paused: 'paused' in spec, ...(!('surge' in next) && { replicas: spec.replicas }) }
    expect(stored.state).toEqual({ ...state(next), applied })
    expect(stored.warnings).toBe('')
  })

  test('writes the end of a release, which is projected onto nothing', () => {
    const stored = write({ phase: 'Succeeded', stable: undefined })
    expect(stored.object.spec).toEqual(before.spec)
    expect(stored.state?.applied).toBeUndefined()
  })

  test('is known by its name alone', () => {
    const text = printState(state({ stable: 5 }))
    const asAlice = update(before, annotated(before, { [STATE]: text }), { by: 'system:admin' })
    expect(asAlice.object).toEqual(before)
  })

  test('writes the same state again without a change', () => {
    expect(update(before, before, { by: CONTROLLER }).changes).toBe(0)
  })

  test('passes where it cannot read what it wrote', () => {
    const broken = annotated(before, { [STATE]: '{' })
    expect(update(broken, broken, { by: CONTROLLER }).changes).toBe(0)
  })
})

test.each([
  ['is deleted in the foreground', { object: shop({ version: 'v2', metadata: { deletionTimestamp: 'x' } }) }],
  ['is deleted', { operation: 'DELETE', object: null }],
  ['is connected to', { operation: 'CONNECT', object: shop({ version: 'v2' }) }],
  ['is updated without its former self', { object: shop({ version: 'v2' }), oldObject: null }],
] as const)('a Deployment that %s passes untouched', (_sentence, request) => {
  const whole = { uid: 'u', operation: 'UPDATE', userInfo: {}, oldObject: shop(), ...request } as const
  expect(admit(whole, { controllerUser: CONTROLLER })).toEqual({ allowed: true, patch: [], warnings: [] })
})

test('a user without a name is no controller', () => {
  const after = respecified(shop(), { template: template('v2') })
  const request = { uid: 'u', operation: 'UPDATE', userInfo: {}, object: after, oldObject: shop() } as const
  const answer = admit(request, { controllerUser: CONTROLLER })
  expect(JSON.stringify(answer)).toContain('Pending')
  expect(JSON.stringify(answer)).toContain('\\"by\\":\\"unknown\\"')
})

test.each([
  ['a new template', shop(), shop({ version: 'v2' })],
  ['wrong annotations', shop(), annotated(shop(), { [STEPS]: '500%' })],
  ['a forged state', held(), annotated(held(), { [STATE]: 'x' })],
  ['a command', held(), annotated(held(), { [COMMAND]: 'abort' })],
])('a dry run gets the same answer: %s', (_sentence, before, after) => {
  expect(update(before, after, { dryRun: true })).toEqual(update(before, after))
})

describe('for whatever a user sends', () => {
  const texts = fc.oneof(
    fc.constantFrom('10%, 50%', '500%', '', 'surge', 'abort', 'promote', '{', '{}', 'null', '[]', '1h'),
    fc.constantFrom(
      ...(['Pending', 'Progressing', 'Promoting', 'Reverting', 'Failed', 'Succeeded'] as const).map(phase =>
        printState(state({ phase, applied: { paused: true, replicas: 7 } })),
      ),
      printState(state({ surge: 'x', stable: undefined, step: 99, plan: '∞' })),
      printState(state()).replace('"version":1', '"version":2'),
    ),
    fc.string(),
    fc.json(),
  )
  const keys = fc.oneof(
    fc.constantFrom(STEPS, COMMAND, STATE, 'canaryhook.dev/capacity', 'canaryhook.dev/deadline'),
    fc.constantFrom(
      'kubectl.kubernetes.io/last-applied-configuration',
      '__proto__',
      'a~b/c',
      'canaryhook.dev/',
    ),
    fc.string(),
  )
  const annotations = fc.option(fc.dictionary(keys, texts, { maxKeys: 6 }), { nil: undefined })
  const objects = fc
    .record({
      annotations,
      replicas: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
      paused: fc.option(fc.boolean(), { nil: undefined }),
      version: fc.constantFrom('v1', 'v2'),
      surge: fc.constantFrom(undefined, 0, '50%'),
    })
    .map(({ annotations: given, replicas, paused, version, surge }): Deployment => {
      const { annotations: _, ...metadata } = shop().metadata
      const { replicas: __, ...spec } = shop({ version }).spec
      return {
        ...shop(),
        metadata: { ...metadata, ...(given && { annotations: given }) },
        spec: {
          ...spec,
          ...(replicas !== undefined && { replicas }),
          ...(paused !== undefined && { paused }),
          ...(surge !== undefined && { strategy: { rollingUpdate: { maxSurge: surge } } }),
        },
      }
    })
  const by = fc.constantFrom('alice', CONTROLLER)

  test('there is an answer, and its patch applies', () => {
    fc.assert(
      fc.property(objects, objects, by, (before, after, user) => {
        const stored = update(before, after, { by: user })
        expect(stored.allowed || stored.message !== '').toBe(true)
        create(after, { by: user })
      }),
      { numRuns: 400 },
    )
  })

  test('its own output comes back unchanged, and without a command', () => {
    fc.assert(
      fc.property(objects, objects, (before, after) => {
        const { object, allowed } = update(before, after)
        if (!allowed) return
        expect(object.metadata.annotations ?? {}).not.toHaveProperty([COMMAND])
        expect(update(object, object).changes).toBe(0)
        expect(update(object, object, { by: CONTROLLER }).changes).toBe(0)
      }),
      { numRuns: 400 },
    )
  })

  test('nobody but the controller moves a release to another phase than Pending', () => {
    fc.assert(
      fc.property(objects, objects, (before, after) => {
        const stored = update(before, after)
        const was = update(before, before).state?.phase
        if (stored.allowed) expect([was, 'Pending', undefined]).toContain(stored.state?.phase)
      }),
      { numRuns: 300 },
    )
  })
})

test('annotations that are null are as good as none', () => {
  const metadata = { ...shop().metadata, annotations: null as unknown as Record<string, string> }
  const after = { ...shop({ version: 'v2' }), metadata }
  expect(update(shop(), after).state?.phase).toBe('Pending')
  expect(create(after)).toMatchObject({ allowed: true, changes: 0 })
})
