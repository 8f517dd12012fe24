import { normal, type Outcome, turn } from '../decision.ts'
import type { State } from '../state.ts'

/**
 * The stored template is another one, and no webhook was asked: it is released from the first step. Who changed it
 * is not known, so nobody can be said to be another (`approve by other`).
 */
export function templateChanged(state: State): Outcome {
  const said = normal('TemplateChanged', 'the template was changed: starting over')
  return turn(state, { phase: 'Pending', by: undefined, step: 0, approvals: undefined }, said)
}
