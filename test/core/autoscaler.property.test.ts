/** Properties of releases on a Deployment that an autoscaler scales: whatever it does, it is never fought. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HorizontalPodAutoscaler } from '../../src/core/kubernetes.ts'
import {
  accidents,
  common,
  type Event,
  happen,
  nothing,
  people,
  plans,
  play,
  released,
  sizes,
  strategies,
  told,
} from './events.ts'
import type { World } from './world.ts'

const AUTOSCALER: HorizontalPodAutoscaler = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' } },
}

/** What an autoscaler asks for: KEDA also goes to 0. */
const scaling = (least: number) =>
  fc.record({ kind: fc.constant('scale' as const), count: fc.integer({ min: least, max: 40 }) })
const events = (least: number) =>
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: common },
      { weight: 2, arbitrary: people },
      { weight: 3, arbitrary: scaling(least) },
      { weight: 1, arbitrary: accidents },
    ),
    { maxLength: 60 },
  )
const replicas = (world: World) => world.deployment.spec.replicas ?? 1

describe('an autoscaler that is there from the beginning', () => {
  test('is the only one that changes the size: no write of ours does, nor what the webhook makes of others’', () => {
    fc.assert(
      fc.property(sizes, plans, strategies, events(0), (total, plan, strategy, all) => {
        const world = released(total, plan, strategy, 'shift')
        world.autoscalers = [AUTOSCALER]
        for (const event of all) {
          const before = replicas(world)
          happen(world, event, nothing)
          if (event.kind === 'scale') continue
          told(world, () => expect(replicas(world), 'spec.replicas').toBe(before))
        }
      }),
      { numRuns: 400 },
    )
  })

  test('may scale at any time: no write takes a pod away that is needed for its size', () => {
    fc.assert(
      fc.property(sizes, plans, strategies, events(1), (total, plan, strategy, all) => {
        const world = released(total, plan, strategy, 'shift')
        world.autoscalers = [AUTOSCALER]
        for (const event of all) {
          let before = remaining(world)
          happen(world, event, () => {
            const after = remaining(world)
            if (world.deployment.spec.paused && !overdue(world)) {
              told(world, () =>
                expect(after, 'pods that serve').toBeGreaterThanOrEqual(Math.min(before, replicas(world))),
              )
            }
            before = after
          })
        }
      }),
      { numRuns: 120 },
    )
  })

  test('does not keep a release from its end, on as many pods as it wants', () => {
    fc.assert(
      fc.property(sizes, plans, strategies, events(0), (total, plan, strategy, all) => {
        const world = released(total, plan, strategy, 'shift')
        world.autoscalers = [AUTOSCALER]
        for (const event of all) happen(world, event, nothing)
        if (replicas(world) === 0) happen(world, { kind: 'scale', count: 3 }, nothing)
        told(world, () => {
          const before = replicas(world)
          play(world, nothing)
          world.settle()
          expect(replicas(world)).toBe(before)
          if (world.state?.reason === 'PromotionStalled') return
          expect(world.canary).toBeUndefined()
          if (!isBroken(world)) expect(world.stableAvailable).toBe(before)
        })
      }),
      { numRuns: 100 },
    )
  })
})

describe('an autoscaler that comes and goes', () => {
  const comesAndGoes = fc.array(
    fc.oneof({ weight: 4, arbitrary: events(1).filter(all => all.length > 0) }, fc.boolean()),
    { maxLength: 8 },
  )

  test('is given the full size once, and nothing else', () => {
    fc.assert(
      fc.property(sizes, plans, strategies, comesAndGoes, (total, plan, strategy, acts) => {
        const world = released(total, plan, strategy, 'shift')
        for (const act of acts) {
          if (typeof act === 'boolean') world.autoscalers = act ? [AUTOSCALER] : []
          else for (const event of act) watched(world, event)
        }
      }),
      { numRuns: 150 },
    )
  })

  function watched(world: World, event: Event): void {
    let before = replicas(world)
    happen(world, event, () => {
      const after = replicas(world)
      if (world.autoscalers.length > 0 && after !== before) {
        told(world, () => expect(after, 'the full size').toBe(world.state?.total))
      }
      before = after
    })
  }
})

/** What would serve once Kubernetes has carried the specs out: it takes unready pods first. */
function remaining(world: World): number {
  const stable = Math.min(world.stableAvailable, replicas(world))
  return stable + Math.min(world.canaryAvailable, world.canary?.spec.replicas ?? 0)
}

/** A canary that failed by itself goes after a minute even if stable is not back. */
function overdue(world: World): boolean {
  const { state } = world
  const bad = state?.phase === 'Failed' && state.reason === 'CanaryRestarted'
  return bad && world.now >= Date.parse(state.failedAt ?? '') + 60_000
}

function isBroken(world: World): boolean {
  return world.deployment.spec.template.spec?.containers?.[0]?.image === 'shop:bad'
}
