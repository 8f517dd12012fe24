import type { Seconds } from '../duration.ts'
import { type Capacity, canaryCount, type Stage, stages, surgeCount } from './expand.ts'
import { type Plan, printStep, type Step } from './plan.ts'

/** A plan's length in one sentence stays readable up to this many steps. */
const MOST_STEPS_NAMED = 6
/**
 * The API server may cut a warning at 256 characters (Kubernetes docs, Dynamic Admission Control, Response); so
 * many differences still fit.
 */
const MOST_SHARES_NAMED = 4
/** From this many percentage points on, or from twice the share asked for, a person is told of it. */
const NOTABLE_POINTS = 5

/** How long a release takes at least, as far as its plan says. */
export interface Estimate {
  /** The sum of all holds; the time that pods need to become ready comes on top. */
  readonly seconds: Seconds
  /** Whether somebody has to approve on the way. */
  readonly waitsForPeople: boolean
}

/** What the plan alone says about the time a release takes. */
export function estimate(stages: readonly Stage[]): Estimate {
  return {
    seconds: stages.reduce((sum, stage) => sum + stage.hold, 0),
    waitsForPeople: stages.some(stage => stage.waits === 'approve'),
  }
}

/** The plan on one line: `10% → 50% → full`. The middle of a long plan is left out. */
export function describePlan(plan: Plan): string {
  const names = plan.map(withoutHold)
  const shown =
    names.length <= MOST_STEPS_NAMED
      ? names
      : [...names.slice(0, 3), `… ${names.length - 4} more …`, ...names.slice(-1)]
  return [...shown, 'full'].join(' → ')
}

/** The plan and its time in one sentence: `canary 10% → 50% → full, about 15 min`. */
export function summarizePlan(plan: Plan): string {
  const { seconds, waitsForPeople } = estimate(stages(plan))
  const time = seconds === 0 ? '' : `, about ${roughly(seconds)}`
  const people = waitsForPeople ? ', waits for an approval' : ''
  return `canary ${describePlan(plan)}${time}${people}`
}

/**
 * What its author may not expect of a well-written plan at this size, one short sentence each: a real share
 * far from the one asked for, pods that do not fit, a step that would take pods back, a plan without traffic.
 *
 * @param total the replicas the user asked for; 0 leaves out what depends on the size
 */
export function planWarnings(plan: Plan, total: number, capacity: Capacity = 'shift'): readonly string[] {
  const all = stages(plan)
  if (all.every(stage => stage.target === undefined)) return [withoutTraffic(plan)]
  if (total <= 0) return []
  if (total === 1) {
    return [
      '1 replica: one canary pod runs beside one stable pod, so its real share will be 50% at every step',
    ]
  }
  const pods = new Map<number, string>()
  const shares = new Map<string, string>()
  for (const [index, stage] of all.entries()) {
    if (stage.target === undefined) continue
    const alone = count([stage], 0, total, capacity)
    const wanted = count(all, index, total, capacity)
    const name = withoutHoldLabel(stage)
    if (wanted > alone) {
      if (!pods.has(stage.step)) pods.set(stage.step, staysAt(stage, name, wanted))
    } else if ('pods' in stage.target) {
      if (alone < stage.target.pods) pods.set(stage.step, tooManyPods(stage, name, alone, total))
    } else if (isNotable(stage.target.percent, alone, total, capacity)) {
      shares.set(name, `${name} will be ${shareAndPods(alone, total, capacity)}`)
    }
  }
  return [...pods.values(), ...(shares.size === 0 ? [] : [sharesWarning([...shares.values()], total)])]
}

function withoutTraffic(plan: Plan): string {
  const until = plan.some(step => step.kind === 'approve')
    ? 'nothing of the new version runs before a person approves'
    : 'nothing of the new version serves before its test passes'
  return `the plan has no weight: ${until}, then it is rolled out like an ordinary update`
}

function staysAt(stage: Stage, name: string, pods: number): string {
  return `step ${stage.step}: ${name} would be fewer pods than the ${pods} before it, so the canary stays at ${pods}`
}

function tooManyPods(stage: Stage, name: string, fits: number, total: number): string {
  return `step ${stage.step}: ${name} do not fit beside stable with ${total} replicas; the canary will have ${fits}`
}

function sharesWarning(shares: readonly string[], total: number): string {
  const shown = shares.slice(0, MOST_SHARES_NAMED).join(', ')
  const more = shares.length > MOST_SHARES_NAMED ? ` (and ${shares.length - MOST_SHARES_NAMED} more)` : ''
  return `with ${total} replicas ${shown}${more}`
}

/** Whether the share that is reached differs so much from the one asked for that a person should know. */
function isNotable(percent: number, pods: number, total: number, capacity: Capacity): boolean {
  const everyone = serving(pods, total, capacity)
  const difference = Math.abs(100 * pods - percent * everyone)
  return difference >= NOTABLE_POINTS * everyone || 100 * pods >= 2 * percent * everyone
}

function shareAndPods(pods: number, total: number, capacity: Capacity): string {
  const everyone = serving(pods, total, capacity)
  return `${Math.round((100 * pods) / everyone)}% (${pods} of ${everyone} pods)`
}

function serving(pods: number, total: number, capacity: Capacity): number {
  return capacity === 'surge' ? total + pods : total
}

function count(stages: readonly Stage[], index: number, total: number, capacity: Capacity): number {
  return capacity === 'surge' ? surgeCount(stages, index, total) : canaryCount(stages, index, total)
}

function withoutHold(step: Step): string {
  switch (step.kind) {
    case 'ramp':
      return `${step.from}%..${step.to}%`
    case 'approve':
      return printStep({ kind: 'approve', ...(step.by && { by: step.by }) })
    case 'test':
      return 'test'
    default:
      return printStep({ ...step, hold: 0 })
  }
}

function withoutHoldLabel(stage: Stage): string {
  return stage.label.replace(/ for .*$/, '')
}

/** A time as people say it: seconds under two minutes, minutes under two hours, hours under two days. */
function roughly(seconds: Seconds): string {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} days`
}
