/** Who may do what at a control plane of ours: static tokens, and the kubeconfigs that carry them. */
import { randomBytes } from 'node:crypto'
import { stringify } from 'yaml'

/** People and programs, with their groups. */
const GROUPS = {
  admin: ['system:masters'],
  alice: ['developers'],
  bob: ['developers', 'sre'],
  'system:kube-controller-manager': [],
  'system:kube-scheduler': [],
  // Plays the nodes and their kubelets.
  kwok: ['system:masters'],
} as const

export type Account = keyof typeof GROUPS

/** The groups of a person, for clusters where they are only played. */
export function groupsOf(account: Account): readonly string[] {
  return GROUPS[account]
}

const ACCOUNTS = Object.keys(GROUPS) as Account[]

/** A new token for each. */
export function makeTokens(): ReadonlyMap<Account, string> {
  return new Map(ACCOUNTS.map(account => [account, randomBytes(16).toString('hex')]))
}

/** The file for --token-auth-file: token, name, uid and groups of each. */
export function tokenFile(tokens: ReadonlyMap<Account, string>): string {
  const lines = ACCOUNTS.map(
    account => `${tokens.get(account)},${account},${account},"${GROUPS[account].join(',')}"`,
  )
  return `${lines.join('\n')}\n`
}

/** @param server the API server's URL @param ca its authority, PEM */
export function kubeconfigFor(server: string, ca: string, user: string, token: string): string {
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'controlplane', cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: user, context: { cluster: 'controlplane', user } }],
    'current-context': user,
  })
}

/**
 * Developers may do everything, but they are not the controller: what protects Canaryhook's state is who asks,
 * not what he may.
 */
export function developers(subjects: readonly { readonly kind: 'User' | 'Group'; readonly name: string }[]) {
  const apiGroup = 'rbac.authorization.k8s.io'
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'developers' },
    roleRef: { apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: subjects.map(subject => ({ apiGroup, ...subject })),
  }
}
