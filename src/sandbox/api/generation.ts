/** metadata.generation: which changes of an object raise it. */
import { type JsonObject, jsonEqual } from './json.ts'
import type { ApiObject } from './object.ts'
import type { GenerationRule } from './resources.ts'

/**
 * The generation of `next`, stored over `previous`. It is 1 for a new object, goes up by one with what the
 * kind counts as desired state and when deletion is requested, and is never taken from the sender
 * (PrepareForUpdate of each kind's strategy; rest.BeforeDelete).
 */
export function generationOf(
  rule: GenerationRule,
  next: ApiObject,
  previous: ApiObject | undefined,
): number | undefined {
  if (rule === 'never') return undefined
  const before = previous?.metadata.generation
  if (previous === undefined || before === undefined) return 1
  const deletionRequested =
    next.metadata.deletionTimestamp !== undefined && previous.metadata.deletionTimestamp === undefined
  const changed = !jsonEqual(desired(rule, next), desired(rule, previous))
  return changed || deletionRequested ? before + 1 : before
}

function desired(rule: GenerationRule, object: ApiObject): unknown {
  if (rule === 'spec') return object.spec
  const { metadata: _metadata, status: _status, apiVersion: _v, kind: _k, ...content } = object as JsonObject
  return content
}
