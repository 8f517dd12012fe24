/** Canaryhook in a cluster, but for its processes: here they run beside it. */
import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { CHART, Helm } from '../helm/helm.ts'
import type { Api, ApiObject } from './api.ts'
import { kubeconfigFor } from './users.ts'

const MANIFESTS = new URL('../../webhook-config/', import.meta.url)
const ACCOUNT = { namespace: 'canaryhook', name: 'canaryhook' }
const CONFIGURATION = 'zz-canaryhook'

/** The user name that the API server knows the controller by. */
export const CONTROLLER = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`

/** The same of `canaryhook uninstall`. */
export const UNINSTALL = `${CONTROLLER}-uninstall`

/** The account and the roles of webhook-config/rbac.yaml; a test holds them equal to the chart's. */
export function permissions(): Promise<readonly ApiObject[]> {
  return objectsOf('rbac.yaml')
}

/** The account and the roles that `canaryhook uninstall` has beside the controller's. */
export async function uninstallPermissions(): Promise<readonly ApiObject[]> {
  return (await objectsOf('uninstall.yaml')).filter(({ kind }) => kind !== 'Job')
}

/**
 * Makes the ServiceAccount with exactly the permissions of webhook-config/.
 * @returns a kubeconfig with a token of that account
 */
export async function installPermissions(api: Api, url: string, ca: string): Promise<string> {
  await api.apply([...(await objectsOf('namespace.yaml')), ...(await permissions())])
  return kubeconfigFor(url, ca, 'canaryhook', await tokenOf(api, ACCOUNT))
}

/**
 * Installs the chart as its README says, into a namespace that enforces pod security; then takes the registration away:
 * each test registers the webhook that it starts, by URL.
 * @param admin kubeconfig of an administrator
 * @returns a kubeconfig with a token of the chart's ServiceAccount
 * @throws when Helm fails, with what it said
 */
export async function installChart(
  api: Api,
  { program, admin, url, ca }: { program: string; admin: string; url: string; ca: string },
): Promise<string> {
  await api.apply(await objectsOf('namespace.yaml'))
  const helm = await Helm.open(program, admin)
  try {
    const { namespace, name } = ACCOUNT
    // A cluster that somebody brought along may have the same objects from webhook-config/.
    const owned = ['--take-ownership', '--force-conflicts']
    await helm.done(['upgrade', '--install', name, CHART, '--namespace', namespace, ...owned])
  } finally {
    await helm.close()
  }
  await removeRegistration(api)
  return kubeconfigFor(url, ca, 'canaryhook', await tokenOf(api, ACCOUNT))
}

/** The objects of a file of webhook-config/. */
async function objectsOf(file: string): Promise<readonly ApiObject[]> {
  const documents = parseAllDocuments(await readFile(new URL(file, MANIFESTS), 'utf8'))
  return documents.map(document => document.toJS() as ApiObject)
}

/** A token of a ServiceAccount, for a day. @throws when there is no such account */
export async function tokenOf(api: Api, { namespace, name }: typeof ACCOUNT): Promise<string> {
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
