/** What may happen to a release, for property tests: plans, sizes, events in any order, and the end of it all. */
import fc from 'fast-check'
import { type Plan, printPlan } from '../../src/core/plan/plan.ts'
import { limits } from '../../src/core/replicas.ts'
import { isLive } from '../../src/core/state.ts'
import { World, type Write } from './world.ts'

const step = fc.oneof(
  fc.record({
    kind: fc.constant('weight' as const),
    percent: fc.integer({ min: 1, max: 99 }),
    hold: fc.constantFrom(0, 5, 60),
  }),
  fc.record({
    kind: fc.constant('pods' as const),
    pods: fc.integer({ min: 1, max: 30 }),
    hold: fc.constantFrom(0, 5),
  }),
  fc.constant({ kind: 'approve' as const }),
)
export const plans = fc.array(step, { minLength: 1, maxLength: 5 }).map(inOrder)

/** Weights may only grow within a plan. */
function inOrder(steps: Plan): Plan {
  const sorted = (kind: 'weight' | 'pods', size: (one: Plan[number]) => number) =>
    steps.filter(one => one.kind === kind).sort((a, b) => size(a) - size(b))
  const weights = sorted('weight', one => (one.kind === 'weight' ? one.percent : 0))
  const pods = sorted('pods', one => (one.kind === 'pods' ? one.pods : 0))
  return steps.map(
    one => (one.kind === 'weight' ? weights.shift() : one.kind === 'pods' ? pods.shift() : one) ?? one,
  )
}

export const strategies = fc.constantFrom(
  undefined,
  { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  { rollingUpdate: { maxSurge: '100%', maxUnavailable: '50%' } },
  { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  { rollingUpdate: { maxSurge: 0, maxUnavailable: '40%' } },
)

/** A release beside whose canary fresh pods of the accepted version run, or not. */
export const baselines = fc.boolean()

export type Event =
  | { readonly kind: 'reconcile' | 'sync' | 'hiccup' }
  | { readonly kind: 'crash' | 'ready' | 'scale'; readonly count: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'command'; readonly word: string }
  | { readonly kind: 'apply'; readonly version: string }
  | { readonly kind: 'lose'; readonly what: 'canary' | 'baseline' | 'sets' }

export const common: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Event>({ kind: 'reconcile' }, { kind: 'sync' }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), count: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('ready' as const), count: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 10, 61, 700) }),
  },
)
export const people: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant('command' as const),
    word: fc.constantFrom('approve', 'abort', 'retry', 'skip', 'promote', 'pause', 'resume'),
  }),
  fc.record({ kind: fc.constant('apply' as const), version: fc.constantFrom('v1', 'v2', 'v3', 'bad') }),
)
export const scaling = fc.record({
  kind: fc.constant('scale' as const),
  count: fc.integer({ min: 0, max: 40 }),
})
export const accidents = fc.constantFrom<Event>(
  { kind: 'lose', what: 'canary' },
  { kind: 'lose', what: 'baseline' },
  { kind: 'hiccup' },
)

export const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 200 }) },
)

/** A world where v1 serves, and a release of v2 was asked for. */
export function released(
  total: number,
  plan: Plan,
  strategy: World['deployment']['spec']['strategy'],
  capacity: string,
  baseline = false,
) {
  const annotations = {
    'canaryhook.dev/steps': printPlan(plan),
    'canaryhook.dev/capacity': capacity,
    // Refused for a plan without a weight.
    ...(baseline && plan.some(({ kind }) => kind !== 'approve') && { 'canaryhook.dev/baseline': 'true' }),
  }
  // Refused by the webhook, which has a table of its own.
  fc.pre(!(capacity === 'shift' && total === 1 && limits(1, strategy).ceiling === 1))
  const world = new World(total, annotations, strategy)
  world.broken.add('bad')
  world.apply('v2')
  return world
}

type Check = (world: World, write: Write) => void

export function happen(world: World, event: Event, check: Check): void {
  world.story.push(JSON.stringify(event))
  if (event.kind === 'reconcile') reconcile(world, check)
  if (event.kind === 'crash') reconcile(world, check, event.count)
  if (event.kind === 'sync') world.sync()
  if (event.kind === 'ready') world.ready(event.count)
  if (event.kind === 'hiccup') world.hiccup()
  if (event.kind === 'wait') world.now += event.seconds * 1000
  if (event.kind === 'command') world.command(event.word)
  if (event.kind === 'apply') world.apply(event.version)
  if (event.kind === 'scale') world.scale(event.count)
  if (event.kind === 'lose') world.lose(event.what)
}

/** Runs the controller, up to `most` writes. */
export function reconcile(world: World, check: Check, most = Number.POSITIVE_INFINITY): void {
  for (const write of world.writes().writes.slice(0, most)) {
    world.story.push(`  ${write.what}`)
    const before = world.available
    write.run()
    world.story.push(
      `    ${before} -> ${world.available} serve, ${world.existing} exist; spec.replicas ${world.deployment.spec.replicas}, paused ${world.deployment.spec.paused ?? false}`,
    )
    check(world, write)
  }
}

/** Time passes and everybody does their part, people approve: until the release is over. */
export function play(world: World, check: Check): void {
  for (let round = 0; round < 900; round += 1) {
    const { state } = world
    if (world.writes().writes.length === 0 && isOver(world)) return
    if (state?.held) world.command('resume')
    if (state?.phase === 'Progressing' && !state.requests) world.command('approve')
    reconcile(world, check)
    const before = world.fingerprint
    world.sync()
    world.ready(7)
    const { decision, writes } = world.writes()
    // When there is nothing to do but wait, wait just as long as the decision says.
    const idle = writes.length === 0 && before === world.fingerprint
    world.now = idle ? Math.max(world.now + 1000, decision.wakeAt ?? world.now + 60_000) : world.now + 1000
  }
  throw new Error(`the release never ended: ${JSON.stringify(world.state)}`)
}

function isOver({ state, canary, baseline }: World): boolean {
  if (!state || !isLive(state)) return true
  return (
    state.phase === 'Failed' && ((canary ?? baseline) === undefined || state.reason === 'PromotionStalled')
  )
}

export function told(world: World, claim: () => void): void {
  try {
    claim()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${message}\n${world.story.slice(-60).join('\n')}\nstate ${JSON.stringify(world.state)}`)
  }
}

export const nothing = () => {}
