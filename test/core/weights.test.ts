/** From a plan and a state to numbers of pods, with and without a baseline. */
import { expect, test } from 'vitest'
import { coversTotal, isBaselineCounted, stagesOf, targetOf, weightOf } from '../../src/core/weights.ts'
import { baselineSeen, canarySeen, seen } from './observations.ts'
import { state } from './shop.ts'

test.each<readonly [string, Parameters<typeof state>[0], readonly [number, number, number], number]>([
  ['a share of ten', { plan: '20%' }, [8, 2, 0], 20],
  ['with a baseline takes twice as many from stable', { plan: '20%', baseline: true }, [6, 2, 2], 20],
  ['a baseline that leaves stable two pods', { plan: '40%', baseline: true }, [2, 4, 4], 40],
  ['a baseline that stable is too small for comes on top', { plan: '50%', baseline: true }, [5, 5, 5], 33],
  ['of few replicas the baseline comes on top', { plan: '25%', total: 3, baseline: true }, [2, 1, 1], 25],
  ['of four it is part of them', { plan: '25%', total: 4, baseline: true }, [2, 1, 1], 25],
  ['of one there are three pods', { plan: '25%', total: 1, baseline: true }, [1, 1, 1], 33],
  ['of none there is nothing', { plan: '25%', total: 0, baseline: true }, [0, 0, 0], 0],
  ['in surge mode both come on top', { plan: '20%', surge: 'an HPA', baseline: true }, [10, 3, 3], 19],
  ['while it is tested alone there is one of each', { plan: 'test, 20%', baseline: true }, [10, 1, 1], 0],
  ['before the first weight there is neither', { plan: 'approve, 20%', baseline: true }, [10, 0, 0], 0],
])('%s', (_sentence, fields, [stable, canary, baseline], weight) => {
  expect(targetOf(state(fields))).toEqual({ stable, canary, baseline })
  expect(weightOf(state(fields))).toBe(weight)
})

test('a plan is read once as long as nobody asks for another', () => {
  const stages = stagesOf(state({ plan: '20%, 50%' }))
  expect(stages.map(({ label }) => label)).toEqual(['20%', '50%'])
  expect(stagesOf(state({ plan: '20%, 50%', step: 1 }))).toBe(stages)
  expect(stagesOf(state({ plan: '30%' })).map(({ label }) => label)).toEqual(['30%'])
  expect(stagesOf(state({ plan: 'no plan' }))).toEqual([])
  expect(stagesOf(state({ plan: '20%, 50%' }))).toEqual(stages)
})

test('a baseline is counted in the total exactly where stable is smaller for it', () => {
  expect(isBaselineCounted(state({ plan: '20%', baseline: true }))).toBe(true)
  expect(isBaselineCounted(state({ plan: '50%', baseline: true }))).toBe(false)
  expect(isBaselineCounted(state({ plan: 'test, 20%', baseline: true }))).toBe(false)
  expect(isBaselineCounted(state({ plan: '20%' }))).toBe(false)
})

test('who covers the total: a baseline only where it is part of it', () => {
  const counted = state({ plan: '20%', baseline: true, stable: 6 })
  expect(coversTotal(counted, seen({ canary: canarySeen(2), baseline: baselineSeen(2) }))).toBe(true)
  expect(coversTotal(counted, seen({ canary: canarySeen(2), baseline: baselineSeen(2, 1) }))).toBe(false)
  const onTop = state({ plan: '50%', baseline: true, stable: 5 })
  expect(coversTotal(onTop, seen({ canary: canarySeen(5, 3), baseline: baselineSeen(5) }))).toBe(false)
})
