import { expect, test } from 'vitest'
import { dice } from './dice.ts'

test('the same seed throws the same, another one does not', () => {
  const throws = (seed: number) => Array.from({ length: 20 }, () => dice(seed).throw('a'))
  const rows = (seed: number) => {
    const some = dice(seed)
    return Array.from({ length: 20 }, () => some.throw('a'))
  }
  expect(rows(7)).toEqual(rows(7))
  expect(rows(7)).not.toEqual(rows(8))
  expect(new Set(throws(7)).size).toBe(1)
})

test('what is thrown about one thing changes nothing of another', () => {
  const quiet = dice(3)
  const busy = dice(3)
  for (let count = 0; count < 5; count += 1) busy.throw('other')
  busy.for('part').throw('a')
  expect(busy.throw('a')).toBe(quiet.throw('a'))
})

test('throws are spread evenly', () => {
  const some = dice(1)
  const counts = new Map<number, number>()
  for (let count = 0; count < 6000; count += 1) {
    const number = some.between('die', 1, 6)
    counts.set(number, (counts.get(number) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6])
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
  const hits = Array.from({ length: 4000 }, () => some.chance('rare', 0.1)).filter(Boolean).length
  expect(Math.abs(hits - 400)).toBeLessThan(80)
})

test('there is nothing to pick from an empty list', () => {
  expect(() => dice(1).pick('one', [])).toThrow('nothing to pick from: one')
})
