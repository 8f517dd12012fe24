import { between } from '../between.ts'
import type { Seconds } from '../duration.ts'
import { type Approvers, type Plan, printStep, rampWeights, type Step } from './plan.ts'

/** What a stage wants of the traffic: a share of it, or a number of pods. */
export type Target = { readonly percent: number } | { readonly pods: number }

/** `shift`: stable shrinks as the canary grows. `surge`: stable stays, the canary comes on top. */
export type Capacity = 'shift' | 'surge'

/** One thing a release does before it goes on: a step, or one part of a ramp. */
export interface Stage {
  /** The step as its author counts, from 1. */
  readonly step: number
  /** How many steps the plan has. */
  readonly steps: number
  /** For ramps: which part of how many, from 1. */
  readonly part?: { readonly number: number; readonly of: number }
  /** The stage as a person would write it: `30% for 1m`. */
  readonly label: string
  /** Missing for `approve` and `test`: they keep the weight before them. */
  readonly target?: Target
  /** 0: go on as soon as the canary is ready and healthy. */
  readonly hold: Seconds
  /** What else has to happen before the release goes on. */
  readonly waits?: 'approve' | 'test'
  /** Who may approve, where the step says so. */
  readonly approvers?: Approvers
  /** How long the approval is waited for; for ever when it is missing. */
  readonly within?: Seconds
}

/** The stages of a plan in order; a ramp becomes one stage for each of its weights. */
export function stages(plan: Plan): readonly Stage[] {
  return plan.flatMap((step, index) => stagesOf(step, { step: index + 1, steps: plan.length }))
}

/** Where a stage stands, for people: `step 2 of 4`, or `step 1 of 2, part 3 of 10`. */
export function stagePosition(stage: Stage): string {
  const part = stage.part === undefined ? '' : `, part ${stage.part.number} of ${stage.part.of}`
  return `step ${stage.step} of ${stage.steps}${part}`
}

/**
 * How many canary pods the stage at `index` wants when stable shrinks as the canary grows: the count whose
 * share of `total` is nearest to the weight, the larger of two equally near ones, at least 1 and at most
 * total − 1 (1 when total is 1), and never fewer than at an earlier stage. 0 before the first weight, and
 * when there are no replicas at all. An index beyond the end counts as the last stage.
 *
 * @param total the replicas the user asked for
 */
export function canaryCount(stages: readonly Stage[], index: number, total: number): number {
  if (total <= 0) return 0
  const wanted = (target: Target) => ('pods' in target ? target.pods : nearest(target.percent * total, 100))
  return largest(stages, index, target => between(1, wanted(target), Math.max(1, total - 1)))
}

/**
 * The same when the canary comes on top of a stable that stays as it is: w/(1−w) of `stable`, rounded to the
 * nearest (the larger of two equally near ones), at least 1, at most as many as stable has, never fewer than
 * at an earlier stage. Weights over 50% therefore stay at 50%.
 *
 * @param stable the pods stable has
 */
export function surgeCount(stages: readonly Stage[], index: number, stable: number): number {
  if (stable <= 0) return 0
  const wanted = (target: Target) =>
    'pods' in target ? target.pods : nearest(target.percent * stable, 100 - target.percent)
  return largest(stages, index, target => between(1, wanted(target), stable))
}

function stagesOf(step: Step, position: { readonly step: number; readonly steps: number }): readonly Stage[] {
  const label = printStep(step)
  switch (step.kind) {
    case 'weight':
      return [{ ...position, label, target: { percent: step.percent }, hold: step.hold }]
    case 'pods':
      return [{ ...position, label, target: { pods: step.pods }, hold: step.hold }]
    case 'ramp':
      return rampWeights(step).map((percent, index, all) => ({
        ...position,
        part: { number: index + 1, of: all.length },
        label: printStep({ kind: 'weight', percent, hold: step.hold }),
        target: { percent },
        hold: step.hold,
      }))
    case 'test':
      return [{ ...position, label, hold: 0, waits: 'test' }]
    case 'approve':
      return [
        {
          ...position,
          label,
          hold: 0,
          waits: 'approve',
          ...(step.by && { approvers: step.by }),
          ...(step.within !== undefined && { within: step.within }),
        },
      ]
  }
}

/** The largest count up to and including a stage, so that no user is moved back within a release. */
function largest(stages: readonly Stage[], index: number, count: (target: Target) => number): number {
  let most = 0
  for (const { target } of stages.slice(0, Math.max(0, index + 1))) {
    if (target !== undefined) most = Math.max(most, count(target))
  }
  return most
}

/** a / b to the nearest whole number, halves up, without a fraction on the way (b > 0, a ≥ 0). */
function nearest(a: number, b: number): number {
  const doubled = 2 * a + b
  return (doubled - (doubled % (2 * b))) / (2 * b)
}
