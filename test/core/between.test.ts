import { expect, test } from 'vitest'
import { between } from '../../src/core/between.ts'

test.each([
  ['a value within its bounds stays', [1, 2, 3], 2],
  ['one below goes up to the lower', [1, 0, 3], 1],
  ['one above goes down to the upper', [1, 4, 3], 3],
  ['of bounds that leave nothing the lower counts', [3, 2, 1], 3],
] as const)('%s', (_sentence, [low, value, high], expected) => {
  expect(between(low, value, high)).toBe(expected)
})
