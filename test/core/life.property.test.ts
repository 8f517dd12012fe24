/**
 * Properties of whole releases: for any number of replicas, any plan and any order of events, what must never
 * happen does not, at every single write, also when the controller is killed between two of them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Plan } from '../../src/core/plan/plan.ts'
import { limits } from '../../src/core/replicas.ts'
import { isLive } from '../../src/core/state.ts'
import { isBaselineCounted, targetOf } from '../../src/core/weights.ts'
import {
  accidents,
  baselines,
  common,
  type Event,
  happen,
  nothing,
  people,
  plans,
  play,
  reconcile,
  released,
  scaling,
  sizes,
  strategies,
  told,
} from './events.ts'
import type { World } from './world.ts'

describe('capacity', () => {
  /** What would serve once Kubernetes has carried the specs out: it takes unready pods first. */
  function remaining(world: World): number {
    const stable = Math.min(world.stableAvailable, world.deployment.spec.replicas ?? 0)
    const canary = Math.min(world.canaryAvailable, world.canary?.spec.replicas ?? 0)
    return stable + canary + Math.min(world.baselineAvailable, world.baseline?.spec.replicas ?? 0)
  }

  test('no write takes a healthy pod away below the floor', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        fc.constantFrom('shift', 'surge'),
        baselines,
        fc.array(
          fc.oneof(
            { weight: 9, arbitrary: common },
            { weight: 2, arbitrary: people },
            { weight: 1, arbitrary: accidents },
          ),
          {
            maxLength: 60,
          },
        ),
        (total, plan, strategy, capacity, baseline, events) => {
          const world = released(total, plan, strategy, capacity, baseline)
          const { floor } = capacity === 'surge' ? { floor: total } : limits(total, strategy)
          let before = remaining(world)
          const check = () => {
            const after = remaining(world)
            const taken = after < before
            before = after
            if (!taken || !world.deployment.spec.paused || overdue(world)) return
            told(world, () => expect(after, 'pods that serve').toBeGreaterThanOrEqual(floor))
          }
          for (const event of events) {
            happen(world, event, check)
            before = remaining(world)
          }
        },
      ),
      { numRuns: 120 },
    )
  })

  test('a third version over the mix of two takes no pod away below the floor', () => {
    let mixes = 0
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 40 }),
        fc.array(common, { minLength: 20, maxLength: 80 }),
        (total, events) => {
          const half: Plan = [{ kind: 'weight', percent: 50, hold: 0 }]
          const world = released(
            total,
            half,
            { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
            'shift',
          )
          for (let round = 0; round < 40 && world.serving.length < 2; round += 1) {
            reconcile(world, nothing)
            world.sync()
            world.ready(1 + Math.floor(total / 6))
          }
          if (world.state?.phase !== 'Promoting' || world.serving.length < 2) return
          mixes += 1
          world.apply('v3')
          let least = Math.min(total, remaining(world))
          for (const event of events) {
            happen(world, event, () => {
              if (!world.deployment.spec.paused) return
              told(world, () => expect(remaining(world), 'pods that serve').toBeGreaterThanOrEqual(least))
            })
            if (!world.deployment.spec.paused) return
            least = Math.min(total, remaining(world))
          }
        },
      ),
      { numRuns: 80 },
    )
    expect(mixes).toBeGreaterThan(10)
  })

  /** A canary that failed by itself goes after a minute even if stable is not back. */
  function overdue(world: World): boolean {
    const { state } = world
    const bad = state?.phase === 'Failed' && state.reason === 'CanaryRestarted'
    return bad && world.now >= Date.parse(state.failedAt ?? '') + 60_000
  }

  test('never more pods than N + maxSurge, outside surge mode and the end of a promotion', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        baselines,
        fc.array(fc.oneof({ weight: 6, arbitrary: common }, people), { maxLength: 60 }),
        (total, plan, strategy, baseline, events) => {
          const world = released(total, plan, strategy, 'shift', baseline)
          const { ceiling } = limits(total, strategy)
          // One replica runs one of each; the webhook refuses it where maxSurge is 0.
          const most = Math.max(ceiling, Math.min(total + 1, 2))
          for (const event of events) {
            const check = () => {
              if (world.state?.phase === 'Promoting' || world.state?.surge || !world.deployment.spec.paused)
                return
              if (growing) return
              const { state } = world
              const onTop = state && isBaselineCounted(state) ? 0 : (world.baseline?.spec.replicas ?? 0)
              // Kubernetes keeps maxSurge more pods of a frozen mix: its doing, see weights.ts.
              const mix = world.serving.length > 1 ? ceiling - total : 0
              told(world, () =>
                expect(world.existing, 'pods').toBeLessThanOrEqual(Math.max(most + mix + onTop, before)),
              )
            }
            const before = world.existing
            // A promotion that was let go or stopped half-way left more pods behind: they must not become more.
            const growing = world.state?.phase === 'Promoting'
            happen(world, event, check)
          }
        },
      ),
      { numRuns: 120 },
    )
  })
})

describe('the end', () => {
  test('every run ends, with N pods of one version and nothing of ours left but a held template', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        fc.constantFrom('shift', 'surge'),
        baselines,
        fc.array(
          fc.oneof({ weight: 6, arbitrary: common }, { weight: 2, arbitrary: people }, scaling, accidents),
          { maxLength: 40 },
        ),
        (total, plan, strategy, capacity, baseline, events) => {
          const world = released(total, plan, strategy, capacity, baseline)
          for (const event of events) happen(world, event, nothing)
          told(world, () => {
            play(world, nothing)
            world.settle()
            const { state } = world
            if (state?.reason !== 'PromotionStalled') {
              expect(world.canary).toBeUndefined()
              expect(world.baseline).toBeUndefined()
            }
            if (state?.phase === 'Failed') expect(world.deployment.spec.paused).toBe(true)
            else {
              expect(world.deployment.spec.paused ?? false).toBe(false)
              expect(world.snapshots).toEqual([])
              expect(world.deployment.status?.conditions ?? []).toEqual([])
            }
            const broken = world.deployment.spec.template.spec?.containers?.[0]?.image === 'shop:bad'
            if (!broken && world.state?.reason !== 'PromotionStalled') {
              expect(world.stableAvailable).toBe(world.deployment.spec.replicas)
            }
            // What is left of an ended release is a record: N may change after it.
            if (state && isLive(state)) expect(state.total).toBe(world.deployment.spec.replicas)
          })
        },
      ),
      { numRuns: 120 },
    )
  })

  test('a version that never becomes ready ends with the former one on all pods', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        baselines,
        fc.array(
          fc.oneof({ weight: 9, arbitrary: common }, fc.constant<Event>({ kind: 'lose', what: 'canary' })),
          { maxLength: 30 },
        ),
        (total, plan, strategy, baseline, events) => {
          fc.pre(plan.some(one => one.kind !== 'approve'))
          const world = released(total, plan, strategy, 'shift', baseline)
          world.broken.add('v2')
          for (const event of events) happen(world, event, nothing)
          told(world, () => {
            play(world, nothing)
            world.settle()
            expect(world.state?.phase).toBe('Failed')
            expect(world.serving).toEqual(['v1'])
            expect(world.stableAvailable).toBe(total)
          })
        },
      ),
      { numRuns: 80 },
    )
  })

  test('the controller killed after any write ends the same way', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        baselines,
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 }),
        (total, plan, strategy, baseline, crashes) => {
          const world = released(total, plan, strategy, 'shift', baseline)
          for (const count of crashes) {
            happen(world, { kind: 'crash', count }, nothing)
            world.sync()
            world.ready(3)
          }
          told(world, () => {
            play(world, nothing)
            world.settle()
            expect(world.state?.phase).toBe('Succeeded')
            expect(world.serving).toEqual(['v2'])
            expect(world.stableAvailable).toBe(total)
          })
        },
      ),
      { numRuns: 80 },
    )
  })
})

describe('progress', () => {
  test('weights never go down for one template and one N, but on failure', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        baselines,
        fc.array(fc.oneof(common, accidents), { maxLength: 60 }),
        (total, plan, strategy, baseline, events) => {
          const world = released(total, plan, strategy, 'shift', baseline)
          let weight = 0
          let pods = 0
          for (const event of events) {
            if (event.kind === 'lose') pods = 0
            happen(world, event, () => {
              if (world.state?.phase !== 'Progressing') return
              const wanted = targetOf(world.state).canary
              const running = world.canary?.spec.replicas ?? 0
              told(world, () => {
                expect(wanted, 'weight').toBeGreaterThanOrEqual(weight)
                expect(running, 'canary pods').toBeGreaterThanOrEqual(pods)
              })
              weight = wanted
              pods = running
            })
          }
        },
      ),
      { numRuns: 80 },
    )
  })

  test('a second decision with nothing changed wants no write', () => {
    fc.assert(
      fc.property(
        sizes,
        plans,
        strategies,
        fc.constantFrom('shift', 'surge'),
        baselines,
        fc.array(fc.oneof({ weight: 5, arbitrary: common }, people, scaling, accidents), { maxLength: 40 }),
        (total, plan, strategy, capacity, baseline, events) => {
          const world = released(total, plan, strategy, capacity, baseline)
          for (const event of events) {
            happen(world, event, nothing)
            // What one write makes possible, the next decision takes up: that comes to rest at once.
            for (let round = 0; round < 12; round += 1) reconcile(world, nothing)
            told(world, () => expect(world.writes().writes.map(({ what }) => what)).toEqual([]))
          }
        },
      ),
      { numRuns: 80 },
    )
  })
})
