import { expect, test } from 'vitest'
import { createPace } from '../../src/cluster/pace.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

test('lets go on for a slice of each turn of the event loop, then waits for the next', async () => {
  let now = 0
  const pace = createPace(8, () => now)
  expect(pace()).toBeUndefined()
  now = 7
  expect(pace()).toBeUndefined()
  now = 8
  const over = pace()
  expect(over).toBeInstanceOf(Promise)
  await over
  expect(pace()).toBeUndefined()
})

test('time that passed while nobody worked counts for nothing', async () => {
  let now = 0
  const pace = createPace(8, () => now)
  pace()
  await nextTurn()
  now = 1_000
  expect(pace()).toBeUndefined()
})

test('all who work together share the slice, and others get their turn', async () => {
  let now = 0
  const pace = createPace(8, () => now)
  const order: string[] = []
  const work = async (name: string) => {
    for (let count = 0; count < 3; count += 1) {
      now += 5
      order.push(name)
      await pace()
    }
  }
  setImmediate(() => order.push('other'))
  await Promise.all([work('a'), work('b')])
  expect(order.indexOf('other')).toBeLessThan(order.length - 1)
  expect(order.filter(name => name === 'a')).toHaveLength(3)
  expect(order.filter(name => name === 'b')).toHaveLength(3)
})
