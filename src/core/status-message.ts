import { stagePosition } from './plan/expand.ts'
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
  const since = state.since?.replace(/\.\d+Z$/, 'Z')
  return `${where}waiting for approval since ${since}, to go on: ${command(name, 'approve')}${held}`
}

function command(name: string, word: string): string {
  return `kubectl annotate deployment ${name} canaryhook.dev/command=${word}`
}
