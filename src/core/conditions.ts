/**
 * The conditions on the user's Deployment: what `kubectl rollout status`, Flux and Argo CD read. Only these
 * three types are ever touched, and `Progressing` only while a failed release is held.
 */
import type { Condition } from './kubernetes.ts'

/** Begins the message of a `Progressing` condition of ours, which is how we know it again. */
export const OURS = 'canaryhook: '

/** What our conditions shall say; a type that is left out shall not be there. */
export interface Wanted {
  /** A release runs (kstatus: InProgress, with this message). */
  readonly Reconciling?: Reason
  /** A release failed and is held (kstatus: Failed, with this message). */
  readonly Stalled?: Reason
}

export interface Reason {
  readonly reason: string
  readonly message: string
}

/** An element of a strategic merge patch of status.conditions (merge key: type). */
export type ConditionPatch = Condition | { readonly type: string; readonly $patch: 'delete' }

/**
 * The patch that makes the conditions say what is wanted; empty when they already do.
 *
 * With Stalled comes `Progressing=False/ProgressDeadlineExceeded`, on which `kubectl rollout status` exits
 * at once; while a Deployment is paused nobody else writes it.
 *
 * @param now milliseconds since 1970
 */
export function conditionPatch(
  wanted: Wanted,
  current: readonly Condition[],
  now: number,
): readonly ConditionPatch[] {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  const find = (type: string) => current.find(condition => condition.type === type)
  const patch: ConditionPatch[] = []

  const set = (type: string, status: Condition['status'], said: Reason): void => {
    const found = find(type)
    if (found?.status === status && found.reason === said.reason && found.message === said.message) return
    const since = found?.status === status ? (found.lastTransitionTime ?? time) : time
    const updated = type === 'Progressing' ? { lastUpdateTime: time } : {}
    patch.push({ type, status, ...said, lastTransitionTime: since, ...updated })
  }
  const drop = (type: string): void => {
    if (find(type)) patch.push({ type, $patch: 'delete' })
  }

  if (wanted.Reconciling) set('Reconciling', 'True', wanted.Reconciling)
  else drop('Reconciling')
  if (wanted.Stalled) {
    set('Stalled', 'True', wanted.Stalled)
    const message = OURS + wanted.Stalled.message
    set('Progressing', 'False', { reason: 'ProgressDeadlineExceeded', message })
  } else {
    drop('Stalled')
    if (find('Progressing')?.message?.startsWith(OURS)) drop('Progressing')
  }
  return patch
}
