/** Applies the body of a PATCH request to an object, by its content type. */
import { isObject, type JsonObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { badRequest, invalid, StatusError, unsupportedMediaType } from '../status.ts'
import { applyJsonPatch, JsonPatchError } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyStrategicMerge, StrategicPatchError } from './strategic-merge.ts'

export type PatchKind = 'json' | 'merge' | 'strategic'

const KINDS: Readonly<Record<string, PatchKind>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
}

/**
 * The kind of patch that a Content-Type names.
 * @throws StatusError 415 for one that is not served: server-side apply, and strategic merge of custom kinds
 */
export function patchKind(resource: Resource, contentType: string): PatchKind {
  if (contentType.startsWith('application/apply-patch')) {
    throw unsupportedMediaType(
      'the sandbox does not do server-side apply (it would need field ownership); use client-side apply ' +
        '(kubectl apply without --server-side). The control plane tests cover server-side apply.',
    )
  }
  const kind = KINDS[contentType]
  const allowed = resource.custom ? ['json', 'merge'] : ['json', 'merge', 'strategic']
  if (kind === undefined || !allowed.includes(kind)) {
    const types = Object.entries(KINDS).filter(([, name]) => allowed.includes(name))
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${types.map(([type]) => type).join(', ')}`,
    )
  }
  return kind
}

/**
 * The object that a patch makes of `document`, which is not changed.
 * @throws StatusError 400 when the patch is malformed, 422 when it does not apply
 */
export function applyPatch(
  kind: PatchKind,
  document: JsonObject,
  patch: unknown,
  resource: Resource,
  name: string,
): JsonObject {
  try {
    if (kind === 'json') return applyJsonPatch(document, patch)
    if (!isObject(patch)) throw badRequest(`a ${kind} patch is an object, this is ${JSON.stringify(patch)}`)
    return kind === 'merge' ? applyMergePatch(document, patch) : applyStrategicMerge(document, patch)
  } catch (error) {
    if (error instanceof JsonPatchError) {
      throw new StatusError(
        422,
        'Invalid',
        `the server rejected our request due to an error in our request: ${error.message}`,
        {},
      )
    }
    if (error instanceof StrategicPatchError) {
      throw invalid(resource, name, [
        { reason: 'FieldValueInvalid', field: 'patch', message: `Invalid value: ${error.message}` },
      ])
    }
    throw error
  }
}
