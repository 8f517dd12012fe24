/** JSON Merge Patch (RFC 7386): null removes a field, an object is merged, anything else replaces. */
import { isObject, type JsonObject } from '../json.ts'

export function applyMergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...document }
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[field]
    } else if (isObject(value)) {
      const present = merged[field]
      merged[field] = applyMergePatch(isObject(present) ? present : {}, value)
    } else {
      merged[field] = value
    }
  }
  return merged
}
