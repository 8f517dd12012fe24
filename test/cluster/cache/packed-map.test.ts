import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createPackedMap } from '../../../src/cluster/cache/packed-map.ts'

interface Thing {
  readonly name: string
  readonly text?: string
}

test('gives back what was put in, each time a copy of its own', () => {
  const map = createPackedMap<Thing>()
  const thing = { name: 'café ☕', text: 'x'.repeat(100_000) }
  map.set('a', thing)
  expect(map.get('a')).toEqual(thing)
  expect(map.get('a')).not.toBe(map.get('a'))
  expect(map.get('b')).toBeUndefined()
})

test('holds one object for a key, the last', () => {
  const map = createPackedMap<Thing>()
  map.set('a', { name: 'first' })
  map.set('b', { name: 'other' })
  map.set('a', { name: 'second' })
  expect([...map.keys()]).toEqual(['a', 'b'])
  expect(map.get('a')).toEqual({ name: 'second' })
  expect(map.get('b')).toEqual({ name: 'other' })
})

test('forgets what is deleted', () => {
  const map = createPackedMap<Thing>()
  map.set('a', { name: 'first' })
  expect(map.has('a')).toBe(true)
  expect(map.delete('a')).toBe(true)
  expect(map.delete('a')).toBe(false)
  expect(map.has('a')).toBe(false)
  expect(map.get('a')).toBeUndefined()
  expect([...map.keys()]).toEqual([])
})

test('takes no more and more room when objects change their size again and again', () => {
  const map = createPackedMap<Thing>()
  let largest = 0
  for (let round = 0; round < 8; round += 1) {
    for (let index = 0; index < 1_000; index += 1) {
      // Not to be packed, and of another size in each round.
      map.set(`thing-${index}`, { name: 'thing', text: randomBytes(3_000 + 100 * round).toString('base64') })
    }
    largest = Math.max(largest, map.size)
  }
  expect(map.get('thing-7')?.text).toHaveLength(4 * Math.ceil(3_700 / 3))
  // At most twice what is kept: 4.9 MB of characters, of which a quarter can be packed away.
  expect(largest).toBeLessThan(9 * 1024 * 1024)
})
