/** A small typed client of the Kubernetes API for one user, for what scenarios do by hand. */
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { ObjectRef, Resource } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { accessOf } from '../controlplane/access.ts'

export interface Answer<T> {
  readonly object: T
  /** The texts of the Warning headers. */
  readonly warnings: readonly string[]
}

/** The API server said no; `message` is what it said. */
export class Refusal extends Error {
  readonly status: number
  readonly warnings: readonly string[]

  constructor(status: number, message: string, warnings: readonly string[]) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.warnings = warnings
  }
}

export interface WriteOptions {
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly subresource?: 'scale' | 'status'
}

export interface ApplyOptions {
  /** In whose name: the manager that owns what the manifest says. */
  readonly fieldManager: string
  /** Takes fields from other managers instead of being refused. */
  readonly force?: boolean
  readonly dryRun?: boolean
}

export type Propagation = 'Background' | 'Foreground' | 'Orphan'

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const
const APPLY_TYPE = 'application/apply-patch+yaml'

/** Every call throws a Refusal when the answer is not a success. */
export class ApiClient {
  readonly #server: string
  readonly #identity: Readonly<Record<string, string | string[]>>
  readonly #agent: Agent

  /** @param kubeconfig YAML; its current context counts */
  constructor(kubeconfig: string) {
    const { server, identity, ...tls } = accessOf(kubeconfig)
    this.#server = server
    this.#identity = identity
    this.#agent = new Agent({ ...tls, keepAlive: true, maxSockets: 20 })
  }

  async get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T> {
    return (await this.#send<T>('GET', pathOf(resource, ref.namespace, ref.name))).object
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, namespace: string): Promise<readonly T[]> {
    const path = pathOf(resource, namespace)
    return (await this.#send<{ readonly items: readonly T[] }>('GET', path)).object.items
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    object: unknown,
    options?: WriteOptions,
  ): Promise<Answer<T>> {
    return this.#send('POST', pathOf(resource, namespace) + queryOf(options), object)
  }

  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    type: keyof typeof PATCH_TYPES,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<Answer<T>> {
    const path = pathOf(resource, ref.namespace, ref.name, options.subresource) + queryOf(options)
    return this.#send('PATCH', path, body, PATCH_TYPES[type])
  }

  /**
   * Server-side apply; makes the object when it is not there.
   * @throws Refusal 409 naming the other managers that own what would change, unless it is forced
   */
  apply<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    manifest: T,
    { force, ...options }: ApplyOptions,
  ): Promise<Answer<T>> {
    const path = pathOf(resource, namespace, manifest.metadata.name) + queryOf(options)
    return this.#send('PATCH', force ? `${path}&force=true` : path, manifest, APPLY_TYPE)
  }

  replace<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions,
  ): Promise<Answer<T>> {
    const { namespace, name } = object.metadata
    return this.#send('PUT', pathOf(resource, namespace ?? '', name) + queryOf(options), object)
  }

  async remove<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    propagationPolicy: Propagation = 'Background',
  ): Promise<void> {
    await this.#send('DELETE', pathOf(resource, ref.namespace, ref.name), { propagationPolicy })
  }

  close(): void {
    this.#agent.destroy()
  }

  #send<T>(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<Answer<T>> {
    const sent = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...this.#identity,
      Accept: 'application/json',
      ...(sent !== undefined && { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(sent) }),
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.#server}${path}`, { method, headers, agent: this.#agent })
      outgoing.on('error', reject)
      outgoing.on('response', response => {
        const status = response.statusCode ?? 0
        const warnings = [response.headers.warning ?? []].flat().flatMap(readWarnings)
        text(response)
          .then(answer => JSON.parse(answer) as T & { readonly message?: string })
          .then(object => {
            if (status < 300) resolve({ object, warnings })
            else reject(new Refusal(status, object.message ?? `status ${status}`, warnings))
          })
          .catch(reject)
      })
      outgoing.end(sent)
    })
  }
}

function pathOf<T extends KubernetesObject>(
  { group, version, plural }: Resource<T>,
  namespace: string,
  name?: string,
  subresource?: string,
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const folder = namespace === '' ? root : `${root}/namespaces/${namespace}`
  return [folder, plural, name, subresource].filter(part => part !== undefined).join('/')
}

function queryOf({ dryRun, fieldManager }: WriteOptions = {}): string {
  const query = new URLSearchParams({
    ...(dryRun && { dryRun: 'All' }),
    ...(fieldManager && { fieldManager }),
  })
  return query.size === 0 ? '' : `?${query}`
}

/** Node joins several Warning headers with commas. */
function readWarnings(header: string): string[] {
  const texts = [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(match =>
    (match[1] ?? '').replace(/\\(.)/g, '$1'),
  )
  return texts.map(warning => Buffer.from(warning, 'latin1').toString())
}
