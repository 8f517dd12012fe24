/** CEL match conditions of a webhook, over object, oldObject and request. */
import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import { messageOf } from '../../../core/errors.ts'
import { isObject } from '../json.ts'
import type { Webhook } from './configuration.ts'

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
})
  .registerVariable('object', 'dyn')
  .registerVariable('oldObject', 'dyn')
  .registerVariable('request', 'dyn')

const parsed = new Map<string, ParseResult>()

/** A match condition failed to evaluate. Then the failure policy decides. */
export class MatchConditionError extends Error {}

/**
 * Whether all match conditions hold. As in the real server, a false one wins over one that fails to evaluate
 * (apiserver/pkg/admission/plugin/webhook/matchconditions).
 * @param review the request of the AdmissionReview, with object and oldObject (null when absent)
 * @throws MatchConditionError
 */
export function matchConditionsHold(
  conditions: Webhook['matchConditions'],
  review: { readonly object?: unknown; readonly oldObject?: unknown },
): boolean {
  if (conditions.length === 0) return true
  const { object, oldObject, ...request } = review
  const variables = { object: celValue(object), oldObject: celValue(oldObject), request: celValue(request) }
  const errors: string[] = []
  for (const { name, expression } of conditions) {
    try {
      if (evaluate(expression, variables) !== true) return false
    } catch (error) {
      errors.push(`match condition "${name}" (${expression}): ${messageOf(error)}`)
    }
  }
  if (errors.length > 0) throw new MatchConditionError(errors.join('; '))
  return true
}

function evaluate(expression: string, variables: Record<string, unknown>): unknown {
  let program = parsed.get(expression)
  if (program === undefined) {
    program = environment.parse(expression)
    parsed.set(expression, program)
  }
  return program(variables)
}

/** CEL tells integers from doubles, JSON does not: whole numbers are integers, as in Kubernetes' own objects. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(celValue)
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, celValue(inner)]))
  return value ?? null
}
