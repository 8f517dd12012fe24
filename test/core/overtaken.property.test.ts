/**
 * A version that is not fit, promoted by hand, leaves a mix that never serves whole. A canary that came after it has
 * to make up for that, so it cannot simply be ended.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Event, happen, nothing, play, released, told } from './events.ts'

const CANARY_THEN_WAIT = [{ kind: 'weight', percent: 50, hold: 5 }, { kind: 'approve' }] as const

const gap = fc.array(
  fc.constantFrom<Event>(
    { kind: 'reconcile' },
    { kind: 'sync' },
    { kind: 'ready', count: 1 },
    { kind: 'ready', count: 5 },
  ),
  { maxLength: 14, size: 'max' },
)
const strategies = fc.constantFrom(
  undefined,
  { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  { rollingUpdate: { maxSurge: '100%', maxUnavailable: '50%' } },
)

test.each<readonly [string, string, readonly Event[]]>([
  ['the first version, applied again over all of that', 'v1', []],
  ['a fourth version, promoted by hand over all of that', 'v4', [{ kind: 'command', word: 'promote' }]],
])('%s, serves alone in the end', (_sentence, last, and) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 2, max: 6 }),
      strategies,
      fc.tuple(gap, gap, gap, gap, gap),
      (total, scaled, strategy, gaps) => {
        const world = released(total, CANARY_THEN_WAIT, strategy, 'shift')
        const acts: readonly Event[] = [
          { kind: 'apply', version: 'bad' },
          { kind: 'scale', count: scaled },
          { kind: 'command', word: 'promote' },
          { kind: 'apply', version: 'v3' },
          { kind: 'apply', version: last },
          ...and,
        ]
        for (const [index, act] of acts.entries()) {
          happen(world, act, nothing)
          for (const event of gaps[index] ?? []) happen(world, event, nothing)
        }
        told(world, () => {
          play(world, nothing)
          world.settle()
          expect(world.serving).toEqual([last])
          expect(world.stableAvailable).toBe(world.deployment.spec.replicas)
          expect(world.canary).toBeUndefined()
        })
      },
    ),
    { numRuns: 150, examples: [ENDLESS] },
  )
})

const sync = { kind: 'sync' } as const
const look = { kind: 'reconcile' } as const
/** Two pods of each, of which those of v1 alone serve, beside one canary pod of v3. */
const ENDLESS: [number, number, undefined, [Event[], Event[], Event[], Event[], Event[]]] = [
  1,
  3,
  undefined,
  [[], [], [sync, look, sync], [sync, look, look], []],
]
