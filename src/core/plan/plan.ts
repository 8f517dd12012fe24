import { printDuration, type Seconds } from '../duration.ts'
import { parseStep } from './step-parser.ts'

/** Who may pass an `approve` step; at least one of the three is there. */
export interface Approvers {
  /** How many people have to approve. */
  readonly count?: number
  /** Not the author of the change. */
  readonly other?: true
  /** A group of the cluster's users, letter case kept. */
  readonly group?: string
}

/** One step as it was written. A hold of 0 means: go on as soon as the canary is ready and healthy. */
export type Step =
  | { readonly kind: 'weight'; readonly percent: number; readonly hold: Seconds }
  | { readonly kind: 'pods'; readonly pods: number; readonly hold: Seconds }
  | {
      readonly kind: 'ramp'
      readonly from: number
      readonly to: number
      readonly by: number
      readonly hold: Seconds
    }
  | { readonly kind: 'test' }
  | { readonly kind: 'approve'; readonly by?: Approvers; readonly within?: Seconds }

/** What a release goes through, in order; promotion is the implied last step. */
export type Plan = readonly Step[]

/** A longer text is a file that landed in the wrong place, not a plan. */
export const LONGEST_PLAN = 2000
/** Stages after ramps are expanded. More would fill the state annotation and nobody's day. */
export const MOST_STAGES = 50

/**
 * Reads a plan such as `10% for 5m, 50%`: steps with commas between, white space and newlines where one
 * likes, letter case ignored (but in a group's name), a comma at the end allowed.
 *
 * @returns the plan, or every error found, each naming its step (`step 2: …`, counted as written, from 1)
 * and what was expected
 */
export function parsePlan(text: string): { readonly plan: Plan } | { readonly errors: readonly string[] } {
  if (text.length > LONGEST_PLAN) {
    return {
      errors: [`the plan is ${text.length} characters long; more than ${LONGEST_PLAN} are not read`],
    }
  }
  const items = splitItems(text)
  if (items.length === 0) return { errors: ['the plan is empty (write for example 10% for 5m, 50% for 10m)'] }
  if (items.length > MOST_STAGES) {
    return { errors: [`the plan has ${items.length} steps; at most ${MOST_STAGES} are allowed`] }
  }

  const errors: string[] = []
  const plan: Step[] = []
  const highest = new HighestSoFar()
  for (const [index, item] of items.entries()) {
    const reading = parseStep(item)
    const problems = 'problems' in reading ? [...reading.problems] : []
    if ('step' in reading) {
      plan.push(reading.step)
      problems.push(...highest.admit(reading.step, index + 1))
    }
    errors.push(...problems.map(problem => `step ${index + 1}: ${problem}`))
  }
  const stages = plan.reduce((sum, step) => sum + stageCount(step), 0)
  if (stages > MOST_STAGES) {
    errors.push(
      `the plan has ${stages} stages when its ramps are written out; at most ${MOST_STAGES} are allowed`,
    )
  }
  return errors.length > 0 ? { errors } : { plan }
}

/** Writes a plan in its one canonical form; `parsePlan` reads it back to the same plan. */
export function printPlan(plan: Plan): string {
  return plan.map(printStep).join(', ')
}

/** Writes one step in its canonical form, as in `10% for 5m`. */
export function printStep(step: Step): string {
  switch (step.kind) {
    case 'weight':
      return `${step.percent}%${printHold(step.hold)}`
    case 'pods':
      return `${step.pods} ${step.pods === 1 ? 'pod' : 'pods'}${printHold(step.hold)}`
    case 'ramp':
      return `${step.from}%..${step.to}% by ${step.by}%${printHold(step.hold)}`
    case 'test':
      return 'test'
    case 'approve':
      return `approve${printApprovers(step.by)}${printHold(step.within ?? 0)}`
  }
}

/** Whether a step gives the canary a share of the traffic; the others keep what it has. */
export function givesWeight({ kind }: Step): boolean {
  return kind !== 'test' && kind !== 'approve'
}

/** The weights a ramp goes through. It ends exactly at its upper end: `5%..50% by 7%` is 5, 12, … 47, 50. */
export function rampWeights(ramp: {
  readonly from: number
  readonly to: number
  readonly by: number
}): readonly number[] {
  const weights: number[] = []
  for (let weight = ramp.from; weight < ramp.to; weight += ramp.by) weights.push(weight)
  return [...weights, ramp.to]
}

function splitItems(text: string): readonly string[] {
  const items = text.split(',').map(item => item.trim())
  if (items.at(-1) === '') items.pop()
  return items
}

function stageCount(step: Step): number {
  return step.kind === 'ramp' ? rampWeights(step).length : 1
}

function printHold(hold: Seconds): string {
  return hold === 0 ? '' : ` for ${printDuration(hold)}`
}

function printApprovers(by: Approvers | undefined): string {
  if (by === undefined) return ''
  const words: string[] = []
  if (by.count !== undefined) words.push(String(by.count))
  if (by.other) words.push('other')
  if (by.group !== undefined) words.push(`group:${by.group}`)
  return ` by ${words.join(' ')}`
}

/**
 * Weights only grow within a release, since users who were moved to the new version should stay there.
 * Percentages are compared with percentages and pods with pods; how one compares with the other depends on
 * the number of replicas and is settled when the canary's pods are counted.
 */
class HighestSoFar {
  private percent = { value: 0, step: 0 }
  private pods = { value: 0, step: 0 }

  /** Why this step may not come after those before it; empty when it may. */
  admit(step: Step, number: number): readonly string[] {
    switch (step.kind) {
      case 'weight':
        return this.grow('percent', step.percent, step.percent, number)
      case 'ramp':
        return this.grow('percent', step.from, step.to, number)
      case 'pods':
        return this.grow('pods', step.pods, step.pods, number)
      default:
        return []
    }
  }

  private grow(unit: 'percent' | 'pods', first: number, last: number, number: number): readonly string[] {
    const before = this[unit]
    if (last >= before.value) this[unit] = { value: last, step: number }
    if (first >= before.value) return []
    const sign = unit === 'percent' ? '%' : ' pods'
    return [
      `${first}${sign} is less than the ${before.value}${sign} of step ${before.step} (weights only grow within a release)`,
    ]
  }
}
