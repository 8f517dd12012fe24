/**
 * Who owns which fields of an object, by its managedFields.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
import type { KubernetesObject, ManagedFields } from '../../src/core/kubernetes.ts'

/**
 * @param path such as `spec.replicas`
 * @returns the managers that own this field, as `helm Apply` or `kubectl Update scale`, sorted
 */
export function ownersOf(object: KubernetesObject, path: string): readonly string[] {
  const managers = entries(object).filter(({ fieldsV1 }) => fieldsIn(fieldsV1).includes(path))
  return managers.map(nameOf).sort()
}

/** @returns the fields that this manager owns, each behind its subresource if it was written by one, sorted */
export function fieldsOf(object: KubernetesObject, manager: string): readonly string[] {
  return entries(object)
    .filter(entry => entry.manager === manager)
    .flatMap(({ fieldsV1, subresource }) =>
      fieldsIn(fieldsV1).map(field => (subresource ? `${subresource}: ${field}` : field)),
    )
    .sort()
}

function entries({ metadata }: KubernetesObject): readonly ManagedFields[] {
  return metadata.managedFields ?? []
}

function nameOf({ manager, operation, subresource }: ManagedFields): string {
  return [manager, operation, subresource].filter(part => part !== undefined && part !== '').join(' ')
}

/** `f:` begins a field, `k:` the keys of an element; `.` is the element itself, which says nothing here. */
function fieldsIn(fields: unknown, path = ''): readonly string[] {
  const inner = Object.entries(fields ?? {}).filter(([key]) => key !== '.')
  if (inner.length === 0) return [path]
  return inner.flatMap(([key, value]) => {
    const name = key.slice(2)
    const isField = key.startsWith('f:')
    return fieldsIn(value, isField ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`)
  })
}
