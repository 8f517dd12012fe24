/** The arithmetic of three sides: stable, canary and baseline. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AllCounts, type Fleets, moveAll, sharesTotal } from '../../src/core/baseline-counts.ts'
import { type Fleet, limits, move, unbounded } from '../../src/core/replicas.ts'

test.each<readonly [string, number, number, boolean]>([
  ['of ten with two canary pods', 10, 2, true],
  ['that leaves stable two pods', 10, 4, true],
  ['that would leave stable none', 10, 5, false],
  ['that would leave stable one', 3, 1, false],
  ['of four with one canary pod', 4, 1, true],
  ['without a canary', 10, 0, false],
])('a baseline %s is part of the total: %s', (_sentence, total, canary, expected) => {
  expect(sharesTotal(total, canary)).toBe(expected)
})

const fleet = (desired: number, available = desired, existing = desired): Fleet => ({
  desired,
  available,
  existing,
})
const none = fleet(0)
const unsettled = (desired: number): Fleet => ({ ...fleet(desired), unsettled: true })
const fleets = (stable: Fleet, canary: Fleet, baseline: Fleet): Fleets => ({ stable, canary, baseline })
const counts = (stable: number, canary: number, baseline: number): AllCounts => ({ stable, canary, baseline })

const ten = limits(10, undefined)
const tight = limits(10, { rollingUpdate: { maxSurge: 1 } })
const noSurge = limits(10, { rollingUpdate: { maxSurge: 0, maxUnavailable: 2 } })
const twenty = counts(6, 2, 2)
const back = counts(10, 0, 0)

describe('a move of three sides', () => {
  test.each<readonly [string, typeof ten, Fleets, AllCounts, AllCounts]>([
    [
      'shares the surge, and the odd pod is the canary’s',
      ten,
      fleets(fleet(10), none, none),
      twenty,
      counts(10, 2, 1),
    ],
    [
      'takes stable down for both once both are ready',
      ten,
      fleets(fleet(10), fleet(2), fleet(1)),
      twenty,
      counts(7, 2, 1),
    ],
    [
      'waits for a baseline that is not ready',
      ten,
      fleets(fleet(10), fleet(2), fleet(1, 0)),
      twenty,
      counts(10, 2, 1),
    ],
    [
      'gives the baseline the room that is left',
      ten,
      fleets(fleet(7), fleet(2), fleet(1)),
      twenty,
      counts(7, 2, 2),
    ],
    ['stands', ten, fleets(fleet(6), fleet(2), fleet(2)), twenty, twenty],
    [
      'with a surge of one makes the canary first',
      tight,
      fleets(fleet(10), none, none),
      twenty,
      counts(10, 1, 0),
    ],
    ['then the baseline', tight, fleets(fleet(9), fleet(1), none), twenty, counts(9, 1, 1)],
    ['and so on', tight, fleets(fleet(8), fleet(1), fleet(1)), twenty, counts(8, 2, 1)],
    [
      'without surge lets stable make room for both',
      noSurge,
      fleets(fleet(8), none, none),
      twenty,
      counts(8, 1, 1),
    ],
    [
      'takes no canary pod to make a baseline that somebody deleted',
      tight,
      fleets(fleet(6), fleet(2), none),
      twenty,
      counts(6, 2, 2),
    ],
    [
      'takes no baseline pod to make a canary that somebody deleted',
      tight,
      fleets(fleet(6), none, fleet(2)),
      twenty,
      counts(6, 2, 2),
    ],
    [
      'takes a baseline that somebody scaled up down again',
      ten,
      fleets(fleet(6), fleet(2), fleet(5)),
      twenty,
      counts(6, 2, 2),
    ],
    [
      'back: stable grows within the surge, both serve on',
      tight,
      fleets(fleet(6), fleet(2), fleet(2)),
      back,
      counts(7, 2, 2),
    ],
    [
      'back: the canary goes first, as the baseline’s pods are of the accepted version',
      ten,
      fleets(fleet(9), fleet(2), fleet(2)),
      back,
      counts(9, 0, 1),
    ],
    [
      'back: the baseline serves until stable is there, though the canary’s pods went at once',
      ten,
      fleets(fleet(6), fleet(2, 0), fleet(2)),
      back,
      counts(9, 0, 2),
    ],
    [
      'back: a baseline of unknown size covers no pod of the canary',
      ten,
      fleets(fleet(9), fleet(2), unsettled(2)),
      back,
      counts(9, 1, 0),
    ],
    [
      'back: unready pods of both go at once',
      ten,
      fleets(fleet(6), fleet(2, 0), fleet(2, 0)),
      back,
      counts(9, 0, 0),
    ],
  ])('%s', (_sentence, limit, given, target, expected) => {
    expect(moveAll(limit, given, target, true)).toEqual(expected)
  })

  test.each<readonly [string, typeof ten, Fleets, AllCounts, AllCounts]>([
    ['follows the canary', tight, fleets(fleet(10), none, none), counts(7, 3, 3), counts(10, 1, 1)],
    ['takes no room from it', ten, fleets(fleet(7), fleet(3), fleet(3)), counts(5, 5, 5), counts(7, 5, 5)],
    [
      'covers no pod of stable',
      ten,
      fleets(fleet(10), fleet(3, 2), fleet(3)),
      counts(7, 3, 3),
      counts(10, 3, 3),
    ],
    [
      'in surge mode comes at once',
      unbounded(10),
      fleets(fleet(10), none, none),
      counts(10, 5, 5),
      counts(10, 5, 5),
    ],
    [
      'keeps pods that serve while others are missing',
      ten,
      fleets(fleet(5, 4), fleet(5, 3), fleet(5)),
      counts(5, 5, 2),
      counts(5, 5, 3),
    ],
  ])('a baseline on top %s', (_sentence, limit, given, target, expected) => {
    expect(moveAll(limit, given, target, false)).toEqual(expected)
  })

  const anyFleet = fc
    .tuple(fc.nat(30), fc.nat(30), fc.nat(8), fc.boolean())
    .map(([desired, available, surplus, unsettled]) => ({
      ...fleet(desired, Math.min(available, desired + surplus), desired + surplus),
      unsettled,
    }))
  const anyLimits = fc.constantFrom(
    undefined,
    { rollingUpdate: { maxSurge: 1 } },
    { rollingUpdate: { maxSurge: '100%' } },
    { rollingUpdate: { maxSurge: 0, maxUnavailable: '40%' } },
  )
  const anyTarget = fc
    .tuple(fc.nat(30), fc.nat(10), fc.boolean())
    .map(([stable, canary, isOn]) => counts(stable, canary, isOn ? canary : 0))
  const sides = ['stable', 'canary', 'baseline'] as const

  test('never goes past its target, nor away from it', () => {
    fc.assert(
      fc.property(
        anyFleet,
        anyFleet,
        anyFleet,
        anyLimits,
        anyTarget,
        fc.boolean(),
        (stable, canary, baseline, strategy, target, isCounted) => {
          const given = fleets(stable, canary, baseline)
          const next = moveAll(limits(20, strategy), given, target, isCounted)
          for (const side of sides) {
            const low = Math.min(given[side].desired, target[side])
            expect(next[side], side).toBeGreaterThanOrEqual(low)
            expect(next[side], side).toBeLessThanOrEqual(Math.max(given[side].desired, target[side]))
          }
        },
      ),
    )
  })

  test('takes no pod that serves below the floor, and makes none above the ceiling', () => {
    fc.assert(
      fc.property(
        anyFleet,
        anyFleet,
        anyFleet,
        anyLimits,
        anyTarget,
        fc.boolean(),
        (stable, canary, baseline, strategy, target, isCounted) => {
          const given = fleets(stable, canary, baseline)
          const { ceiling, floor } = limits(20, strategy)
          const next = moveAll({ ceiling, floor }, given, target, isCounted)
          const serving = (all: AllCounts) =>
            sides.reduce((sum, side) => sum + Math.min(given[side].available, all[side]), 0)
          const before = serving(counts(stable.desired, canary.desired, baseline.desired))
          if (serving(next) < before) expect(serving(next)).toBeGreaterThanOrEqual(floor)
          const beside = next.canary + (isCounted ? next.baseline : 0)
          const grown = next.canary > canary.desired || (isCounted && next.baseline > baseline.desired)
          if (grown) expect(Math.max(next.stable, stable.existing) + beside).toBeLessThanOrEqual(ceiling)
          const existing = canary.existing + (isCounted ? baseline.existing : 0)
          if (next.stable > stable.desired) expect(next.stable + existing).toBeLessThanOrEqual(ceiling)
        },
      ),
    )
  })

  test('without a baseline is the move of two', () => {
    fc.assert(
      fc.property(anyFleet, anyFleet, anyLimits, anyTarget, (stable, canary, strategy, target) => {
        const two = { ...target, baseline: 0 }
        const limit = limits(20, strategy)
        expect(moveAll(limit, fleets(stable, canary, none), two, true)).toEqual({
          ...move(limit, stable, canary, target),
          baseline: 0,
        })
      }),
    )
  })
})
