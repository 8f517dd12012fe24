/** Access to a cluster with the token of a ServiceAccount, as a pod has it. */
import { parse, stringify } from 'yaml'
import type { ObjectRef } from '../../src/cluster/port.ts'
import type { Access } from '../controlplane/access.ts'
import type { Api } from '../controlplane/api.ts'
import { tokenOf } from '../controlplane/install.ts'
import { kubeconfigFor } from '../controlplane/users.ts'

/**
 * @returns a kubeconfig with a new token of that account
 * @throws Error when there is no such account
 */
export async function tokenKubeconfig(api: Api, { server, ca }: Access, account: ObjectRef): Promise<string> {
  const token = await tokenOf(api, account)
  // As in a pod: what names no namespace means its own.
  return inNamespace(kubeconfigFor(server, ca ?? '', account.name, token), account.namespace)
}

/** The same access, for which another namespace is the default. */
export function inNamespace(kubeconfig: string, namespace: string): string {
  const config = parse(kubeconfig) as { contexts: { name: string; context: object }[] }
  const contexts = config.contexts.map(({ name, context }) => ({ name, context: { ...context, namespace } }))
  return stringify({ ...config, contexts })
}
