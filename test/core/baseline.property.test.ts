/** A release with a baseline that is well under way, and then anything: capacity, at every single write. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../src/core/replicas.ts'
import { isBaselineCounted } from '../../src/core/weights.ts'
import {
  accidents,
  common,
  happen,
  nothing,
  people,
  plans,
  reconcile,
  released,
  strategies,
  told,
} from './events.ts'
import type { World } from './world.ts'

const events = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: common },
    { weight: 1, arbitrary: people },
    { weight: 1, arbitrary: accidents },
  ),
  // Left to itself, fast-check makes a few of them at most.
  { maxLength: 60, size: 'max' },
)
const runs = fc.tuple(fc.integer({ min: 2, max: 40 }), plans, strategies, fc.nat(30), events)

/** Some rounds in which everybody does their part. */
function underWay(
  total: number,
  plan: Parameters<typeof released>[1],
  strategy: World['deployment']['spec']['strategy'],
  rounds: number,
) {
  const world = released(total, plan, strategy, 'shift', true)
  for (let round = 0; round < rounds; round += 1) {
    if (world.state?.phase !== 'Progressing' && round > 2) break
    reconcile(world, nothing)
    world.sync()
    world.ready(5)
    world.now += 5000
  }
  return world
}

/** What would serve once Kubernetes has carried the specs out: it takes unready pods first. */
function remaining(world: World): number {
  const { deployment, canary, baseline } = world
  return (
    Math.min(world.stableAvailable, deployment.spec.replicas ?? 0) +
    Math.min(world.canaryAvailable, canary?.spec.replicas ?? 0) +
    Math.min(world.baselineAvailable, baseline?.spec.replicas ?? 0)
  )
}

/** A canary that failed by itself goes after a minute even if stable is not back. */
function overdue({ state, now }: World): boolean {
  const bad = state?.phase === 'Failed' && state.reason === 'CanaryRestarted'
  return bad && now >= Date.parse(state.failedAt ?? '') + 60_000
}

test('no write takes a healthy pod of any side away below the floor', () => {
  let begun = 0
  fc.assert(
    fc.property(runs, ([total, plan, strategy, rounds, events]) => {
      const world = underWay(total, plan, strategy, rounds)
      const { floor } = limits(total, strategy)
      if (world.baseline) begun += 1
      let before = remaining(world)
      for (const event of events) {
        happen(world, event, () => {
          const after = remaining(world)
          const taken = after < before
          before = after
          if (!taken || !world.deployment.spec.paused || overdue(world)) return
          told(world, () => expect(after, 'pods that serve').toBeGreaterThanOrEqual(floor))
        })
        before = remaining(world)
      }
    }),
    { numRuns: 150 },
  )
  expect(begun).toBeGreaterThan(30)
})

test('never more pods than N + maxSurge, a baseline on top aside', () => {
  fc.assert(
    fc.property(runs, ([total, plan, strategy, rounds, events]) => {
      const world = underWay(total, plan, strategy, rounds)
      const { ceiling } = limits(total, strategy)
      for (const event of events) {
        const before = world.existing
        // Of a mix that a promotion leaves behind, Kubernetes keeps more pods: its doing, see weights.ts.
        if (world.state?.phase === 'Promoting') return
        happen(world, event, () => {
          const { state, baseline, deployment } = world
          if (!state || !deployment.spec.paused) return
          const onTop = isBaselineCounted(state) ? 0 : (baseline?.spec.replicas ?? 0)
          const most = Math.max(ceiling + onTop, before)
          told(world, () => expect(world.existing, 'pods').toBeLessThanOrEqual(most))
        })
      }
    }),
    { numRuns: 150 },
  )
})
