/** How an object is named where only its name counts: by a reference, or by a key of one text. */
import type { ObjectRef } from '../cluster/port.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'

export function refTo({ metadata }: KubernetesObject): ObjectRef {
  return { namespace: metadata.namespace ?? 'default', name: metadata.name }
}

/** `namespace/name`; of a Deployment, the key of its release in the queue. */
export function keyOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace ?? 'default'}/${name}`
}

/** What a key stands for. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
