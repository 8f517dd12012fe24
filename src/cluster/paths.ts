import type { KubernetesObject } from '../core/kubernetes.ts'
import type { ObjectRef, Resource } from './port.ts'

/** The path of a collection: of one namespace, or of all of them, or of none, when none is named or ''. */
export function collectionPath<T extends KubernetesObject>(
  resource: Resource<T>,
  namespace?: string,
): string {
  const { group, version, plural } = resource
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const scope = namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${plural}`
}

/** The path of one object, or of a subresource of it. */
export function objectPath<T extends KubernetesObject>(
  resource: Resource<T>,
  ref: ObjectRef,
  subresource?: string,
): string {
  const path = `${collectionPath(resource, ref.namespace)}/${encodeURIComponent(ref.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

/** How errors and logs name a collection: `deployments in default`. */
export function collectionName<T extends KubernetesObject>(
  resource: Resource<T>,
  namespace?: string,
): string {
  return namespace === undefined ? `all ${resource.plural}` : `${resource.plural} in ${namespace}`
}

/** How errors and logs name an object: `deployments default/shop`, `deployments/status default/shop`. */
export function objectName<T extends KubernetesObject>(
  resource: Resource<T>,
  ref: ObjectRef,
  subresource?: string,
): string {
  const kind = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`
  return `${kind} ${ref.namespace ? `${ref.namespace}/` : ''}${ref.name}`
}
