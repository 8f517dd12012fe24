/** What a request to a Kubernetes API is about, read from its method and URL alone. */
import type { Seen } from './environment.ts'

/** A request that was not answered yet. */
export type Asked = Omit<Seen, 'status'>

const VERBS: Readonly<Record<string, string>> = { PUT: 'update', PATCH: 'patch', POST: 'create' }

/**
 * Follows k8s.io/apiserver pkg/endpoints/request requestinfo.go for objects and lists of them; of any other
 * path (/version, /healthz) only the verb is known.
 */
export function readRequest(method: string, url: string): Asked {
  const { pathname, searchParams } = new URL(url, 'https://cluster')
  const parts = pathname
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent)
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : []
  // /namespaces/NAME may be the object itself, its status, or the folder of other kinds.
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2 && !isSubresource(rest[2])
  const namespace = inNamespace ? (rest[1] ?? '') : ''
  const [resource = '', name = '', subresource = ''] = inNamespace ? rest.slice(2) : rest
  return { verb: verbOf(method, name, searchParams), resource, subresource, namespace, name }
}

function isSubresource(part: string | undefined): boolean {
  return part === 'status' || part === 'finalize'
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete'
  if (method !== 'GET') return VERBS[method] ?? method.toLowerCase()
  if (name !== '') return 'get'
  return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list'
}
