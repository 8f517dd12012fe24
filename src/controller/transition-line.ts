import type { KubernetesObject } from '../core/kubernetes.ts'
import type { Said } from '../core/objects.ts'
import type { State } from '../core/state.ts'
import { stagesOf } from '../core/weights.ts'

const VERBS: Readonly<Record<string, string>> = {
  CanaryStarted: 'start',
  CanaryAdvanced: 'advance',
  CanaryWeight: 'hold',
  CanaryFailed: 'halt',
  Promoting: 'promote',
  Promoted: 'finish',
  Reverted: 'revert',
}

/** One transition as a log line: its fields, and a message that reads by itself. */
export function transitionLine(
  { metadata }: KubernetesObject,
  state: State | undefined,
  { reason, message }: Said,
): [Record<string, unknown>, string] {
  const { namespace = 'default', name } = metadata
  const target = state && stagesOf(state)[state.step]?.target
  const fields = {
    namespace,
    name,
    release: state?.release,
    phase: state?.phase,
    step: state && state.step + 1,
    ...(target && ('percent' in target ? { weight: target.percent } : { pods: target.pods })),
    reason,
    ...(state?.phase === 'Failed' && { failure: state.reason }),
  }
  return [fields, `${VERBS[reason] ?? reason} ${namespace}/${name} ${message}`]
}
