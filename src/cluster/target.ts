/**
 * Where the API server is and who we are there. Only three small modules of client-node are loaded: the
 * package as a whole, and its KubeConfig class alone, cost 89 MB of memory for generated types.
 */
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { dirname, resolve } from 'node:path'
import {
  type Cluster,
  newClusters,
  newContexts,
  newUsers,
  type User,
} from '@kubernetes/client-node/dist/config_types.js'
import { parse } from 'yaml'
import { CanaryhookError } from '../core/errors.ts'
import { type Credentials, createCredentials } from './credentials.ts'

/** Where the kubelet puts a pod's service account. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** What a connection needs to know of a cluster. */
export interface Target {
  /** Scheme, host and port, and a path when a proxy puts the API below one. */
  readonly server: URL
  readonly ca: Buffer | undefined
  /** The name to expect in the server's certificate, when it is not the host's. */
  readonly servername: string | undefined
  readonly insecure: boolean
  readonly credentials: Credentials
}

/** The API server's address as the kubelet tells it to every container. */
export interface InCluster {
  readonly host: string
  readonly port: string
  /** Holds `token` and `ca.crt`; the usual place when left out. */
  readonly serviceAccount?: string
}

/**
 * Reads a kubeconfig file and follows its current context.
 * @throws CanaryhookError CLUSTER_KUBECONFIG, saying what is missing
 */
export async function loadKubeconfig(file: string): Promise<Target> {
  const broken = (problem: string, cause?: unknown) =>
    new CanaryhookError('CLUSTER_KUBECONFIG', `${file}: ${problem}`, { cause })
  try {
    const config = parse(await readFile(file, 'utf8')) as Record<string, unknown> | null
    const current = config?.['current-context']
    const context = newContexts(config?.contexts).find(one => one.name === current)
    if (!context) throw broken(`current-context ${JSON.stringify(current)} is not one of its contexts`)
    const cluster = newClusters(config?.clusters).find(one => one.name === context.cluster)
    if (!cluster) throw broken(`cluster "${context.cluster}" of context "${context.name}" is not there`)
    const user = userOf(config?.users, context.user, dirname(file))
    if (!user) throw broken(`user "${context.user}" of context "${context.name}" is not there`)
    if (cluster.proxyUrl) throw broken('proxy-url is not supported')
    return await target(cluster, user, dirname(file))
  } catch (error) {
    if (error instanceof CanaryhookError) throw error
    throw broken((error as Error).message, error)
  }
}

/**
 * The cluster that this process runs in. The token is read again and again, since the kubelet renews it.
 * @throws CanaryhookError CLUSTER_KUBECONFIG when the service account is not mounted
 */
export async function inCluster(address: InCluster): Promise<Target> {
  const directory = address.serviceAccount ?? SERVICE_ACCOUNT
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host
  const server = `https://${host}:${address.port}`
  const user = {
    name: 'pod',
    authProvider: { name: 'tokenFile', config: { tokenFile: `${directory}/token` } },
  }
  try {
    return await target(
      { name: 'pod', server, skipTLSVerify: false, caFile: `${directory}/ca.crt` },
      user,
      '/',
    )
  } catch (error) {
    const expected = 'is automountServiceAccountToken off, or the token not projected into this container?'
    throw new CanaryhookError('CLUSTER_KUBECONFIG', `${(error as Error).message}; ${expected}`, {
      cause: error,
    })
  }
}

async function target(cluster: Cluster, user: User, directory: string): Promise<Target> {
  const [ca, cert, key] = await Promise.all([
    fileOrData(directory, cluster.caFile, cluster.caData),
    fileOrData(directory, user.certFile, user.certData),
    fileOrData(directory, user.keyFile, user.keyData),
  ])
  return {
    server: new URL(cluster.server),
    ca,
    servername: cluster.tlsServerName,
    insecure: cluster.skipTLSVerify,
    credentials: createCredentials(user, cert && key ? { cert, key } : undefined),
  }
}

/** A context without a user is anonymous; `tokenFile`, which client-node leaves out, is read again and again. */
function userOf(entries: unknown, name: string | undefined, directory: string): User | undefined {
  if (!name) return { name: 'anonymous' }
  const user = newUsers(entries).find(one => one.name === name)
  if (!user) return undefined
  const raw = (entries as { name: string; user?: { tokenFile?: string } }[]).find(one => one.name === name)
  const tokenFile = raw?.user?.tokenFile
  if (!tokenFile) return user
  return {
    ...user,
    authProvider: { name: 'tokenFile', config: { tokenFile: resolve(directory, tokenFile) } },
  }
}

async function fileOrData(
  directory: string,
  file: string | undefined,
  data: string | undefined,
): Promise<Buffer | undefined> {
  if (file) return readFile(resolve(directory, file))
  return data ? Buffer.from(data, 'base64') : undefined
}
