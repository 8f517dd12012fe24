/** The few requests that setting up a cluster takes. */
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { type Access, accessOf } from './access.ts'

export interface ApiAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface Api {
  /** @param type of the body, when it is not JSON @throws when there is no answer */
  request(method: string, path: string, body?: unknown, type?: string): Promise<ApiAnswer>
  /** Creates objects, or brings those that are there to what they say. @throws when one is refused */
  apply(objects: readonly ApiObject[]): Promise<void>
}

export interface ApiObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** Kinds that are applied here, and whether they live in a namespace. */
const PLURALS: Readonly<Record<string, readonly [plural: string, namespaced: boolean]>> = {
  Namespace: ['namespaces', false],
  Node: ['nodes', false],
  ServiceAccount: ['serviceaccounts', true],
  ClusterRole: ['clusterroles', false],
  ClusterRoleBinding: ['clusterrolebindings', false],
  Role: ['roles', true],
  RoleBinding: ['rolebindings', true],
  MutatingWebhookConfiguration: ['mutatingwebhookconfigurations', false],
}

/** @param kubeconfig its text, with the credentials of an administrator */
export function apiOf(kubeconfig: string): Api {
  const access = accessOf(kubeconfig)
  const api: Api = {
    request: (method, path, body, type) => ask(access, method, path, body, type),
    async apply(objects) {
      for (const object of objects) {
        const path = pathOf(object)
        const type = 'application/apply-patch+yaml'
        const query = '?fieldManager=canaryhook-tests&force=true'
        const { status, body } = await api.request('PATCH', `${path}${query}`, object, type)
        if (status >= 300) {
          throw new Error(`${object.kind} ${object.metadata.name} was refused: ${status} ${body.message}`)
        }
      }
    },
  }
  return api
}

function pathOf({ apiVersion, kind, metadata }: ApiObject): string {
  const [plural, namespaced] = PLURALS[kind] ?? []
  if (!plural) throw new Error(`no path is known for kind ${kind}`)
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const place = namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''
  return `${root}${place}/${plural}/${metadata.name}`
}

function ask(
  { server, identity, ...tls }: Access,
  method: string,
  path: string,
  body: unknown,
  type = 'application/json',
): Promise<ApiAnswer> {
  const headers = {
    Accept: 'application/json',
    ...identity,
    ...(body !== undefined && { 'Content-Type': type }),
  }
  const options = { method, headers, ...tls }
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server), options, response => {
      text(response).then(answer => {
        const isJson = response.headers['content-type']?.includes('json')
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(answer) : { message: answer } })
      }, reject)
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
