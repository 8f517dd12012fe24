/** How to reach the API that a kubeconfig names: only what kubeconfigs of test clusters carry, data in line. */
import { parse, stringify } from 'yaml'

export interface Access {
  readonly server: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Headers that say who asks. */
  readonly identity: Readonly<Record<string, string | string[]>>
}

interface Kubeconfig {
  readonly 'current-context': string
  readonly contexts: readonly {
    readonly name: string
    readonly context: { readonly cluster: string; readonly user: string }
  }[]
  readonly clusters: readonly {
    readonly name: string
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string }
  }[]
  readonly users: readonly { readonly name: string; readonly user: KubeconfigUser }[]
}

interface KubeconfigUser {
  readonly token?: string
  readonly 'client-certificate-data'?: string
  readonly 'client-key-data'?: string
  /** Impersonation. */
  readonly as?: string
  readonly 'as-groups'?: string[]
  readonly [field: string]: unknown
}

/** @throws when there is no current context */
export function accessOf(kubeconfig: string): Access {
  const { cluster, user } = currentOf(parse(kubeconfig) as Kubeconfig)
  const decoded = (data: string | undefined) => data && Buffer.from(data, 'base64').toString()
  const ca = decoded(cluster['certificate-authority-data'])
  const cert = decoded(user['client-certificate-data'])
  const key = decoded(user['client-key-data'])
  return {
    server: cluster.server,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    identity: {
      ...(user.token && { Authorization: `Bearer ${user.token}` }),
      ...(user.as && { 'Impersonate-User': user.as }),
      ...(user['as-groups'] && { 'Impersonate-Group': user['as-groups'] }),
    },
  }
}

/** The same access in another person's name and groups, as `kubectl --as … --as-group …` has it. */
export function impersonating(kubeconfig: string, name: string, groups: readonly string[]): string {
  const config = parse(kubeconfig) as Kubeconfig
  const { cluster, user } = currentOf(config)
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name, user: { ...user, as: name, 'as-groups': groups } }],
    contexts: [{ name, context: { cluster: 'cluster', user: name } }],
    'current-context': name,
  })
}

function currentOf(config: Kubeconfig) {
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster
  const user = config.users.find(({ name }) => name === context?.user)?.user
  if (!cluster || !user) throw new Error('the kubeconfig has no current context')
  return { cluster, user }
}
