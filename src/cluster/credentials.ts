/** How a request says who sends it: a client certificate, a token, a token file, or an exec plugin. */
import type { RequestOptions } from 'node:https'
import type { User } from '@kubernetes/client-node/dist/config_types.js'
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js'
import { FileAuth } from '@kubernetes/client-node/dist/file_auth.js'
import { CanaryhookError } from '../core/errors.ts'

/** What a request carries. */
export interface Identity {
  readonly headers: Readonly<Record<string, string>>
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
}

export interface Credentials {
  /** Who we are now. Tokens that expire are renewed here. @throws when a plugin or a file fails */
  current(): Promise<Identity>
  /** The API server did not know us (401): the next `current` asks anew instead of answering from memory. */
  renew(): void
}

/** The part of client-node's authenticators that we use. */
interface Authenticator {
  applyAuthentication(user: User, options: RequestOptions): Promise<void>
}

/** A plugin may read this to learn which answer is wanted; client-node does not set it. */
const EXEC_INFO = {
  kind: 'ExecCredential',
  apiVersion: 'client.authentication.k8s.io/v1',
  spec: { interactive: false },
}

/**
 * @param user an entry of a kubeconfig
 * @param certificate the user's client certificate, already read from its file or data
 * @throws CanaryhookError CLUSTER_KUBECONFIG for a way to authenticate that we do not support
 */
export function createCredentials(user: User, certificate?: { cert: Buffer; key: Buffer }): Credentials {
  const always = { ...impersonation(user), ...(user.token ? bearer(user.token) : {}) }
  const make = authenticatorMaker(user)
  if (!make || user.token) {
    const identity = { headers: always, ...certificate }
    return { current: async () => identity, renew: () => {} }
  }

  const asked = withExecInfo(user)
  let authenticator = make()
  return {
    async current() {
      const options: RequestOptions & { headers: Record<string, string> } = { headers: { ...always } }
      await authenticator.applyAuthentication(asked, options)
      const cert = options.cert as string | undefined
      const key = options.key as string | undefined
      // A token file may end with a line break, which is no part of the token.
      const trimmed = Object.entries(options.headers).map(([name, value]) => [name, value.trim()] as const)
      return { headers: Object.fromEntries(trimmed), ...certificate, ...(cert && key ? { cert, key } : {}) }
    },
    renew() {
      authenticator = make()
    },
  }
}

/** A new authenticator remembers no token, so that making one is how a token is renewed. */
function authenticatorMaker(user: User): (() => Authenticator) | undefined {
  if (user.exec) return () => new ExecAuth()
  if (!user.authProvider) return undefined
  if (user.authProvider.config?.tokenFile) return () => new FileAuth()
  throw new CanaryhookError(
    'CLUSTER_KUBECONFIG',
    `user "${user.name}": auth-provider "${user.authProvider.name}" is not supported; ` +
      'expected token, tokenFile, client-certificate or exec',
  )
}

function withExecInfo(user: User): User {
  if (!user.exec) return user
  const apiVersion: unknown = user.exec.apiVersion ?? EXEC_INFO.apiVersion
  const info = { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify({ ...EXEC_INFO, apiVersion }) }
  return { ...user, exec: { ...user.exec, env: [info, ...(user.exec.env ?? [])] } }
}

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token.trim()}` }
}

function impersonation(user: User): Record<string, string> {
  return user.impersonateUser ? { 'Impersonate-User': user.impersonateUser } : {}
}
