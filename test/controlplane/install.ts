/** What an install of Canaryhook puts into a cluster, but for its Deployment: here its processes run beside it. */
import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { Api, ApiObject } from './api.ts'
import { kubeconfigFor } from './users.ts'

const RBAC = new URL('../../webhook-config/rbac.yaml', import.meta.url)
const ACCOUNT = { namespace: 'canaryhook', name: 'canaryhook' }
const CONFIGURATION = 'zz-canaryhook'

/** The user name that the API server knows the controller by. */
export const CONTROLLER = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`

/** The objects of webhook-config/rbac.yaml. */
export async function permissions(): Promise<readonly ApiObject[]> {
  const documents = parseAllDocuments(await readFile(RBAC, 'utf8'))
  return documents.map(document => document.toJS() as ApiObject)
}

/**
 * Makes the ServiceAccount with exactly the permissions of webhook-config/.
 * @returns a kubeconfig with a token of that account
 */
export async function installPermissions(api: Api, url: string, ca: string): Promise<string> {
  await api.apply(await permissions())
  return kubeconfigFor(url, ca, 'canaryhook', await tokenOf(api, ACCOUNT))
}

async function tokenOf(api: Api, { namespace, name }: typeof ACCOUNT): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 24 * 60 * 60 },
  }
  const { status, body } = await api.request('POST', path, request)
  if (status >= 300) throw new Error(`no token for ${namespace}/${name}: ${status} ${body.message}`)
  return (body as { status: { token: string } }).status.token
}

/** Takes the webhook's registration away, that of an earlier run too. */
export async function removeRegistration(api: Api): Promise<void> {
  await api.request(
    'DELETE',
    `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${CONFIGURATION}`,
  )
}
