import { describe, expect, test } from 'vitest'
import { stretchAt, tellMeasurement } from '../../src/demo/measurement.ts'
import type { Snapshot } from '../../src/demo/snapshot.ts'

const underway: Snapshot = {
  at: 1000,
  phase: 'Progressing',
  release: 'r',
  step: 'step 1 of 2: 10% for 12s',
  applied: 'v2',
  stable: [],
  canary: [],
}
const standing: Snapshot = { ...underway, at: 2000, reached: 1900 }

describe('stretchAt', () => {
  const first = stretchAt(underway, undefined)

  test('starts with the first snapshot', () => {
    expect(first).toMatchObject({ from: 1000, stands: false })
  })

  test('goes on while nothing changes', () => {
    expect(stretchAt({ ...underway, at: 1500 }, first)).toBe(first)
  })

  test.each<[string, Snapshot, object]>([
    ['the weight stands', standing, { from: 2000, stands: true, during: 'while "10% for 12s" stood' }],
    [
      'the next step comes',
      { ...underway, at: 3000, step: 'step 2 of 2: 50%' },
      { from: 3000, stands: false },
    ],
    ['another release comes', { ...underway, at: 3000, release: 's' }, { from: 3000 }],
  ])('starts anew when %s', (_sentence, snapshot, expected) => {
    expect(stretchAt(snapshot, first)).toMatchObject(expected)
  })

  test('starts anew when the release ends', () => {
    const { step: _, ...ended } = underway
    expect(stretchAt({ ...ended, at: 4000, phase: 'Failed' }, stretchAt(standing, first))).toMatchObject({
      from: 4000,
      stands: false,
      since: 'since the phase Failed began',
    })
  })
})

test.each([
  [
    'nothing failed',
    {
      total: 200,
      versions: [
        { version: 'v1', requests: 180, errors: 0 },
        { version: 'v2', requests: 20, errors: 0 },
      ],
      unanswered: 0,
    },
    'measured while it stood: v1 90.0%, v2 10.0% of 200 requests; none failed',
  ],
  [
    'some failed',
    { total: 100, versions: [{ version: 'v1', requests: 98, errors: 1 }], unanswered: 2 },
    'measured while it stood: v1 98.0% of 100 requests; 3 failed (3.0%)',
  ],
])('a measurement is told: %s', (_sentence, counted, expected) => {
  expect(tellMeasurement('while it stood', counted)).toBe(expected)
})
