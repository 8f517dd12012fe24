/** The state annotation: written and read back, and what is not one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLive, type Phase, printState, readState, withFields } from '../../src/core/state.ts'
import { at, STATE, state } from './shop.ts'

const full = state({
  held: { by: 'bob', since: at(0) },
  requests: [
    { command: 'abort', by: 'bob', because: 'steps removed' },
    { command: 'skip', by: 'eve', step: 1 },
  ],
  approvals: ['bob', 'eve'],
  surge: 'capacity: surge is set',
  putBacks: 1,
  test: 'cronjob/web-smoke',
  isolate: 'production',
  baseline: true,
  preview: 'host=canary.shop.example',
  started: at(-70),
  attempt: 1,
  tested: true,
  reached: at(1),
  unready: at(2),
  unprotected: true,
  reason: 'Aborted',
  message: 'aborted by "bob" – äöü',
  failedAt: at(3),
  applied: { paused: true, replicas: 7 },
})

test.each([
  ['with all there is', full],
  ['with as little as there can be', state({ by: undefined, stable: undefined, since: undefined })],
])('a state %s is read back as it was written', (_sentence, written) => {
  expect(readState({ [STATE]: printState(written) })).toEqual({ kind: 'ok', state: written })
})

test('the same state gives the same text, in whatever order it was put together', () => {
  const reversed = Object.fromEntries(Object.entries(full).reverse()) as unknown as typeof full
  expect(printState(reversed)).toBe(printState(full))
  expect(printState(withFields(full, { reason: undefined }))).not.toContain('reason')
})

describe('reading', () => {
  test.each([
    ['without annotations', undefined],
    ['without the annotation', { other: 'x' }],
  ])('%s: there is none', (_sentence, annotations) => {
    expect(readState(annotations)).toEqual({ kind: 'none' })
  })

  const broken = (fields: object) => JSON.stringify({ ...state(), ...fields })
  test.each([
    ['nothing', '', /it is not JSON/],
    ['no JSON', '{', /it is not JSON/],
    ['null', 'null', /state: /],
    ['a list', '[]', /state: /],
    [
      'a newer version',
      broken({ version: 2 }),
      /another version of Canaryhook \(state version 2, this one knows 1\)/,
    ],
    ['no version', broken({ version: undefined }), /version: /],
    ['a phase that we do not know', broken({ phase: 'Dancing' }), /phase: /],
    ['a negative total', broken({ total: -1 }), /total: /],
    ['half a pod', broken({ stable: 1.5 }), /stable: /],
    ['a time that is none', broken({ since: 'yesterday' }), /since: /],
    [
      'a command that is none',
      broken({ requests: [{ command: 'dance', by: 'bob' }] }),
      /requests\.0\.command: /,
    ],
    ['several things', broken({ total: 'x', step: 'y' }), /total: .*; step: /],
  ])('%s: it is not readable, and says why', (_sentence, text, why) => {
    const read = readState({ [STATE]: text })
    expect(read).toMatchObject({ kind: 'unreadable', why: expect.stringMatching(why) })
    expect(read).toMatchObject({
      why: expect.stringContaining('the annotation canaryhook.dev/state cannot be read'),
    })
  })

  test('what a newer version of ours wrote beside is kept, however deep, behind what is known', () => {
    const newer = { later: [1], ...full, held: { by: 'bob', until: 'noon' }, and: true }
    const read = readState({ [STATE]: JSON.stringify(newer) })
    expect(read).toEqual({ kind: 'ok', state: newer })
    const changed = printState(withFields(read.kind === 'ok' ? read.state : full, { phase: 'Failed' }))
    expect(JSON.parse(changed)).toEqual({ ...newer, phase: 'Failed' })
    expect(changed).toMatch(/,"and":true,"later":\[1\]\}$/)
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), text => {
        expect(readState({ [STATE]: text }).kind).toBe('unreadable')
      }),
    )
  })
})

test.each<readonly [Phase, boolean]>([
  ['Pending', true],
  ['Progressing', true],
  ['Promoting', true],
  ['Reverting', true],
  ['Failed', true],
  ['Succeeded', false],
  ['Reverted', false],
])('%s is live: %s', (phase, expected) => {
  expect(isLive(state({ phase }))).toBe(expected)
})
