import { expect, test } from 'vitest'
import { age, humanDuration } from '../../../../src/sandbox/api/table/age.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

test.each([
  [0, '0s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [2 * MINUTE + 5 * SECOND, '2m5s'],
  [10 * MINUTE + 5 * SECOND, '10m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 7 * MINUTE, '3h7m'],
  [9 * HOUR + 7 * MINUTE, '9h'],
  [2 * DAY + HOUR, '2d1h'],
  [30 * DAY, '30d'],
  [800 * DAY, '2y'],
])('%d milliseconds are %s', (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text)
})

test('an object without a time has an unknown age', () => {
  expect(age(undefined, 0)).toBe('<unknown>')
})
