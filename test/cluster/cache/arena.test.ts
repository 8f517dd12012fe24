import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createArena } from '../../../src/cluster/cache/arena.ts'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)

test('what is stored is read again, of any size', () => {
  const arena = createArena()
  const sizes = [0, 1, 11, 12, 13, 1_000, 65_000, 66_000, 300_000]
  const handles = sizes.map((size, index) => arena.store(bytes(size, index)))
  for (const [index, size] of sizes.entries()) {
    expect(Buffer.from(arena.read(handles[index] ?? -1)).equals(bytes(size, index))).toBe(true)
  }
})

test('room that was given back is used again by pieces of its size', () => {
  const arena = createArena()
  const handles = Array.from({ length: 3_000 }, () => arena.store(bytes(500, 1)))
  const { size, used } = arena
  for (let round = 0; round < 5; round += 1) {
    for (const handle of handles.splice(0)) arena.free(handle)
    expect(arena.used).toBe(0)
    for (let count = 0; count < 3_000; count += 1) handles.push(arena.store(bytes(500, 2)))
  }
  expect(arena).toMatchObject({ size, used })
})

test('a large piece takes a buffer of its own, which goes with it', () => {
  const arena = createArena()
  arena.store(bytes(100, 1))
  const { size } = arena
  const large = arena.store(bytes(1_000_000, 2))
  expect(arena.size).toBeGreaterThan(size + 1_000_000)
  arena.free(large)
  expect(arena.size).toBe(size)
  expect(() => arena.read(large)).toThrow(/nothing is kept/)
})

test('no piece ever overwrites another', () => {
  const step = fc.record({ size: fc.nat(3_000), gone: fc.nat() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), steps => {
      const arena = createArena()
      const kept = new Map<number, Uint8Array>()
      for (const [index, { size, gone }] of steps.entries()) {
        const content = bytes(size, index % 251)
        kept.set(arena.store(content), content)
        const victim = gone % 3 === 0 ? [...kept.keys()][gone % kept.size] : undefined
        if (victim === undefined) continue
        arena.free(victim)
        kept.delete(victim)
      }
      for (const [handle, content] of kept) expect(Buffer.compare(arena.read(handle), content)).toBe(0)
    }),
    { numRuns: 50 },
  )
})
