import { describe, expect, test } from 'vitest'
import { failures, type Sample, shareOf, tally } from '../../src/demo/tally.ts'

const samples: readonly Sample[] = [
  { at: 1, version: 'v1', ok: true },
  { at: 2, version: 'v2', ok: true },
  { at: 3, version: 'v2', ok: false },
  { at: 4, ok: false },
  { at: 5, version: 'v1', ok: true },
]

describe('tally', () => {
  test('counts requests and errors by version, and those that nobody answered', () => {
    expect(tally(samples, 0)).toEqual({
      total: 5,
      versions: [
        { version: 'v1', requests: 2, errors: 0 },
        { version: 'v2', requests: 2, errors: 1 },
      ],
      unanswered: 1,
    })
  })

  test.each([
    ['the first moment counts', 5, 6, 1],
    ['the last one does not', 1, 5, 4],
    ['an empty stretch has none', 5, 5, 0],
  ])('%s', (_sentence, from, to, total) => {
    expect(tally(samples, from, to).total).toBe(total)
  })

  test('shares are of all requests, failed ones among them', () => {
    expect(shareOf(tally(samples, 0), 'v2')).toBe(40)
    expect(shareOf(tally(samples, 0), 'v9')).toBe(0)
    expect(shareOf(tally([], 0), 'v1')).toBe(0)
  })

  test('an error and no answer are both failures', () => {
    expect(failures(tally(samples, 0))).toBe(2)
  })
})
