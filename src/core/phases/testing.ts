import { instant, normal, type Outcome, stay, turn, type Wants, warning } from '../decision.ts'
import { printDuration } from '../duration.ts'
import type { Observation } from '../observe.ts'
import { stagePosition } from '../plan/expand.ts'
import type { State } from '../state.ts'
import { runOf, type TestRun, type TestSeen } from '../test-job.ts'
import { stagesOf } from '../weights.ts'
import { advance } from './advance.ts'
import { failed } from './failed.ts'

/**
 * The canary stands and its test runs: a Job of this release, this step and this attempt, and no other counts.
 * Somebody may delete it once, and it is started again.
 *
 * @param wants what is wanted besides, as long as it runs
 */
export function testing(state: State, seen: Observation, now: number, wants: Partial<Wants>): Outcome {
  const { held } = state
  const wanted = presentTest(state)
  const test = seen.tests.find(found => isOf(found, wanted) && !found.deleting)
  if (!test) return state.tested ? deleted(state, now) : begin(state, seen, now, { ...wants, test: wanted })
  if (!state.tested) return turn(state, { tested: true })
  if (held) return stay(state, wants)
  if (test.result === 'passed') return passed(state, now)
  if (test.result === 'failed') return failed(state, now, failure(state, `failed: ${test.why}`))
  return begin(state, seen, now, wants, test)
}

function presentTest(state: State): TestRun {
  return { run: runOf(state), step: state.step, attempt: state.attempt ?? 1 }
}

function isOf(test: TestRun, wanted: TestRun): boolean {
  return test.run === wanted.run && test.step === wanted.step && test.attempt === wanted.attempt
}

/** Until the deadline: the Job has one of its own, but its pods, which tell why, go with it. */
function begin(
  state: State,
  seen: Observation,
  now: number,
  wants: Partial<Wants>,
  test?: TestSeen,
): Outcome {
  const due = instant(state.reached, now) + state.deadline * 1000
  if (state.held || now < due) return stay(state, { ...wants, wakeAt: due })
  const why = test?.why ?? seen.refused
  const after = `was not over within ${printDuration(state.deadline)}`
  return failed(state, now, failure(state, why ? `${after}: ${why}` : after))
}

function deleted(state: State, now: number): Outcome {
  const attempt = state.attempt ?? 1
  if (attempt > 1) return failed(state, now, failure(state, 'was deleted twice before it was over'))
  return turn(
    state,
    { attempt: attempt + 1, tested: undefined },
    warning('TestDeleted', `${name(state)} was deleted before it was over: started once more`),
  )
}

function passed(state: State, now: number): Outcome {
  const outcome = advance(state, now)
  const said = normal('TestPassed', `${name(state)} passed`)
  return outcome.kind === 'turn' ? { ...outcome, said: [said, ...outcome.said] } : outcome
}

function failure(state: State, what: string) {
  return { reason: 'TestFailed', message: `${name(state)} ${what}` }
}

/** `step 1 of 3 (test): cronjob/shop-smoke`; an inline test has no name. */
function name(state: State): string {
  const stage = stagesOf(state)[state.step]
  const where = stage ? `${stagePosition(stage)} (${stage.label})` : 'the test'
  return state.test?.startsWith('cronjob/') ? `${where}: ${state.test}` : where
}
