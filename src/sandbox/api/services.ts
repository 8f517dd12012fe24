/** Services get a cluster IP from the simulated cluster, which allocates it when it stores one. */
import type { Cluster } from '@ngrok/webernetes'
import { objectOf } from './json.ts'
import type { ApiObject } from './object.ts'
import { StatusError } from './status.ts'
import type { Store } from './store.ts'

type ClusterService = Awaited<ReturnType<Cluster['api']['corev1']['readNamespacedService']>>

export class Services {
  readonly #cluster: Cluster
  readonly #store: Store

  constructor(cluster: Cluster, store: Store) {
    this.#cluster = cluster
    this.#store = store
  }

  /** @throws StatusError 422 when the cluster refuses it, for example an address that is taken */
  async create(service: ApiObject): Promise<ApiObject | undefined> {
    const { namespace = 'default' } = service.metadata
    const key = keyOf(service)
    if (isHeadless(service)) return await this.#store.put(key, service, undefined)
    await refusals(service, () =>
      this.#cluster.api.corev1.createNamespacedService({ namespace, body: withoutVersion(service) }),
    )
    return this.#store.get(key)
  }

  /** Undefined when somebody else wrote since `present` was read. */
  async update(service: ApiObject, present: ApiObject): Promise<ApiObject | undefined> {
    const { namespace = 'default', name } = service.metadata
    const key = keyOf(service)
    if (isHeadless(service)) return await this.#store.put(key, service, present)
    if (this.#store.get(key)?.metadata.resourceVersion !== present.metadata.resourceVersion) return undefined
    const body = structuredClone(service) as unknown as ClusterService
    await refusals(service, () =>
      this.#cluster.api.corev1.replaceNamespacedService({ namespace, name, body }),
    )
    return this.#store.get(key)
  }
}

function keyOf({ metadata }: ApiObject): string {
  return `/registry/services/${metadata.namespace ?? 'default'}/${metadata.name}`
}

/** Those the simulation cannot allocate: it does not know Services without an address. */
function isHeadless(service: ApiObject): boolean {
  const spec = objectOf(service.spec)
  return spec.clusterIP === 'None' || spec.type === 'ExternalName'
}

function withoutVersion(service: ApiObject): ClusterService {
  const copy = structuredClone(service)
  delete copy.metadata.resourceVersion
  return copy as unknown as ClusterService
}

async function refusals<T>(service: ApiObject, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    const body = error instanceof Error && 'body' in error ? objectOf(error.body) : {}
    const why = String(body.message ?? (error instanceof Error ? error.message : error))
    throw new StatusError(422, 'Invalid', `Service "${service.metadata.name}" is invalid: ${why}`, {
      name: service.metadata.name,
      kind: 'Service',
    })
  }
}
