import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
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

test('takes no room for what is gone', () => {
  const map = createPackedMap<Thing>()
  const keys = Array.from({ length: 2_000 }, (_, index) => `thing-${index}`)
  for (const key of keys) map.set(key, { name: key, text: randomBytes(300).toString('base64') })
  const full = map.size
  for (const key of keys.slice(100)) map.delete(key)
  expect(map.size).toBeLessThan(full / 5)
  expect([...map.keys()]).toEqual(keys.slice(0, 100))
  for (const key of keys.slice(0, 100)) expect(map.get(key)?.name).toBe(key)
})

test('one object that changes for ever takes no more room than one', () => {
  const map = createPackedMap<Thing>()
  for (let round = 0; round < 5_000; round += 1)
    map.set('a', { name: 'a', text: randomBytes(300).toString('hex') })
  expect(map.size).toBeLessThan(2_000)
})

test('is a map, whatever is done to it in whatever order', () => {
  const key = fc.nat(60).map(number => `key ${number}`)
  // Some fill a block alone.
  const size = fc.oneof(
    { weight: 20, arbitrary: fc.nat(2_000) },
    { weight: 1, arbitrary: fc.constant(50_000) },
  )
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ key, size }) },
    { weight: 2, arbitrary: fc.record({ key }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), steps => {
      const map = createPackedMap<Thing>()
      const model = new Map<string, Thing>()
      for (const [index, one] of steps.entries()) {
        if ('size' in one) {
          const thing = { name: `${index}\n"`, text: 'x'.repeat(one.size) }
          map.set(one.key, thing)
          model.set(one.key, thing)
        } else expect(map.delete(one.key)).toBe(model.delete(one.key))
        expect(map.get(one.key)).toEqual(model.get(one.key))
      }
      expect([...map.keys()]).toEqual([...model.keys()])
      for (const [key, thing] of model) expect(map.get(key)).toEqual(thing)
    }),
    { numRuns: 60 },
  )
})
