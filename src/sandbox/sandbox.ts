/**
 * A Kubernetes cluster in this process: simulated workloads with the Kubernetes API in front of them, over
 * HTTPS, for the demo and for tests. kubectl and client libraries talk to it through `kubeconfig`.
 */
import type { Cluster } from '@ngrok/webernetes'
import { stringify } from 'yaml'
import { createAuthority, issueLeaf } from '../certs/certificates.ts'
import { CanaryhookError } from '../core/errors.ts'
import { AdmissionChain } from './api/admission/chain.ts'
import { Catalogue } from './api/catalogue.ts'
import { type ApiAnswer, ApiClient, type RequestOptions } from './api/client.ts'
import { mendControllerCaches } from './api/controller-caches.ts'
import { Deleter } from './api/delete.ts'
import { GarbageCollector } from './api/garbage-collection.ts'
import { jobStore } from './api/job-store.ts'
import { ObjectsApi } from './api/objects-api.ts'
import { RequestLog } from './api/request-log.ts'
import { builtInResources } from './api/resources.ts'
import { ApiServer } from './api/server.ts'
import { Services } from './api/services.ts'
import { Store } from './api/store.ts'
import { Tokens, type UserName } from './api/users.ts'
import { Writer } from './api/write.ts'
import { createSimulatedCluster } from './simulation/cluster.ts'
import { startJobController } from './simulation/job-controller.ts'
import type { ResourceQuota } from './simulation/pod-quota.ts'

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
}

/** The answer of a pod. */
export interface ServiceAnswer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Sandbox {
  /** https://127.0.0.1:PORT */
  readonly url: string
  /** PEM of the authority that signed the server's certificate. */
  readonly caCertificate: string
  /** What clients asked for since the start or the last `requests.reset()`. */
  readonly requests: RequestLog
  /** A kubeconfig (YAML) that talks to the sandbox as that user. */
  kubeconfig(user: UserName): string
  /**
   * Sends a GET through a Service, as any client in the cluster would: to one of its ready pods in turn.
   * @throws CanaryhookError SANDBOX_UNREACHABLE when there is no such Service or no pod answers
   */
  fetch(namespace: string, service: string, port: number, path?: string): Promise<ServiceAnswer>
  /** Sends one request to the API as that user, without kubectl: for set-up and for tests. */
  request(user: UserName, method: string, path: string, options?: RequestOptions): Promise<ApiAnswer>
  /** Forgets all past changes: watches that resume from an older resource version get 410 Gone. */
  compact(): void
  /** Ends the server and everything that runs in the cluster. */
  stop(): Promise<void>
}

/**
 * Starts a sandbox.
 * @throws CanaryhookError SANDBOX_PORT when the port cannot be had
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const catalogue = new Catalogue()
  let quotas: (namespace: string) => readonly ResourceQuota[] = () => []
  await mendControllerCaches()
  const cluster = await createSimulatedCluster({ quotasOf: namespace => quotas(namespace) })
  const store = new Store(cluster, catalogue)
  await store.open()
  quotas = namespace =>
    store.list(`/registry/resourcequotas/${namespace}/`).map(({ object }) => object as ResourceQuota)
  const admission = new AdmissionChain(store)
  const writer = new Writer(store, admission, new Services(cluster, store))
  const deleter = new Deleter(store, admission, cluster)
  const objects = new ObjectsApi({ store, writer, deleter, cluster })
  new GarbageCollector(store, catalogue, cluster).start()
  const jobs = startJobController(cluster, jobStore(store))
  followDefinitions(store, catalogue)
  await labelNamespaces(store)

  const validity = { now: Date.now(), days: 365 }
  const authority = createAuthority('canaryhook sandbox', validity)
  const certificate = issueLeaf(authority, ['localhost', '127.0.0.1'], validity)
  const tokens = new Tokens()
  const requests = new RequestLog()
  const server = new ApiServer({ catalogue, objects, log: requests, tokens, certificate })
  let client: ApiClient | undefined
  const stop = async () => {
    client?.close()
    await server.close()
    admission.close()
    await jobs.stop()
    await store.close()
    await cluster.close()
  }
  const port = await listen(server, options.port ?? 0, stop)
  const url = `https://127.0.0.1:${port}`
  const api = new ApiClient(url, authority.cert, tokens)
  client = api
  return {
    url,
    caCertificate: authority.cert,
    requests,
    kubeconfig: user => kubeconfig(url, authority.cert, user, tokens.of(user)),
    fetch: (namespace, service, servicePort, path = '/') =>
      fetchService(cluster, store, { namespace, service, port: servicePort, path }),
    request: (user, method, path, requestOptions) => api.send(user, method, path, requestOptions),
    compact: () => store.compact(),
    stop,
  }
}

async function listen(server: ApiServer, port: number, stop: () => Promise<void>): Promise<number> {
  try {
    return await server.listen(port)
  } catch (error) {
    await stop().catch(() => {})
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    const why = taken ? 'another program uses it; choose another one, or 0 for any free port' : String(error)
    throw new CanaryhookError('SANDBOX_PORT', `the sandbox cannot listen on port ${port}: ${why}`, {
      cause: error,
    })
  }
}

/** Kinds of CustomResourceDefinitions are served as long as these exist. */
function followDefinitions(store: Store, catalogue: Catalogue): void {
  store.listen(({ type, object }) => {
    if (object.kind !== 'CustomResourceDefinition') return
    if (type === 'DELETED') catalogue.withdraw(object)
    else catalogue.define(object)
  })
}

/** Every namespace has its name as a label, for namespace selectors; the first ones are made without. */
async function labelNamespaces(store: Store): Promise<void> {
  const prefix = builtInResources.find(resource => resource.kind === 'Namespace')?.prefix ?? ''
  for (const { key, object } of store.list(prefix)) {
    const { name, labels } = object.metadata
    const metadata = { ...object.metadata, labels: { ...labels, 'kubernetes.io/metadata.name': name } }
    await store.put(key, { ...object, metadata }, object)
  }
}

function kubeconfig(url: string, ca: string, user: UserName, token: string): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user, namespace: 'default' } }],
    'current-context': 'sandbox',
  })
}

async function fetchService(
  cluster: Cluster,
  store: Store,
  { namespace, service, port, path }: { namespace: string; service: string; port: number; path: string },
): Promise<ServiceAnswer> {
  const found = store.get(`/registry/services/${namespace}/${service}`)
  const spec = found?.spec as { clusterIP?: string } | undefined
  const address = spec?.clusterIP
  const where = `service ${namespace}/${service}, port ${port}`
  if (address === undefined)
    throw new CanaryhookError('SANDBOX_UNREACHABLE', `${where}: there is no such Service`)
  try {
    const { status, body, header = {} } = await cluster.fetch(`http://${address}:${port}${path}`)
    const headers = Object.entries(header).map(([name, values]) => [name.toLowerCase(), values.join(', ')])
    return { status, body, headers: Object.fromEntries(headers) as Record<string, string> }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new CanaryhookError('SANDBOX_UNREACHABLE', `${where}: ${cause}`, { cause: error })
  }
}
