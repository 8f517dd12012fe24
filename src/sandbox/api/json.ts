/** JSON values, and safe ways to look into those that a client sent. */

export type JsonObject = { [field: string]: unknown }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value when it is an object, else an empty one that is part of nothing. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The value when it is a list, else an empty one that is part of nothing. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The object at `field`, made if it is missing, so that it can be filled in. */
export function childObject(parent: JsonObject, field: string): JsonObject {
  const present = parent[field]
  if (isObject(present)) return present
  const made: JsonObject = {}
  parent[field] = made
  return made
}

/** Follows names through objects; undefined as soon as one is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value
  for (const name of path) {
    if (!isObject(here)) return undefined
    here = here[name]
  }
  return here
}

/** Whether two JSON values are equal. The order of fields means nothing; undefined is the same as absent. */
export function jsonEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => jsonEqual(item, right[index]))
    )
  }
  if (!isObject(left) || !isObject(right)) return false
  for (const key of Object.keys(left)) {
    if (!jsonEqual(left[key], right[key])) return false
  }
  return Object.keys(right).every(key => right[key] === undefined || left[key] !== undefined)
}
