/**
 * The validations of the API server that people meet: names, labels, selectors, replicas, containers. Worded as
 * the real ones (apimachinery/pkg/util/validation, pkg/apis/apps/validation).
 */
import { at, jsonEqual, listOf, objectOf, stringOf } from './json.ts'
import { type Labels, labelSelectorObject } from './label-selector.ts'
import type { ApiObject } from './object.ts'
import type { Resource } from './resources.ts'
import { type Cause, invalid } from './status.ts'

/**
 * Checks an object that is about to be stored over `previous`.
 * @throws StatusError 422 with every problem at once
 */
export function validate(resource: Resource, object: ApiObject, previous: ApiObject | undefined): void {
  const causes = [
    ...(previous === undefined ? nameProblems(resource, object.metadata.name) : []),
    ...labelProblems(objectOf(object.metadata.labels), 'metadata.labels'),
    ...annotationProblems(object),
    ...(PER_KIND[`${resource.group}/${resource.kind}`]?.(object, previous) ?? []),
  ]
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
}

type Check = (object: ApiObject, previous: ApiObject | undefined) => readonly Cause[]

const PER_KIND: Readonly<Record<string, Check>> = {
  '/Pod': object => containerProblems(at(object, 'spec'), 'spec'),
  '/Service': servicePortProblems,
  'apps/Deployment': (object, previous) => [
    ...workloadProblems(object, previous),
    ...deploymentProblems(object),
  ],
  'apps/ReplicaSet': workloadProblems,
  'batch/Job': object => containerProblems(at(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const DNS_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with " +
  "an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const DNS_1035_RULE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end " +
  "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

function wrong(field: string, value: unknown, rule: string): Cause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${rule}` }
}

function required(field: string, more = ''): Cause {
  return { reason: 'FieldValueRequired', field, message: `Required value${more ? `: ${more}` : ''}` }
}

function nameProblems(resource: Resource, name: string): Cause[] {
  const field = 'metadata.name'
  if (!name) return [required(field, 'name or generateName is required')]
  if (resource.group === 'rbac.authorization.k8s.io') return []
  const [pattern, rule, limit] =
    resource.kind === 'Service'
      ? [DNS_1035, DNS_1035_RULE, 63]
      : resource.kind === 'Namespace'
        ? [DNS_LABEL, LABEL_RULE, 63]
        : [DNS_SUBDOMAIN, SUBDOMAIN_RULE, 253]
  const problems: Cause[] = []
  if (name.length > limit) problems.push(wrong(field, name, `must be no more than ${limit} characters`))
  if (!pattern.test(name)) problems.push(wrong(field, name, rule))
  return problems
}

function labelProblems(labels: object, field: string): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const problems: Cause[] = []
    const name = key.slice(key.lastIndexOf('/') + 1)
    if (!QUALIFIED_NAME.test(name) || name.length > 63) {
      problems.push(
        wrong(
          field,
          key,
          `name part must consist of alphanumeric characters, '-', '_' or '.', and be no more than 63 characters`,
        ),
      )
    }
    if (typeof value !== 'string' || value.length > 63 || (value !== '' && !QUALIFIED_NAME.test(value))) {
      problems.push(
        wrong(
          field,
          value,
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character, and be no more than 63 characters",
        ),
      )
    }
    return problems
  })
}

function annotationProblems(object: ApiObject): Cause[] {
  const entries = Object.entries(objectOf(object.metadata.annotations))
  const notText = entries.filter(([, value]) => typeof value !== 'string')
  const problems = notText.map(([key, value]) =>
    wrong(`metadata.annotations[${key}]`, value, 'must be a string'),
  )
  const size = entries.reduce((sum, [key, value]) => sum + key.length + stringOf(value).length, 0)
  if (size > 256 * 1024) {
    problems.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.annotations',
      message: 'Too long: may not be more than 262144 bytes',
    })
  }
  return problems
}

function workloadProblems(object: ApiObject, previous: ApiObject | undefined): Cause[] {
  const spec = objectOf(object.spec)
  const problems: Cause[] = []
  const replicas = spec.replicas
  if (typeof replicas === 'number' && replicas < 0) {
    problems.push(wrong('spec.replicas', replicas, 'must be greater than or equal to 0'))
  }
  const selector = spec.selector
  if (selector === undefined || Object.keys(objectOf(selector)).length === 0) {
    problems.push(required('spec.selector'))
  } else if (previous !== undefined && !jsonEqual(selector, at(previous, 'spec', 'selector'))) {
    problems.push(wrong('spec.selector', selector, 'field is immutable'))
  }
  const labels = objectOf(at(spec, 'template', 'metadata', 'labels')) as Labels
  problems.push(...labelProblems(labels, 'spec.template.metadata.labels'))
  if (selector !== undefined && !labelSelectorObject(selector)(labels)) {
    problems.push(
      wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
    )
  }
  problems.push(...containerProblems(at(spec, 'template', 'spec'), 'spec.template.spec'))
  return problems
}

function deploymentProblems(object: ApiObject): Cause[] {
  const spec = objectOf(object.spec)
  const problems: Cause[] = []
  const strategy = objectOf(spec.strategy)
  if (strategy.type === 'Recreate' && strategy.rollingUpdate !== undefined) {
    problems.push({
      reason: 'FieldValueForbidden',
      field: 'spec.strategy.rollingUpdate',
      message: "Forbidden: may not be specified when strategy `type` is 'Recreate'",
    })
  } else if (strategy.type !== 'Recreate' && strategy.type !== 'RollingUpdate') {
    problems.push({
      reason: 'FieldValueNotSupported',
      field: 'spec.strategy.type',
      message: `Unsupported value: ${JSON.stringify(strategy.type)}: supported values: "Recreate", "RollingUpdate"`,
    })
  }
  const zero = (value: unknown) => value === 0 || value === '0%'
  if (
    zero(at(strategy, 'rollingUpdate', 'maxUnavailable')) &&
    zero(at(strategy, 'rollingUpdate', 'maxSurge'))
  ) {
    problems.push(
      wrong(
        'spec.strategy.rollingUpdate.maxUnavailable',
        at(strategy, 'rollingUpdate', 'maxUnavailable'),
        'may not be 0 when `maxSurge` is 0',
      ),
    )
  }
  const minReady = Number(spec.minReadySeconds ?? 0)
  if (minReady < 0)
    problems.push(wrong('spec.minReadySeconds', minReady, 'must be greater than or equal to 0'))
  if (Number(spec.progressDeadlineSeconds) <= minReady) {
    problems.push(
      wrong(
        'spec.progressDeadlineSeconds',
        spec.progressDeadlineSeconds,
        'must be greater than minReadySeconds',
      ),
    )
  }
  return problems
}

function containerProblems(podSpec: unknown, field: string): Cause[] {
  const containers = listOf(at(podSpec, 'containers'))
  if (containers.length === 0) return [required(`${field}.containers`)]
  const names = new Set<string>()
  return containers.flatMap((container, index) => {
    const here = `${field}.containers[${index}]`
    const problems: Cause[] = []
    const name = stringOf(at(container, 'name'))
    if (name === '') problems.push(required(`${here}.name`))
    else if (name.length > 63 || !DNS_LABEL.test(name)) problems.push(wrong(`${here}.name`, name, LABEL_RULE))
    else if (names.has(name)) {
      problems.push({
        reason: 'FieldValueDuplicate',
        field: `${here}.name`,
        message: `Duplicate value: "${name}"`,
      })
    }
    names.add(name)
    if (stringOf(at(container, 'image')) === '') problems.push(required(`${here}.image`))
    return problems
  })
}

function servicePortProblems(object: ApiObject): Cause[] {
  const spec = objectOf(object.spec)
  const ports = listOf(spec.ports)
  if (spec.type === 'ExternalName') return []
  if (ports.length === 0 && spec.clusterIP !== 'None') return [required('spec.ports')]
  return ports.flatMap((port, index) => {
    const number = at(port, 'port')
    const valid = typeof number === 'number' && number >= 1 && number <= 65535
    const problems = valid
      ? []
      : [wrong(`spec.ports[${index}].port`, number, 'must be between 1 and 65535, inclusive')]
    if (ports.length > 1 && !at(port, 'name')) problems.push(required(`spec.ports[${index}].name`))
    return problems
  })
}
