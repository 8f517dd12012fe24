/** Reads the path and query of a request for an object or a list of them. */
import type { Catalogue } from './catalogue.ts'
import type { Resource } from './resources.ts'
import { noSuchPath } from './status.ts'
import type { User } from './users.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

export interface ResourceRequest {
  readonly verb: Verb
  readonly resource: Resource
  /** '' when the object itself is meant. */
  readonly subresource: string
  /** '' for all namespaces, and for kinds without one. */
  readonly namespace: string
  /** '' for a list. */
  readonly name: string
  readonly query: URLSearchParams
  readonly user: User
  readonly accept: string
  readonly contentType: string
  readonly body: Buffer
}

export type Target = Pick<ResourceRequest, 'resource' | 'subresource' | 'namespace' | 'name'>

/**
 * What a path such as /apis/apps/v1/namespaces/default/deployments/web/scale speaks of.
 * @throws StatusError 404 for a path that is not one
 */
export function parseTarget(path: string, catalogue: Catalogue): Target {
  const parts = path
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent)
  const [root, ...afterRoot] = parts
  const [group, version, ...rest] =
    root === 'api' ? ['', ...afterRoot] : root === 'apis' ? afterRoot : [undefined, undefined]
  if (group === undefined || version === undefined) throw noSuchPath()
  // /namespaces/NAME may be the object itself, its status, or the folder of other kinds.
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2 && !isSubresource(rest[2])
  const namespace = inNamespace ? (rest[1] ?? '') : ''
  const [plural = '', name = '', subresource = '', ...more] = inNamespace ? rest.slice(2) : rest
  const resource = catalogue.find(group, version, plural)
  if (resource === undefined || more.length > 0) throw noSuchPath()
  if (resource.namespaced && name !== '' && namespace === '') throw noSuchPath()
  if (!resource.namespaced && namespace !== '') throw noSuchPath()
  if (subresource !== '' && !resource.subresources.some(served => served === subresource)) throw noSuchPath()
  return { resource, subresource, namespace, name }
}

function isSubresource(part: string | undefined): boolean {
  return part === 'status' || part === 'finalize'
}

/** The verb of a request as Kubernetes counts them (requestinfo.go): a GET may be get, list or watch. */
export function verbOf(method: string, target: Target, query: URLSearchParams): Verb | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (target.name !== '') return 'get'
      return query.get('watch') === 'true' || query.get('watch') === '1' ? 'watch' : 'list'
    case 'POST':
      return target.name === '' ? 'create' : undefined
    case 'PUT':
      return target.name === '' ? undefined : 'update'
    case 'PATCH':
      return target.name === '' ? undefined : 'patch'
    case 'DELETE':
      return target.name === '' ? 'deletecollection' : 'delete'
    default:
      return undefined
  }
}
