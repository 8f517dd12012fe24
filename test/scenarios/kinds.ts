/** Kinds that tests write and Canaryhook never does. */
import type { Resource } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'

export const namespaces: Resource<KubernetesObject> = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
}
