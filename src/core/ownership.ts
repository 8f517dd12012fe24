/**
 * Who owns the spec of the user's Deployment. What the webhook changes in a request has no owner, but the few
 * direct writes of the spec (core/writes.ts) make us one, and then every server-side apply that says anything
 * else is refused with a conflict. So we give up what we own as soon as it is written.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
 */
import type { KubernetesObject, ManagedFields } from './kubernetes.ts'
import { FIELD_MANAGER } from './names.ts'

const SPEC = 'f:spec'

/** Whether a write of ours, through `/scale` too, made us an owner of something in the spec. */
export function ownsSpec(object: KubernetesObject): boolean {
  return object.metadata.managedFields?.some(isOursWithSpec) ?? false
}

/**
 * managedFields without our part of the spec. Who owned it before us does not get it back: nobody owns it
 * until somebody applies it again, which then is no conflict.
 */
export function withoutOurSpec(object: KubernetesObject): readonly ManagedFields[] {
  return (object.metadata.managedFields ?? []).flatMap(entry => {
    if (!isOursWithSpec(entry)) return [entry]
    const { [SPEC]: _, ...fieldsV1 } = entry.fieldsV1 ?? {}
    return Object.keys(fieldsV1).length === 0 ? [] : [{ ...entry, fieldsV1 }]
  })
}

/** Somebody else may apply under our name: that is theirs. */
function isOursWithSpec({ manager, operation, fieldsV1 }: ManagedFields): boolean {
  return manager === FIELD_MANAGER && operation === 'Update' && fieldsV1 !== undefined && SPEC in fieldsV1
}
