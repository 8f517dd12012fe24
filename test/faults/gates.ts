/** The quality gates that a schedule may have besides weights: tests, approvals, a baseline, a preview. Pure. */
import { dice } from './dice.ts'

/** What becomes of the Job that tests a version. */
export type TestEnd = 'passes' | 'fails' | 'never ends'

export interface Gates {
  readonly steps: string
  readonly baseline: boolean
  readonly preview: boolean
}

export type Person = 'alice' | 'bob'

/** What people do to gates, in milliseconds since v2 was applied. */
export type GateAct =
  | { readonly at: number; readonly does: 'command'; readonly word: 'approve'; readonly by: Person }
  | { readonly at: number; readonly does: 'delete the tests' | 'delete the baseline' }

const PLANS = [
  'test',
  'test, 50%',
  'test, 25% for 1s, test, 75%',
  'test, approve, 50%',
  'approve, test, 50%',
  '25%, test',
  '50%, test, approve by other',
  '25%, approve by other, 50%',
  '50%, approve by 2',
  '25%, approve for 3s, 50%',
  '25% for 1s, 50%',
]

/** @returns undefined for a schedule that has none; its plan is one of weights and plain approvals then */
export function gatesOf(seed: number): Gates | undefined {
  const chance = dice(seed).for('gates')
  if (!chance.chance('whether', 0.5)) return undefined
  const steps = chance.pick('plan', PLANS)
  return {
    steps,
    // It runs beside a canary that takes a weight: refused for other plans.
    baseline: steps.includes('%') && chance.chance('baseline', 0.35),
    preview: chance.chance('preview', 0.25),
  }
}

/** How the test of a version ends, the same however often it is applied; undefined where nothing is tested. */
export function testEndOf(seed: number, name: string): TestEnd | undefined {
  if (!hasTest(gatesOf(seed))) return undefined
  const ends = ['passes', 'passes', 'passes', 'fails', 'never ends'] as const
  return dice(seed).for('gates').for(name).pick('test', ends)
}

/** Approvals at any time, by those who may and by others; and what somebody deletes. */
export function gateActsOf(seed: number, calmAt: number): readonly GateAct[] {
  const gates = gatesOf(seed)
  if (!gates) return []
  const chance = dice(seed).for('gates').for('acts')
  const at = (about: string) => chance.between(`when ${about}`, 200, calmAt)
  const count = gates.steps.includes('approve') ? chance.between('approvals', 0, 3) : 0
  const approvals = Array.from({ length: count }, (): GateAct => {
    const by = chance.pick('approver', ['alice', 'bob'] as const)
    return { at: at('approved'), does: 'command', word: 'approve', by }
  })
  const deletes = (does: 'delete the tests' | 'delete the baseline', share: number): readonly GateAct[] =>
    chance.chance(does, share) ? [{ at: at(does), does }] : []
  return [
    ...approvals,
    ...(hasTest(gates) ? deletes('delete the tests', 0.2) : []),
    ...(gates.baseline ? deletes('delete the baseline', 0.2) : []),
  ]
}

/** The annotations of ours that a version's manifest has for these gates. */
export function gateSettings(
  gates: Gates | undefined,
  seed: number,
  test: TestEnd = 'passes',
): Readonly<Record<string, string>> {
  if (!gates) return {}
  return {
    ...(hasTest(gates) && { test: `cronjob/${cronJobOf(test)}` }),
    ...(gates.baseline && { baseline: 'true' }),
    // Of this namespace alone, and of a class that nobody has to serve here.
    ...(gates.preview && { preview: `host=seed-${seed}.example class=nginx` }),
  }
}

/** The name of the CronJob whose Jobs end so. */
export function cronJobOf(test: TestEnd): string {
  return `test-${test.replace(' ', '-')}`
}

function hasTest(gates: Gates | undefined): boolean {
  return gates?.steps.includes('test') ?? false
}
