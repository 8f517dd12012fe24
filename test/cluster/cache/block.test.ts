import { expect, test } from 'vitest'
import { Block } from '../../../src/cluster/cache/block.ts'

function filled(count: number): Block {
  const block = new Block()
  for (let index = 0; index < count; index += 1) block.add(`line ${index}: café ☕`)
  return block
}

test('gives each line a number, by which it is found before and after it is packed', () => {
  const block = new Block()
  expect(['a', 'b', 'c'].map(line => block.add(line))).toEqual([0, 1, 2])
  expect(block.lines()).toEqual(['a', 'b', 'c'])
  block.pack()
  expect(block.lines()).toEqual(['a', 'b', 'c'])
})

test('counts what it was given, what is still wanted, and how long that is', () => {
  const block = new Block()
  for (const line of ['four', 'seven !', 'six...']) block.add(line)
  expect(block).toMatchObject({ count: 3, living: 3, length: 17, size: 0, isPacked: false })
  block.replace(1, 'two')
  block.remove(0)
  expect(block).toMatchObject({ count: 3, living: 2, length: 9 })
  expect(block.lines()).toEqual(['', 'two', 'six...'])
})

test('takes little room when it is packed, where lines have much in common', () => {
  const block = filled(60)
  const length = Buffer.byteLength(block.lines().join('\\n'))
  block.pack()
  expect(block.isPacked).toBe(true)
  expect(block.size).toBeGreaterThan(0)
  expect(block.size).toBeLessThan(length / 3)
  expect(block.lines()).toEqual(filled(60).lines())
})

test('keeps a line that went in what is packed: only its count tells', () => {
  const block = filled(3)
  block.pack()
  block.remove(1)
  expect(block).toMatchObject({ count: 3, living: 2 })
  expect(block.lines()).toHaveLength(3)
})
