/** A ReplicaSet of another version has pods while a release is held: how the right one takes over from it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/core/replicas.ts'
import { common, happen, nothing, play, reconcile, released, strategies, told } from './events.ts'
import { type Scaling, scaledPaused } from './paused-scaling.ts'
import type { World } from './world.ts'

describe('a paused Deployment with several ReplicaSets', () => {
  const sets = (...sizes: readonly number[]) =>
    sizes.map((desired, index) => ({ name: `v${index + 1}`, desired, available: desired, scaledFor: 5 }))

  const FOUR = { replicas: 4, ceiling: 5, newest: 'v3' }

  test.each<readonly [string, readonly number[], Scaling, Readonly<Record<string, number>>]>([
    ['gives its one awake set all pods', [2, 0], FOUR, { v1: 4 }],
    ['wakes the newest when all sleep', [0, 0], FOUR, { v2: 4 }],
    ['gives what is missing to the largest', [1, 3], FOUR, { v1: 1, v2: 4 }],
    ['gives it to the newer of equals', [2, 2], FOUR, { v1: 2, v2: 3 }],
    ['takes what is too much from the largest', [4, 3], FOUR, { v1: 2, v2: 3 }],
    ['takes it from the older of equals', [4, 4], FOUR, { v1: 1, v2: 4 }],
    ['shares what a new size brings', [1, 4], { ...FOUR, replicas: 8, ceiling: 10 }, { v1: 2, v2: 8 }],
    ['ends a rollout that is complete', [1, 4], { ...FOUR, newest: 'v2' }, { v1: 0 }],
    ['lets be what fits', [1, 4], FOUR, { v1: 1, v2: 4 }],
  ])('%s', (_sentence, sizes, scaling, expected) => {
    expect(Object.fromEntries(scaledPaused(sets(...sizes), scaling))).toEqual(expected)
  })
})

/** v1, v2 and v1 again were accepted, v3 rejected; scaled to 0 and back, `ahead` pods of v2 are ready before anybody looks. */
function woken(
  total: number,
  strategy: World['deployment']['spec']['strategy'],
  ahead: number,
  isOlder: boolean,
): World {
  const world = released(total, [{ kind: 'weight', percent: 50, hold: 0 }], strategy, 'shift')
  for (const version of ['v2', 'v1']) {
    world.apply(version)
    play(world, nothing)
    world.settle()
  }
  world.apply('v3')
  reconcile(world, nothing)
  world.command('abort')
  play(world, nothing)
  world.settle()
  expect(world.serving).toEqual(['v1'])
  world.scale(0)
  reconcile(world, nothing)
  world.settle()
  if (!isOlder) world.sets.reverse()
  world.story.length = 0
  world.scale(total)
  world.wake('v2')
  world.ready(ahead)
  return world
}

describe('scaled to 0 and back, with the wrong version awake', () => {
  const given = [fc.integer({ min: 1, max: 14 }), strategies, fc.nat(14), fc.boolean()] as const

  test('the right one takes over, whatever comes in between, in few writes', () => {
    fc.assert(
      fc.property(
        ...given,
        fc.boolean(),
        fc.array(common, { maxLength: 20 }),
        (total, strategy, ahead, isOlder, isFast, events) => {
          const world = woken(total, strategy, Math.min(ahead, total), isOlder)
          told(world, () => {
            for (const event of events) happen(world, event, nothing)
            let writes = 0
            for (let round = 0; round < 5 * total + 20; round += 1) {
              // The Deployment controller looks between any two writes, or never.
              reconcile(world, () => isFast && world.sync())
              writes += world.writes().writes.length
              world.sync()
              world.ready(1)
            }
            expect(world.serving).toEqual(['v1'])
            expect(world.stableAvailable).toBe(total)
            expect(writes).toBeLessThanOrEqual(3 * total)
            expect(world.writes().writes).toEqual([])
          })
        },
      ),
      { numRuns: 200 },
    )
  })

  test('at most one pod that serves goes below the floor', () => {
    const [total, strategy, , isOlder] = given
    fc.assert(
      fc.property(total, strategy, isOlder, fc.array(common, { maxLength: 60 }), (...drawn) => {
        const [total, strategy, isOlder, events] = drawn
        const world = woken(total, strategy, total, isOlder)
        const { floor } = limits(total, strategy)
        for (const event of events) {
          happen(world, event, nothing)
          told(world, () => expect(world.stableLasting).toBeGreaterThanOrEqual(floor - 1))
        }
      }),
      { numRuns: 300 },
    )
  })
})
