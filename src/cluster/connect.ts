import type { Logger } from 'pino'
import type { KubernetesObject } from '../core/kubernetes.ts'
import { type Call, type Connection, type Limits, openConnection } from './connection.ts'
import { createLimiter, type LimiterSettings } from './limiter.ts'
import { createPace } from './pace.ts'
import { collectionPath, objectName, objectPath } from './paths.ts'
import {
  ApiError,
  type CallOptions,
  type Cluster,
  type ObjectRef,
  type Patch,
  type Resource,
} from './port.ts'
import { REFLECTOR_SETTINGS, type ReflectorSettings, startReflector } from './reflector.ts'
import { type InCluster, inCluster, loadKubeconfig } from './target.ts'

export interface ConnectOptions {
  readonly log: Logger
  /** For tests: other time limits and page sizes. */
  readonly limits?: Limits
  readonly reflector?: Partial<ReflectorSettings>
  readonly limiter?: LimiterSettings
}

/** Who owns the fields that we write; managedFields name it. */
const FIELD_MANAGER = 'canaryhook'

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

/**
 * Makes the real Cluster. Nothing is sent yet: a cluster that cannot be reached shows in the first call,
 * and a watch waits for it to come.
 * @param where a kubeconfig file, or the address that a pod is told
 * @throws CanaryhookError CLUSTER_KUBECONFIG when there is not enough to connect with
 */
export async function connect(where: string | InCluster, options: ConnectOptions): Promise<Cluster> {
  const target = await (typeof where === 'string' ? loadKubeconfig(where) : inCluster(where))
  const connection = openConnection(target, options.limits)
  return createCluster(connection, options)
}

function createCluster(connection: Connection, options: ConnectOptions): Cluster {
  const closing = new AbortController()
  const context = {
    connection,
    settings: { ...REFLECTOR_SETTINGS, ...options.reflector },
    log: options.log,
    pace: createPace(),
    closing: closing.signal,
  }

  const limiter = createLimiter(options.limiter)
  const write = ({ permit, urgent = false, direct = false }: CallOptions, call: Call): Promise<unknown> => {
    const send = () => connection.json({ ...call, permit })
    return direct ? send() : limiter.run(send, urgent)
  }

  return {
    watch: (resource, watchOptions, onChange) => startReflector(context, resource, watchOptions, onChange),

    async read<T extends KubernetesObject>(
      resource: Resource<T>,
      ref: ObjectRef,
      { permit }: CallOptions = {},
    ): Promise<T | undefined> {
      try {
        const what = `GET ${objectName(resource, ref)}`
        return (await connection.json({
          method: 'GET',
          path: objectPath(resource, ref),
          what,
          permit,
        })) as T
      } catch (error) {
        if (error instanceof ApiError && error.code === 'CLUSTER_NOT_FOUND') return undefined
        throw error
      }
    },

    async create<T extends KubernetesObject>(
      resource: Resource<T>,
      namespace: string,
      object: T,
      options: CallOptions = {},
    ): Promise<T> {
      const created = await write(options, {
        method: 'POST',
        path: collectionPath(resource, namespace),
        query: { fieldManager: FIELD_MANAGER },
        body: { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object },
        what: `CREATE ${objectName(resource, { namespace, name: object.metadata.name })}`,
      })
      return created as T
    },

    async patch<T extends KubernetesObject>(
      resource: Resource<T>,
      ref: ObjectRef,
      patch: Patch,
      subresource?: 'status' | 'scale',
      options: CallOptions = {},
    ): Promise<T> {
      const patched = await write(options, {
        method: 'PATCH',
        path: objectPath(resource, ref, subresource),
        query: { fieldManager: FIELD_MANAGER },
        body: patch.body,
        contentType: PATCH_TYPES[patch.type],
        what: `PATCH ${objectName(resource, ref, subresource)}`,
      })
      return patched as T
    },

    async remove(resource, ref, preconditions, options = {}) {
      try {
        await write(options, {
          method: 'DELETE',
          path: objectPath(resource, ref),
          body: {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            propagationPolicy: 'Background',
            ...(preconditions?.uid === undefined ? {} : { preconditions: { uid: preconditions.uid } }),
          },
          what: `DELETE ${objectName(resource, ref)}`,
        })
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'CLUSTER_NOT_FOUND') throw error
      }
    },

    async close() {
      closing.abort()
      connection.close()
    },
  }
}

function apiVersionOf<T extends KubernetesObject>(resource: Resource<T>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}
