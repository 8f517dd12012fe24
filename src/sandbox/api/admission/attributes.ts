import type { JsonObject } from '../json.ts'
import type { ApiObject } from '../object.ts'
import { apiVersionOf, type Resource } from '../resources.ts'
import type { User } from '../users.ts'

/** What an admission webhook is asked about. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly user: User
  readonly dryRun: boolean
  readonly options: JsonObject
  /** Undefined for DELETE. */
  readonly object: ApiObject | undefined
  /** Undefined for CREATE. */
  readonly oldObject: ApiObject | undefined
}

/** The `request` of an AdmissionReview (admission.k8s.io/v1), without the object that may still change. */
export function reviewRequest(attributes: AdmissionAttributes, uid: string): JsonObject {
  const { resource, subresource, namespace, name, operation, user, dryRun, options } = attributes
  const { group, version } = resource
  const kind =
    subresource === 'scale'
      ? { group: 'autoscaling', version: 'v1', kind: 'Scale' }
      : { group, version, kind: resource.kind }
  const plural = { group, version, resource: resource.plural }
  return {
    uid,
    kind,
    resource: plural,
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: kind,
    requestResource: plural,
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    name,
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: { username: user.username, ...(user.uid ? { uid: user.uid } : {}), groups: user.groups },
    object: attributes.object ?? null,
    oldObject: attributes.oldObject ?? null,
    dryRun,
    options: {
      kind: optionsKind(operation),
      apiVersion: apiVersionOf({ group: 'meta.k8s.io', version: 'v1' }),
      ...options,
    },
  }
}

function optionsKind(operation: AdmissionAttributes['operation']): string {
  return { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' }[operation]
}
