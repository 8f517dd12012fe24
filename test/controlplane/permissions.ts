/** What an account may do by its roles against what it did. Pure. */
import type { Audited } from './audit.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** A Role, a ClusterRole, or any other object of the same file. */
export interface MaybeRole {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly Rule[]
}

/** One verb on one resource, as a role grants it. */
interface Grant {
  /** `ClusterRole canaryhook`. */
  readonly role: string
  /** '' for all namespaces. */
  readonly namespace: string
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly names: readonly string[]
}

/** @returns a sentence for each kind of request that was refused for want of a permission */
export function missing(requests: readonly Audited[]): readonly string[] {
  const refused = requests.filter(({ decision }) => decision === 'forbid')
  const sentences = refused.map(({ verb, group, resource, namespace, name }) => {
    const where = [namespace, name].filter(part => part !== '').join('/')
    const what = `${verb} ${resource}${group && `.${group}`}`
    return { what, text: `${what} is not granted and was asked for${where && `: ${where}`}` }
  })
  return [...new Map(sentences.map(({ what, text }) => [what, text])).values()]
}

/** @returns a sentence for each permission that no request used */
export function unused(objects: readonly MaybeRole[], requests: readonly Audited[]): readonly string[] {
  const allowed = requests.filter(({ decision }) => decision === 'allow')
  return objects
    .flatMap(grantsOf)
    .filter(grant => !allowed.some(request => isBy(request, grant)))
    .map(
      ({ role, verb, group, resource }) =>
        `${role} grants ${verb} ${resource}${group && `.${group}`}, which nothing used`,
    )
}

/** @returns a sentence for each rule that grants more than can be told one by one */
export function sweeping(objects: readonly MaybeRole[]): readonly string[] {
  return objects
    .flatMap(grantsOf)
    .filter(({ verb, group, resource }) => [verb, group, resource].includes('*'))
    .map(
      ({ role, verb, group, resource }) =>
        `${role} grants ${verb} ${resource}.${group}: nobody can tell what of it is used`,
    )
}

function grantsOf({ kind, metadata, rules = [] }: MaybeRole): readonly Grant[] {
  const role = `${kind} ${metadata.name}`
  const namespace = kind === 'Role' ? (metadata.namespace ?? '') : ''
  return rules.flatMap(({ apiGroups, resources, resourceNames: names = [], verbs }) =>
    apiGroups.flatMap(group =>
      resources.flatMap(resource => verbs.map(verb => ({ role, namespace, verb, group, resource, names }))),
    ),
  )
}

function isBy({ verb, group, resource, namespace, name }: Audited, grant: Grant): boolean {
  const isSame = verb === grant.verb && group === grant.group && resource === grant.resource
  const isThere = grant.namespace === '' || namespace === grant.namespace
  return isSame && isThere && (grant.names.length === 0 || grant.names.includes(name))
}
