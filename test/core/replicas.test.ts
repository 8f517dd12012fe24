/** Replica arithmetic: the bounds of the user's strategy, and one move within them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeploymentSpec } from '../../src/core/kubernetes.ts'
import { type Fleet, limits, move, unbounded } from '../../src/core/replicas.ts'

const rolling = (
  maxSurge?: number | string,
  maxUnavailable?: number | string,
): DeploymentSpec['strategy'] => ({
  rollingUpdate: {
    ...(maxSurge !== undefined && { maxSurge }),
    ...(maxUnavailable !== undefined && { maxUnavailable }),
  },
})

test.each<readonly [string, number, DeploymentSpec['strategy'], number, number]>([
  ['nothing said: a quarter on top, none missing', 10, undefined, 13, 10],
  ['the type alone says nothing either', 10, { type: 'RollingUpdate' }, 13, 10],
  ['a surge is rounded up', 3, rolling('25%'), 4, 3],
  ['one replica has room for another', 1, undefined, 2, 1],
  ['a number of pods', 10, rolling(1), 11, 10],
  ['everything twice', 10, rolling('100%'), 20, 10],
  ['maxUnavailable counts for nothing beside a surge', 10, rolling(1, 5), 11, 10],
  ['no surge: as many missing as allowed', 10, rolling(0, 3), 10, 7],
  ['no surge: a share missing, rounded down', 10, rolling(0, '25%'), 10, 8],
  ['no surge and too small a share: one', 3, rolling(0, '25%'), 3, 2],
  ['neither: one missing, as the Deployment controller does it', 10, rolling(0, 0), 10, 9],
  ['no replicas', 0, undefined, 0, 0],
])('limits: %s', (_sentence, total, strategy, ceiling, floor) => {
  expect(limits(total, strategy)).toEqual({ ceiling, floor })
})

const fleet = (desired: number, available = desired, existing = desired): Fleet => ({
  desired,
  available,
  existing,
})
const none = fleet(0)

describe('a move', () => {
  const ten = limits(10, undefined)
  const tight = limits(10, rolling(1))
  const noSurge = limits(10, rolling(0, 2))
  const three = { stable: 7, canary: 3 }

  test('counts of a former size of the canary cover no stable pod, and let no canary pod go', () => {
    const uncertain = { ...fleet(3, 3), unsettled: true }
    expect(move(ten, fleet(10), uncertain, three)).toEqual({ stable: 10, canary: 3 })
    expect(move(ten, fleet(10), fleet(3, 3), three)).toEqual({ stable: 7, canary: 3 })
    const none = { stable: 10, canary: 0 }
    expect(move(ten, fleet(10, 7), { ...fleet(3, 0), unsettled: true }, none)).toEqual({
      stable: 10,
      canary: 3,
    })
    expect(move(ten, fleet(10, 7), fleet(3, 0), none)).toEqual(none)
  })

  test('counts of a former size of stable make no room for the canary, unless nothing bounds it', () => {
    const uncertain = { ...fleet(7, 7), unsettled: true }
    const half = { stable: 5, canary: 5 }
    expect(move(ten, uncertain, fleet(3), half)).toEqual({ stable: 7, canary: 3 })
    expect(move(ten, fleet(7), fleet(3), half)).toEqual({ stable: 7, canary: 5 })
    const surge = { stable: 7, canary: 5 }
    expect(move(unbounded(7), uncertain, fleet(3), surge)).toEqual(surge)
  })

  test.each([
    [
      'the canary comes first, within the surge',
      ten,
      fleet(10),
      none,
      { stable: 5, canary: 5 },
      { stable: 10, canary: 3 },
    ],
    [
      'stable waits for canary pods that are not ready',
      ten,
      fleet(10),
      fleet(3, 0),
      three,
      { stable: 10, canary: 3 },
    ],
    [
      'stable waits for the whole slice, so that it is one write',
      ten,
      fleet(10),
      fleet(3, 2),
      three,
      { stable: 10, canary: 3 },
    ],
    [
      'unless a quota cuts the slice short: only stable’s pods can make the room for the rest',
      ten,
      fleet(10),
      { ...fleet(3, 2), failure: 'exceeded quota' },
      three,
      { stable: 8, canary: 3 },
    ],
    ['stable is at its share when all are ready', ten, fleet(10), fleet(3), three, three],
    [
      'the next slice takes the room that was made',
      ten,
      fleet(7),
      fleet(3),
      { stable: 5, canary: 5 },
      { stable: 7, canary: 5 },
    ],
    [
      'pods of stable that still stop leave no room',
      ten,
      fleet(7, 7, 10),
      fleet(3),
      { stable: 4, canary: 6 },
      { stable: 7, canary: 3 },
    ],
    ['maxSurge 1 makes slices of one', tight, fleet(10), none, three, { stable: 10, canary: 1 }],
    ['and takes them one by one', tight, fleet(10), fleet(1), three, { stable: 9, canary: 1 }],
    [
      'an unready pod of stable counts for nothing: none may go',
      ten,
      fleet(10, 9),
      fleet(0),
      { stable: 9, canary: 0 },
      { stable: 10, canary: 0 },
    ],
    [
      'without surge stable goes first, within maxUnavailable',
      noSurge,
      fleet(10),
      none,
      three,
      { stable: 8, canary: 0 },
    ],
    [
      'and the canary waits while stable’s pods still stop',
      noSurge,
      fleet(8, 8, 10),
      none,
      three,
      { stable: 8, canary: 0 },
    ],
    [
      'until they are gone: the canary takes their room',
      noSurge,
      fleet(8),
      none,
      three,
      { stable: 8, canary: 2 },
    ],
    [
      'back: stable grows first, within the surge',
      ten,
      fleet(5),
      fleet(5),
      { stable: 10, canary: 0 },
      { stable: 8, canary: 5 },
    ],
    [
      'back: ready canary pods stay until stable is back',
      ten,
      fleet(10, 8),
      fleet(5),
      { stable: 10, canary: 0 },
      { stable: 8 + 2, canary: 2 },
    ],
    [
      'back: unready canary pods go at once',
      ten,
      fleet(5),
      fleet(5, 0),
      { stable: 10, canary: 0 },
      { stable: 8, canary: 0 },
    ],
    [
      'back: all go when stable serves',
      ten,
      fleet(10),
      fleet(5),
      { stable: 10, canary: 0 },
      { stable: 10, canary: 0 },
    ],
    [
      'one replica runs one of each',
      limits(1, undefined),
      fleet(1),
      none,
      { stable: 1, canary: 1 },
      { stable: 1, canary: 1 },
    ],
    [
      'in surge mode the canary comes on top at once',
      unbounded(10),
      fleet(10),
      none,
      { stable: 10, canary: 10 },
      { stable: 10, canary: 10 },
    ],
    [
      'stable has more than wanted after a scaling down',
      limits(4, undefined),
      fleet(10),
      none,
      { stable: 3, canary: 1 },
      { stable: 4, canary: 0 },
    ],
  ])('%s', (_sentence, limit, stable, canary, target, expected) => {
    expect(move(limit, stable, canary, target)).toEqual(expected)
  })

  const fleets = fc
    .tuple(fc.nat(40), fc.nat(40), fc.nat(10))
    .map(([desired, available, surplus]) =>
      fleet(desired, Math.min(available, desired + surplus), desired + surplus),
    )
  const strategies = fc.constantFrom(undefined, rolling(1), rolling('100%'), rolling(0, 1), rolling(0, '40%'))
  const targets = fc
    .nat(30)
    .chain(total => fc.nat(total).map(canary => ({ total, target: { stable: total - canary, canary } })))

  test('never goes past its target, and never away from it', () => {
    fc.assert(
      fc.property(fleets, fleets, strategies, targets, (stable, canary, strategy, { total, target }) => {
        const next = move(limits(total, strategy), stable, canary, target)
        for (const side of ['stable', 'canary'] as const) {
          const from = side === 'stable' ? stable.desired : canary.desired
          const [low, high] = [from, target[side]].sort((a, b) => a - b)
          expect(next[side], side).toBeGreaterThanOrEqual(low ?? 0)
          expect(next[side], side).toBeLessThanOrEqual(high ?? 0)
        }
      }),
    )
  })

  test('takes no healthy pod away below the floor, and makes none above the ceiling', () => {
    fc.assert(
      fc.property(fleets, fleets, strategies, targets, (stable, canary, strategy, { total, target }) => {
        const { ceiling, floor } = limits(total, strategy)
        const next = move({ ceiling, floor }, stable, canary, target)
        const serving = (s: number, c: number) =>
          Math.min(stable.available, s) + Math.min(canary.available, c)
        const after = serving(next.stable, next.canary)
        if (after < serving(stable.desired, canary.desired)) expect(after).toBeGreaterThanOrEqual(floor)
        if (next.stable > stable.desired) expect(next.stable + canary.existing).toBeLessThanOrEqual(ceiling)
        if (next.canary > canary.desired) {
          expect(Math.max(next.stable, stable.existing) + next.canary).toBeLessThanOrEqual(ceiling)
        }
      }),
    )
  })
})
