/** Whose an object is: by the reference to its managing controller, and by uid, since names come again. */
import type { KubernetesObject, OwnerReference } from './kubernetes.ts'

/** The reference by which an object of ours is the Deployment's, and goes with it. */
export function ownerReference(owner: KubernetesObject): OwnerReference {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
  }
}

/** The reference to an object's managing controller, of which it has one at the most; undefined where it has none. */
export function controllerOf({ metadata }: KubernetesObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller)
}

/** Whether `owner` is the managing controller of `object`, by uid: names and labels of others prove nothing. */
export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid
}
