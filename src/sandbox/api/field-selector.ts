/** Field selectors (`?fieldSelector=metadata.name=web`), for the fields that real kinds support. */
import { at } from './json.ts'
import type { ApiObject } from './object.ts'
import { qualifiedName, type Resource } from './resources.ts'
import { badRequest } from './status.ts'

export type FieldMatcher = (object: ApiObject) => boolean

const EVERY_KIND = ['metadata.name', 'metadata.namespace']

/** Per plural name, beside those of every kind (each kind's ToSelectableFields / AddFieldLabelConversionFunc). */
const PER_KIND: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
  ],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
  replicasets: ['status.replicas'],
  jobs: ['status.successful'],
}

/**
 * Reads a field selector for one kind. Empty matches everything.
 * @throws StatusError 400 for a field that the kind does not support, naming those it does
 */
export function parseFieldSelector(resource: Resource, text: string): FieldMatcher {
  const matchers = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => comparison(resource, part))
  return object => matchers.every(matches => matches(object))
}

function comparison(resource: Resource, text: string): FieldMatcher {
  const parsed = /^([^=!]+)(==|=|!=)(.*)$/.exec(text)
  if (parsed === null)
    throw badRequest(`invalid field selector: "${text}"; expected field=value or field!=value`)
  const [, field = '', operator, value = ''] = parsed
  const supported = [...EVERY_KIND, ...(PER_KIND[resource.plural] ?? [])]
  if (!supported.includes(field)) {
    throw badRequest(
      `field label not supported: ${field} (${qualifiedName(resource)} supports ${supported.join(', ')})`,
    )
  }
  return object => (fieldValue(object, field) === value) === (operator !== '!=')
}

function fieldValue(object: ApiObject, field: string): string {
  const path = field === 'source' ? ['source', 'component'] : field.split('.')
  const value = at(object, ...path)
  return value === undefined || value === null ? '' : String(value)
}
