import { expect, test } from 'vitest'
import { readAnnotations } from '../../src/core/annotations.ts'
import { manifest } from '../scenarios/manifest.ts'
import { isGood, optionsOf, scheduleOf } from './schedule.ts'

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
    'delete the baseline',
    'delete the canary',
    'delete the tests',
    'scale',
  ])
  const troubles = new Set(some.flatMap(({ troubles }) => troubles.map(({ is }) => is)))
  expect([...troubles].sort()).toEqual(['clock jump', 'crash', 'webhook'])
  const qualities = some.flatMap(({ acts }) =>
    acts.flatMap(act => (act.does === 'apply' ? [act.version.quality] : [])),
  )
  expect(new Set(qualities).size).toBe(3)
})

test('gates are drawn as well: tests that end in all ways, a baseline and a preview, alone or together', () => {
  const gated = some.filter(({ gates }) => gates)
  expect(gated.length).toBeGreaterThan(some.length / 3)
  expect(gated.length).toBeLessThan((some.length * 2) / 3)
  const ends = gated.flatMap(({ acts }) =>
    acts.flatMap(act => (act.does === 'apply' && act.version.test ? [act.version.test] : [])),
  )
  expect([...new Set(ends)].sort()).toEqual(['fails', 'never ends', 'passes'])
  expect(gated.some(({ gates }) => gates?.baseline && gates.preview)).toBe(true)
  const askers = gated.flatMap(({ acts }) => acts.flatMap(act => ('by' in act ? [act.by] : [])))
  expect(new Set(askers)).toEqual(new Set(['alice', 'bob']))
})

test('every manifest can be read, with the annotations that its gates ask for', () => {
  for (const schedule of some) {
    for (const act of schedule.acts) {
      if (act.does !== 'apply') continue
      const { metadata } = manifest(act.version.name, optionsOf(schedule, act.version, schedule.replicas))
      expect(readAnnotations(metadata.annotations ?? {})).toMatchObject({ kind: 'ok' })
    }
  }
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
    if (isSkipped) expect(first?.does === 'apply' && isGood(first.version)).toBe(true)
  }
})
