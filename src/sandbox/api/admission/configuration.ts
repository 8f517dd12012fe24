/** Which registered webhooks a request has to pass (apiserver/pkg/admission/plugin/webhook). */
import { at, listOf, objectOf, stringOf } from '../json.ts'
import { type Labels, labelSelectorObject } from '../label-selector.ts'
import type { ApiObject } from '../object.ts'
import type { Store } from '../store.ts'
import type { AdmissionAttributes } from './attributes.ts'

export interface Webhook {
  readonly name: string
  readonly mutating: boolean
  readonly url: string
  readonly caBundle: string
  readonly timeoutSeconds: number
  readonly failurePolicy: 'Fail' | 'Ignore'
  readonly rules: readonly Rule[]
  readonly namespaceSelector: unknown
  readonly objectSelector: unknown
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[]
}

interface Rule {
  readonly operations: readonly string[]
  readonly apiGroups: readonly string[]
  readonly apiVersions: readonly string[]
  readonly resources: readonly string[]
  readonly scope: string
}

const PREFIX = '/registry/admissionregistration.k8s.io/'

/** The registered webhooks in the order they are called: configurations by name, mutating ones first. */
export function registeredWebhooks(store: Store): readonly Webhook[] {
  const kinds = ['mutatingwebhookconfigurations/', 'validatingwebhookconfigurations/']
  return kinds.flatMap(kind => store.list(PREFIX + kind).flatMap(({ object }) => webhooksOf(object)))
}

function webhooksOf(configuration: ApiObject): Webhook[] {
  return listOf(configuration.webhooks).map(webhook => ({
    name: stringOf(at(webhook, 'name')),
    mutating: configuration.kind === 'MutatingWebhookConfiguration',
    url: stringOf(at(webhook, 'clientConfig', 'url')),
    caBundle: stringOf(at(webhook, 'clientConfig', 'caBundle')),
    timeoutSeconds: Number(at(webhook, 'timeoutSeconds') ?? 10),
    failurePolicy: at(webhook, 'failurePolicy') === 'Ignore' ? 'Ignore' : 'Fail',
    rules: listOf(at(webhook, 'rules')).map(ruleOf),
    namespaceSelector: at(webhook, 'namespaceSelector') ?? {},
    objectSelector: at(webhook, 'objectSelector') ?? {},
    matchConditions: listOf(at(webhook, 'matchConditions')).map(condition => ({
      name: stringOf(at(condition, 'name')),
      expression: stringOf(at(condition, 'expression')),
    })),
  }))
}

function ruleOf(rule: unknown): Rule {
  const strings = (field: string) => listOf(at(rule, field)).map(stringOf)
  return {
    operations: strings('operations'),
    apiGroups: strings('apiGroups'),
    apiVersions: strings('apiVersions'),
    resources: strings('resources'),
    scope: stringOf(at(rule, 'scope')) || '*',
  }
}

/** Whether rules and selectors of a webhook match. Match conditions are another, later question. */
export function matchesRequest(webhook: Webhook, request: AdmissionAttributes, store: Store): boolean {
  return (
    webhook.rules.some(rule => matchesRule(rule, request)) &&
    matchesNamespace(webhook, request, store) &&
    matchesObject(webhook, request)
  )
}

function matchesRule(rule: Rule, { operation, resource, subresource }: AdmissionAttributes): boolean {
  const listed = (values: readonly string[], value: string) => values.includes('*') || values.includes(value)
  return (
    listed(rule.operations, operation) &&
    listed(rule.apiGroups, resource.group) &&
    listed(rule.apiVersions, resource.version) &&
    rule.resources.some(entry => matchesResource(entry, resource.plural, subresource)) &&
    (rule.scope === '*' || (rule.scope === 'Namespaced') === resource.namespaced)
  )
}

/** `deployments` is the object alone, `deployments/*` and a star for both take subresources in (rules.go). */
function matchesResource(entry: string, plural: string, subresource: string): boolean {
  const [wantedPlural = '', wantedSubresource = ''] = entry.split('/')
  const pluralMatches = wantedPlural === '*' || wantedPlural === plural
  return pluralMatches && (wantedSubresource === '*' || wantedSubresource === subresource)
}

function matchesNamespace(webhook: Webhook, request: AdmissionAttributes, store: Store): boolean {
  if (!request.resource.namespaced && request.resource.kind !== 'Namespace') return true
  const namespace =
    request.resource.kind === 'Namespace'
      ? request.object
      : store.get(`/registry/namespaces/${request.namespace}`)
  return labelSelectorObject(webhook.namespaceSelector)(labelsOf(namespace))
}

/** The object or the old object may match (predicates/object/matcher.go). */
function matchesObject(webhook: Webhook, { object, oldObject }: AdmissionAttributes): boolean {
  const matches = labelSelectorObject(webhook.objectSelector)
  return [object, oldObject].some(candidate => candidate !== undefined && matches(labelsOf(candidate)))
}

function labelsOf(object: ApiObject | undefined): Labels {
  return objectOf(object?.metadata.labels) as Labels
}
