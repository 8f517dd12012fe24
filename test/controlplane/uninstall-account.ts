/** The account of `canaryhook uninstall`, with exactly the permissions that the chart's hook has. */
import { accessOf } from './access.ts'
import type { Api } from './api.ts'
import { tokenOf, uninstallPermissions } from './install.ts'
import { kubeconfigFor } from './users.ts'

const ACCOUNT = { namespace: 'canaryhook', name: 'canaryhook-uninstall' }

/** Makes it, and gives a kubeconfig with a token of it. @param admin kubeconfig of an administrator */
export async function uninstallAccount(api: Api, admin: string): Promise<string> {
  await api.apply(await uninstallPermissions())
  const { server, ca = '' } = accessOf(admin)
  return kubeconfigFor(server, ca, ACCOUNT.name, await tokenOf(api, ACCOUNT))
}
