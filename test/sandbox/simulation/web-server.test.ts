import { expect, test } from 'vitest'
import { everySoOften } from '../../../src/sandbox/simulation/web-server.ts'

test.each([
  ['none of ten', 0, 0],
  ['three of ten', 0.3, 3],
  ['every second', 0.5, 5],
  ['all of ten', 1, 10],
])('fails %s', (_sentence, share, expected) => {
  const fails = everySoOften(share, 0.05)
  expect(Array.from({ length: 10 }, fails).filter(Boolean)).toHaveLength(expected)
})
