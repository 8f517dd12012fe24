/** Whatever people type in whatever order: nobody gets past an approval that is not theirs to give. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide } from '../../src/core/decide.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { stages } from '../../src/core/plan/expand.ts'
import { type Approvers, parsePlan } from '../../src/core/plan/plan.ts'
import { printState, readState, type State } from '../../src/core/state.ts'
import { annotated, command, respecified, update } from './admission/stored.ts'
import { canarySeen, seen } from './observations.ts'
import { COMMAND, CONTROLLER, NOW, release, STATE, STEPS, shop, template } from './shop.ts'

const PEOPLE = [
  { by: 'alice', groups: ['developers'] },
  { by: 'bob', groups: ['sre'] },
  { by: 'carol', groups: ['sre', 'developers'] },
  { by: 'system:anonymous', groups: ['system:unauthenticated', 'sre'] },
] as const
type Who = (typeof PEOPLE)[number]

/** What was accepted, by whom, and at which stage. */
interface Accepted {
  readonly word: string
  readonly who: Who
  readonly step: number
}

const steps = fc
  .array(
    fc.constantFrom(
      '30%',
      'approve',
      'approve by other',
      'approve by group:sre',
      'approve by 2',
      'approve by 2 other group:sre',
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(all => all.join(', '))

type Event =
  | { readonly kind: 'look' }
  | { readonly kind: 'type'; readonly word: string; readonly who: Who }
  | { readonly kind: 'apply'; readonly who: Who; readonly promote: boolean }

const who = fc.constantFrom<Who>(...PEOPLE)
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'look' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('type' as const),
      word: fc.oneof(
        { weight: 6, arbitrary: fc.constant('approve') },
        { weight: 2, arbitrary: fc.constantFrom('skip', 'promote') },
        { weight: 1, arbitrary: fc.constantFrom('retry', 'abort', 'pause', 'resume') },
      ),
      who,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('apply' as const), who, promote: fc.boolean() }),
  },
)

/** v1 serves; what is applied, typed and decided goes through the real admission. */
class Cluster {
  object: Deployment
  accepted: Accepted[] = []
  /** Who changed the template last. */
  author = ''
  #version = 1
  #canary: number | undefined

  constructor(plan: string) {
    this.object = shop({ annotations: { [STEPS]: plan } })
  }

  get state(): State | undefined {
    const read = readState(this.object.metadata.annotations)
    return read.kind === 'ok' ? read.state : undefined
  }

  apply(who: Who, promote: boolean): void {
    const version = `v${this.#version + 1}`
    const changed = respecified(this.object, { template: template(version) })
    const stored = update(this.object, promote ? annotated(changed, { [COMMAND]: 'promote' }) : changed, who)
    if (!stored.allowed) return
    this.object = stored.object
    this.author = who.by
    this.#version += 1
    this.#canary = undefined
    this.accepted = promote ? [{ word: 'promote', who, step: 0 }] : []
  }

  type(word: string, who: Who): void {
    const { phase, step = 0 } = this.state ?? {}
    const stored = command(this.object, word, who)
    this.object = stored.object
    if (!stored.allowed) return
    this.accepted.push({ word, who, step: phase === 'Pending' ? 0 : step })
  }

  look(): void {
    const { replicas = 10, paused = false } = this.object.spec
    const canary =
      this.#canary === undefined ? undefined : canarySeen(this.#canary, this.#canary, this.#released)
    const looks = seen({ ...this.#template, replicas, paused, canary })
    const before = this.state
    const { state, canary: wanted } = decide(before, looks, NOW)
    // Tried again from the first step: what was approved before counts no longer.
    if (before?.phase === 'Failed' && state?.phase !== 'Promoting' && state?.phase !== 'Failed')
      this.accepted = []
    if (wanted === 'none') this.#canary = undefined
    else if (wanted !== 'keep') this.#canary = wanted
    const text = state && printState(state)
    this.object = update(this.object, annotated(this.object, { [STATE]: text }), { by: CONTROLLER }).object
  }

  get #template() {
    return { template: release(`v${this.#version}`) }
  }

  get #released() {
    return { release: release(`v${this.#version}`) }
  }
}

function mayBeOneOf({ other, group }: Approvers, { by, groups }: Who, author: string): boolean {
  const isNamed = by !== 'system:anonymous'
  const isOther = !other || (author !== 'system:anonymous' && by !== author)
  return isNamed && isOther && (!group || groups.some(one => one === group))
}

/** Whether what was accepted is enough for a stage, by a reading of the rules that shares nothing with theirs. */
function isPassed(
  approvers: Approvers,
  index: number,
  accepted: readonly Accepted[],
  author: string,
): boolean {
  const fit = accepted.filter(({ who }) => mayBeOneOf(approvers, who, author))
  const approvals = fit.filter(({ word, step }) => word === 'approve' && step === index)
  const needed = approvers.count ?? 1
  if (new Set(approvals.map(({ who }) => who.by)).size >= needed) return true
  const alone = fit.some(
    ({ word, step }) => (word === 'skip' && step === index) || (word === 'promote' && step <= index),
  )
  return needed === 1 && alone
}

test('an approval is passed by those who may give it, and by nobody else', () => {
  let passed = 0
  fc.assert(
    fc.property(steps, who, fc.array(event, { maxLength: 30, size: 'max' }), (text, author, events) => {
      const reading = parsePlan(text)
      const all = 'plan' in reading ? stages(reading.plan) : []
      const cluster = new Cluster(text)
      cluster.apply(author, false)
      for (const one of events) {
        if (one.kind === 'apply') cluster.apply(one.who, one.promote)
        if (one.kind === 'type') cluster.type(one.word, one.who)
        if (one.kind === 'look') cluster.look()
        const { phase, step = 0 } = cluster.state ?? {}
        if (phase !== 'Progressing' && phase !== 'Promoting') continue
        const behind = phase === 'Promoting' ? all : all.slice(0, step)
        for (const [index, { approvers, label }] of behind.entries()) {
          if (!approvers) continue
          passed += 1
          const story = `${label}, of ${cluster.author}: ${JSON.stringify(cluster.accepted)}`
          expect(isPassed(approvers, index, cluster.accepted, cluster.author), story).toBe(true)
        }
        if (phase === 'Promoting') return
      }
    }),
    { numRuns: 600 },
  )
  expect(passed).toBeGreaterThan(100)
})
