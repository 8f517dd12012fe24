/** A decision in few words, for tables. */
import type { Decision } from '../../../src/core/decision.ts'
import { isLive } from '../../../src/core/state.ts'

/** The reasons of what people are told, in order. */
export function reasons(decision: Decision): readonly string[] {
  return decision.said.map(({ reason }) => reason)
}

/** All messages of a decision. */
export function messages(decision: Decision): string {
  return decision.said.map(({ message }) => message).join('\n')
}

/** `Progressing step 1, stable 7, canary 3`: what the state and the canary shall be. */
export function shape({ state, canary }: Decision): string {
  if (!state) return `none, canary ${canary}`
  const step = state.phase === 'Progressing' ? ` step ${state.step + 1}` : ''
  const stable = isLive(state) ? `, stable ${state.stable ?? 'free'}` : ''
  return `${state.phase}${step}${stable}, canary ${canary}`
}
