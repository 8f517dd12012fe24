/** What people can tell a release to do, and when. Pure: the webhook asks here, the controller carries it out. */
import type { Command } from './annotations.ts'
import {
  approvalsNeeded,
  approvalsOf,
  nameOf,
  type Person,
  unapproved,
  whatItTakes,
  whyNotAlone,
  whyNotApprover,
} from './approval.ts'
import { STALLED } from './phases/failed.ts'
import { type Stage, stagePosition } from './plan/expand.ts'
import type { Phase, State } from './state.ts'
import { stagesOf } from './weights.ts'

export type CommandAnswer =
  /** It will be carried out; `says` tells what that means. */
  | { readonly kind: 'accepted'; readonly says: string }
  /** It makes no sense now; `because` tells why and what to type instead. */
  | { readonly kind: 'refused'; readonly because: string }

/**
 * @param state the live state, or undefined when no release is there
 * @param asker who typed the command
 * @returns what that person is told
 */
export function answerCommand(command: Command, state: State | undefined, asker: Person): CommandAnswer {
  if (!state) return refused('no release is running or held')
  // Several people may have to approve: that rule counts them itself.
  if (command !== 'approve' && state.requests?.some(request => request.command === command)) {
    return refused(askedAlready(command))
  }
  return RULES[command](state, asker)
}

type Rule = (state: State, asker: Person) => CommandAnswer

const RULES: Record<Command, Rule> = {
  approve: (state, asker) => {
    const stage = stagesOf(state)[state.step]
    if (state.phase === 'Progressing' && stage?.waits === 'approve') return approve(stage, state, asker)
    return refused(`nothing waits for approval: ${doing(state)}`)
  },
  abort: state => {
    if (state.phase === 'Pending' || state.phase === 'Progressing') {
      return accepted(
        `release aborted: the canary goes, the former version serves on all ${state.total} pods`,
      )
    }
    if (state.phase === 'Promoting') {
      return refused(
        'the release was accepted and is rolling out on every pod; to go back, apply the former manifest',
      )
    }
    return refused(`there is nothing to abort: ${doing(state)}`)
  },
  retry: state =>
    state.phase === 'Failed'
      ? accepted('the held version is released again from the first step')
      : refused(`only a failed release can be retried: ${doing(state)}`),
  skip: (state, asker) => {
    const stage = stagesOf(state)[state.step]
    if (state.phase !== 'Progressing' || !stage) return refused(`there is no step to skip: ${doing(state)}`)
    const why = whyNotAlone(stage, asker, state.by)
    if (why === undefined) return accepted(`${nameOf(stage)} skipped`)
    return refused(`${nameOf(stage)} is not yours to skip: ${why}; ${whatItTakes(stage, state.by)}`)
  },
  promote: (state, asker) => {
    const gate = unapproved(stagesToCome(state), asker, state.by)
    if (gate) return refused(gate)
    if (state.phase === 'Pending' || state.phase === 'Progressing') {
      return accepted('the steps that are left are skipped: rolling out on every pod')
    }
    if (state.phase === 'Failed')
      return accepted('the version that failed is rolled out on every pod all the same')
    return refused(`there is nothing to promote: ${doing(state)}`)
  },
  pause: state => {
    if (state.held) return refused(`it is paused already, by ${state.held.by}; to go on: command=resume`)
    if (state.phase === 'Pending' || state.phase === 'Progressing') {
      return accepted(
        'the release stays where it is (a failing canary is still taken away); to go on: command=resume',
      )
    }
    return refused(`it cannot be paused: ${doing(state)}`)
  },
  resume: state =>
    state.held || state.requests?.some(request => request.command === 'pause')
      ? accepted('the release goes on')
      : refused(`it is not paused: ${doing(state)}`),
}

function approve(stage: Stage, state: State, asker: Person): CommandAnswer {
  const why = stage.approvers && whyNotApprover(stage.approvers, asker, state.by)
  if (why) return refused(`${nameOf(stage)} is not yours to approve: ${why}; ${whatItTakes(stage, state.by)}`)
  const names = approvalsOf(state)
  const needed = approvalsNeeded(stage)
  if (names.length >= needed) return refused(askedAlready('approve'))
  if (names.includes(asker.name)) {
    return refused(`you approved already: ${names.length} of ${needed}, somebody else has to`)
  }
  const given = names.length + 1
  if (given < needed) {
    return accepted(`${stagePosition(stage)} approved by ${given} of ${needed}, somebody else has to as well`)
  }
  return accepted(`${stagePosition(stage)} approved, the release goes on`)
}

/** The stages that a promotion by hand would leave out. */
function stagesToCome(state: State): readonly Stage[] {
  switch (state.phase) {
    case 'Pending':
      return stagesOf(state)
    case 'Progressing':
      return stagesOf(state).slice(state.step)
    case 'Failed':
      return state.reason === STALLED ? [] : stagesOf(state).slice(state.step)
    default:
      return []
  }
}

function askedAlready(command: Command): string {
  return `${command} was asked for already and is about to be carried out`
}

function accepted(says: string): CommandAnswer {
  return { kind: 'accepted', says }
}

function refused(because: string): CommandAnswer {
  return { kind: 'refused', because }
}

const DOING: Record<Phase, string> = {
  Pending: 'the release is about to start',
  Progressing: 'the canary runs',
  Promoting: 'the release was accepted and is rolling out',
  Reverting: 'it is going back to the version that serves',
  Failed: 'the release failed and is held; to try again: command=retry',
  Succeeded: 'the last release succeeded',
  Reverted: 'the last release was taken back',
}

function doing(state: State): string {
  const stage = state.phase === 'Progressing' ? stagesOf(state)[state.step] : undefined
  return stage ? `the release is at ${stagePosition(stage)} (${stage.label})` : DOING[state.phase]
}
