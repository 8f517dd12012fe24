import { expect, test } from 'vitest'
import { scheduleOf } from './schedule.ts'

const some = Array.from({ length: 300 }, (_, seed) => scheduleOf(seed))

test('the same seed is the same schedule', () => {
  expect(scheduleOf(42)).toEqual(scheduleOf(42))
  expect(new Set(some.map(({ seed: _, ...rest }) => JSON.stringify(rest))).size).toBe(some.length)
})

test('all sorts of things happen', () => {
  const acts = new Set(some.flatMap(({ acts }) => acts.map(({ does }) => does)))
  expect([...acts].sort()).toEqual([
    'apply',
    'command',
    'delete the ReplicaSets',
    'delete the canary',
    'scale',
  ])
  const troubles = new Set(some.flatMap(({ troubles }) => troubles.map(({ is }) => is)))
  expect([...troubles].sort()).toEqual(['clock jump', 'crash', 'webhook'])
  const qualities = some.flatMap(({ acts }) =>
    acts.flatMap(act => (act.does === 'apply' ? [act.version.quality] : [])),
  )
  expect(new Set(qualities).size).toBe(3)
})

test('clocks jump less than the deadline of a good version, and the webhook works in the end', () => {
  for (const { troubles, calmAt } of some) {
    const jumps = troubles.flatMap(trouble => (trouble.is === 'clock jump' ? [trouble.by] : []))
    const furthest = jumps.reduce((sum, by) => sum + Math.abs(by), 0)
    expect(furthest).toBeLessThan(600_000)
    const moods = troubles.flatMap(trouble => (trouble.is === 'webhook' ? [trouble.mood] : []))
    expect(moods.at(-1) ?? 'works').toBe('works')
    for (const { at } of troubles) expect(at).toBeLessThanOrEqual(calmAt)
  }
})

test('nobody skips the last step of a bad version', () => {
  for (const { acts } of some) {
    const isSkipped = acts.some(act => act.does === 'command' && act.word === 'skip')
    const [first] = acts
    if (isSkipped) expect(first).toMatchObject({ version: { quality: 'good' } })
  }
})
