import { approvalsNeeded, describeApprovers } from './approval.ts'
import { printDuration } from './duration.ts'
import { type Stage, stagePosition } from './plan/expand.ts'
import type { State } from './state.ts'
import { stagesOf } from './weights.ts'

/**
 * What a running release is doing, in one line for people: the message of the Reconciling condition. It
 * depends on the state alone and not on whether the weight stands yet, so that it costs one write per step.
 */
export function progressMessage(state: State, name: string): string {
  const surge = state.phase === 'Progressing' && state.surge ? `; surge mode: ${state.surge}` : ''
  return message(state, name) + surge
}

function message(state: State, name: string): string {
  if (state.phase === 'Promoting') {
    return state.unprotected ? 'rolling out without a canary' : `promoting ${state.release} to all pods`
  }
  if (state.phase === 'Reverting') return 'going back to the version that serves'
  const stage = stagesOf(state)[state.step]
  if (!stage) return `release ${state.release} is about to be promoted`
  const where = `${stagePosition(stage)}: `
  const held = state.held ? `; paused by ${state.held.by}, to go on: ${command(name, 'resume')}` : ''
  if (state.total === 0) return `${where}scaled to 0, begins anew with the first pod${held}`
  if (stage.waits !== 'approve') return `${where}canary ${stage.label}${held}`
  return `${where}${waiting(stage, state)}, to go on: ${command(name, 'approve')}${held}`
}

/** Who is waited for, who has approved so far, since when, and for how long. */
function waiting(stage: Stage, { by, since, approvals = [] }: State): string {
  const who = stage.approvers === undefined ? '' : ` by ${describeApprovers(stage.approvers, by)}`
  const needed = approvalsNeeded(stage)
  const names = approvals.length > 0 ? `: ${approvals.join(', ')}` : ''
  const given = needed > 1 ? ` (${approvals.length} of ${needed}${names})` : ''
  const end = stage.within === undefined ? '' : ` for ${printDuration(stage.within)} at most`
  return `waiting for approval${who}${given} since ${since?.replace(/\.\d+Z$/, 'Z')}${end}`
}

function command(name: string, word: string): string {
  return `kubectl annotate deployment ${name} canaryhook.dev/command=${word}`
}
