/** JSON Patch (RFC 6902), as users send it and as admission webhooks answer it. */
import jsonpatch from 'jsonpatch'
import { messageOf } from '../../../core/errors.ts'
import { isObject, type JsonObject } from '../json.ts'

/** The patch is not a list of operations, or an operation cannot be applied; the message says which. */
export class JsonPatchError extends Error {}

/**
 * Applies the operations in order; the document is not changed.
 * @throws JsonPatchError
 */
export function applyJsonPatch(document: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw new JsonPatchError('a JSON patch is a list of operations')
  let result: unknown = document
  for (const [index, operation] of patch.entries()) {
    try {
      result = jsonpatch.apply_patch(result, [operation])
    } catch (error) {
      const reason = messageOf(error)
      throw new JsonPatchError(`operation ${index} ${JSON.stringify(operation)}: ${reason}`)
    }
  }
  if (!isObject(result)) throw new JsonPatchError('the patch leaves something that is not an object')
  return result
}
