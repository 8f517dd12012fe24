import { describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/demo/snapshot.ts'
import { bar, headline, renderView, VIEW_WIDTH } from '../../src/demo/view.ts'

const AT = 100_000

const standing: Snapshot = {
  at: AT,
  phase: 'Progressing',
  release: 'r',
  step: 'step 1 of 2: 10% for 12s',
  reached: AT - 7900,
  applied: 'v2',
  stable: [{ version: 'v1', ready: 9, unready: 0 }],
  canary: [{ version: 'v2', ready: 1, unready: 0 }],
}

describe('headline', () => {
  test.each<[string, Partial<Snapshot>, string]>([
    ['a weight that stands', {}, 'v2 · Progressing · step 1 of 2: 10% for 12s · stands for 7 s'],
    [
      'a clock that goes back',
      { reached: AT + 500 },
      'v2 · Progressing · step 1 of 2: 10% for 12s · stands for 0 s',
    ],
  ])('%s', (_sentence, changed, expected) => {
    expect(headline({ ...standing, ...changed })).toBe(expected)
  })

  test('a weight that is on its way', () => {
    const { reached: _, ...underway } = standing
    expect(headline(underway)).toBe('v2 · Progressing · step 1 of 2: 10% for 12s · on its way')
  })

  test('the end of a release', () => {
    const { step: _, reached: __, ...ended } = standing
    expect(headline({ ...ended, phase: 'Succeeded' })).toBe('v2 · Succeeded')
  })

  test('before any release', () => {
    const { phase: _, step: __, reached: ___, ...deployed } = standing
    expect(headline(deployed)).toBe('v2 · deployed')
  })
})

describe('renderView', () => {
  const counted = {
    total: 200,
    versions: [
      { version: 'v1', requests: 180, errors: 0 },
      { version: 'v2', requests: 12, errors: 3 },
    ],
    unanswered: 8,
  }

  test('shows pods as dots and requests as bars', () => {
    expect(renderView({ snapshot: standing, counted, since: 'since 10% stands' })).toEqual([
      '',
      '  v2 · Progressing · step 1 of 2: 10% for 12s · stands for 7 s',
      '  stable  v1 ●●●●●●●●●  9 of 9 ready',
      '  canary  v2 ●  1 of 1 ready',
      '  200 requests since 10% stands',
      '    v1       90.0%  ████████████████████████████████████····  no errors',
      '    v2        6.0%  ██······································  25.0% errors',
      '    no reply  4.0%  ██······································',
    ])
  })

  test('shows versions side by side, pods that are not ready, and that there is no canary', () => {
    const stable = [
      { version: 'v1', ready: 2, unready: 0 },
      { version: 'v2', ready: 1, unready: 2 },
    ]
    const lines = renderView({ snapshot: { ...standing, stable, canary: [] }, counted, since: '' })
    expect(lines.slice(2, 4)).toEqual(['  stable  v1 ●●  v2 ●○○  3 of 5 ready', '  canary  none'])
  })

  test('fits the width that it says it needs', () => {
    const widest = Math.max(
      ...renderView({ snapshot: standing, counted, since: 'since "10% for 12s" stands' }).map(
        line => line.length,
      ),
    )
    expect(widest).toBeLessThanOrEqual(VIEW_WIDTH)
  })

  test('a colour goes to the pieces that have a meaning', () => {
    const lines = renderView({ snapshot: standing, counted, since: '' }, (text, role) => `<${role} ${text}>`)
    expect(lines[3]).toBe('  canary  v2 <canary ●>  <quiet 1 of 1 ready>')
    expect(lines[6]).toContain('<bad 25.0% errors>')
  })
})

test.each([
  ['nothing is empty', 0, 0],
  ['a little is seen', 0.2, 1],
  ['a half', 50, 20],
  ['everything', 100, 40],
])('a bar: %s', (_sentence, share, filled) => {
  expect([bar(share).length, bar(share).replaceAll('·', '').length]).toEqual([40, filled])
})
