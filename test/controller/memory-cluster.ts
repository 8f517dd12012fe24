/**
 * The port to Kubernetes over a map: objects, versions, conflicts, the real webhook's answers, and what a test
 * makes go wrong. It keeps a list of the writes that were asked of it. No controllers of Kubernetes run in it.
 */
import jsonpatch from 'jsonpatch'
import { type Cache, createCache } from '../../src/cluster/cache/cache.ts'
import {
  ApiError,
  type Change,
  type Cluster,
  type ObjectRef,
  type Patch,
  type Resource,
  type Watching,
  type WatchOptions,
} from '../../src/cluster/port.ts'
import { admit } from '../../src/core/admission/admit.ts'
import type { Deployment, KubernetesObject } from '../../src/core/kubernetes.ts'
import type { JsonObject } from '../../src/sandbox/api/json.ts'
import { applyJsonPatch } from '../../src/sandbox/api/patch/json-patch.ts'
import { applyMergePatch } from '../../src/sandbox/api/patch/merge-patch.ts'
import { applyStrategicMerge } from '../../src/sandbox/api/patch/strategic-merge.ts'
import { CONTROLLER } from '../core/shop.ts'

/** `works`; `down`: cannot be called, and fails closed; `bypassed`: somebody deleted its registration. */
type Webhook = 'works' | 'down' | 'bypassed'

const CODES: Readonly<Record<string, number>> = {
  CLUSTER_CONFLICT: 409,
  CLUSTER_EXISTS: 409,
  CLUSTER_NOT_FOUND: 404,
  CLUSTER_FORBIDDEN: 403,
  CLUSTER_INVALID: 422,
  CLUSTER_WEBHOOK: 500,
  CLUSTER_UNAVAILABLE: 503,
}

export function apiError(code: string, message: string): ApiError {
  return new ApiError(code, message, { status: CODES[code] ?? 500 })
}

export class MemoryCluster implements Cluster {
  /** `patch deployments/shop/status` and the like, Events aside, in order. */
  readonly writes: string[] = []
  /** `services/shop` and the like: what was unpacked to look at it, one by one, in order. */
  readonly unpacked: string[] = []
  /** The reasons of the Events. */
  readonly events: string[] = []
  webhook: Webhook = 'works'
  /** While true, watches tell nothing: caches stay behind. */
  late = false
  readonly #objects = new Map<string, KubernetesObject>()
  readonly #caches = new Map<string, Cache<KubernetesObject>[]>()
  readonly #failures = new Map<string, ApiError>()
  #version = 1000

  /** The next write of this name (`create deployments/shop-canary`) fails. */
  fail(write: string, code: string, message = 'no'): void {
    this.#failures.set(write, apiError(code, message))
  }

  /** Somebody else makes or changes an object, past the webhook. */
  put<T extends KubernetesObject>(plural: string, object: T): T {
    this.#version += 1
    const resourceVersion = String(this.#version)
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion } }
    this.#objects.set(`${plural}/${object.metadata.name}`, stored)
    if (!this.late) for (const cache of this.#caches.get(plural) ?? []) cache.changed(stored)
    return stored
  }

  get<T extends KubernetesObject>(plural: string, name: string): T | undefined {
    return this.#objects.get(`${plural}/${name}`) as T | undefined
  }

  names(plural: string): readonly string[] {
    return [...this.#objects.keys()]
      .filter(key => key.startsWith(`${plural}/`))
      .map(key => key.split('/')[1] ?? '')
  }

  watch<T extends KubernetesObject>(
    { plural }: Resource<T>,
    options: WatchOptions<T>,
    onChange: (change: Change<T>) => void,
  ): Watching<T> {
    const cache = createCache<T>(options, onChange)
    cache.listBegins()
    for (const name of this.names(plural)) {
      const object = this.get<T>(plural, name)
      if (object) cache.listed(object, String(this.#version))
    }
    cache.listEnds(String(this.#version))
    const caches = this.#caches.get(plural) ?? []
    this.#caches.set(plural, [...caches, cache as unknown as Cache<KubernetesObject>])
    const get = (ref: ObjectRef) => {
      const found = cache.get(ref)
      if (found && options.packed) this.unpacked.push(`${plural}/${ref.name}`)
      return found
    }
    return { ...cache, get, synced: Promise.resolve(), isSynced: true, stop: () => {} }
  }

  async read<T extends KubernetesObject>(
    { plural }: Resource<T>,
    { name }: ObjectRef,
  ): Promise<T | undefined> {
    return this.get<T>(plural, name)
  }

  async create<T extends KubernetesObject>(
    { plural }: Resource<T>,
    _namespace: string,
    object: T,
  ): Promise<T> {
    if (plural === 'events') {
      this.events.push((object as unknown as { reason: string }).reason)
      return object
    }
    this.#record(`create ${plural}/${object.metadata.name}`)
    if (this.get(plural, object.metadata.name)) throw apiError('CLUSTER_EXISTS', 'already exists')
    const { name } = object.metadata
    return this.put(plural, {
      ...object,
      metadata: { ...object.metadata, uid: `${name}-uid`, generation: 1 },
    })
  }

  async patch<T extends KubernetesObject>(
    { plural }: Resource<T>,
    { name }: ObjectRef,
    patch: Patch,
    subresource?: 'status' | 'scale',
  ): Promise<T> {
    this.#record(`patch ${plural}/${name}${subresource ? `/${subresource}` : ''}`)
    const before = this.get<Deployment>(plural, name)
    if (!before) throw apiError('CLUSTER_NOT_FOUND', 'not found')
    const body = patch.body as { metadata?: { resourceVersion?: string } }
    const { resourceVersion } = body.metadata ?? {}
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw apiError('CLUSTER_CONFLICT', 'the object has been modified')
    }
    const patched = patchedBy(before, patch)
    const after = plural === 'deployments' ? this.#stored(before, patched, subresource) : patched
    const isNewSpec = JSON.stringify(after.spec) !== JSON.stringify(before.spec)
    const generation = (before.metadata.generation ?? 1) + (isNewSpec ? 1 : 0)
    return this.put(plural, { ...after, metadata: { ...after.metadata, generation } }) as unknown as T
  }

  async remove<T extends KubernetesObject>(
    { plural }: Resource<T>,
    { name }: ObjectRef,
    { uid }: { readonly uid?: string } = {},
  ): Promise<void> {
    this.#record(`delete ${plural}/${name}`)
    const object = this.get(plural, name)
    if (!object) return
    if (uid !== undefined && object.metadata.uid !== uid) throw apiError('CLUSTER_CONFLICT', 'another uid')
    this.#objects.delete(`${plural}/${name}`)
    if (!this.late) for (const cache of this.#caches.get(plural) ?? []) cache.deleted(object)
  }

  async close(): Promise<void> {}

  #record(write: string): void {
    this.writes.push(write)
    const failure = this.#failures.get(write)
    this.#failures.delete(write)
    if (failure) throw failure
  }

  /** What each way to a Deployment stores of a patched one. */
  #stored(before: Deployment, patched: Deployment, subresource: 'status' | 'scale' | undefined): Deployment {
    if (subresource === 'scale') {
      return { ...before, spec: { ...before.spec, replicas: patched.spec.replicas ?? 1 } }
    }
    if (subresource === 'status') return { ...patched, spec: before.spec }
    const annotations = { ...before.metadata.annotations, ...patched.metadata.annotations }
    const isMatched = Object.keys(annotations).some(key => key.startsWith('canaryhook.dev/'))
    if (!isMatched || this.webhook === 'bypassed') return patched
    if (this.webhook === 'down') throw apiError('CLUSTER_WEBHOOK', 'failed calling webhook')
    const request = { uid: 'r', operation: 'UPDATE', userInfo: { username: CONTROLLER } } as const
    const answer = admit({ ...request, object: patched, oldObject: before }, { controllerUser: CONTROLLER })
    if (!answer.allowed) throw apiError('CLUSTER_FORBIDDEN', answer.message)
    return jsonpatch.apply_patch(structuredClone(patched), structuredClone(answer.patch)) as Deployment
  }
}

function patchedBy(object: Deployment, { type, body }: Patch): Deployment {
  const document = structuredClone(object) as unknown as JsonObject
  if (type === 'json') return patchedByOperations(document, body)
  const apply = type === 'strategic' ? applyStrategicMerge : applyMergePatch
  return apply(document, structuredClone(body) as JsonObject) as unknown as Deployment
}

function patchedByOperations(document: JsonObject, body: unknown): Deployment {
  try {
    return applyJsonPatch(document, body) as unknown as Deployment
  } catch (error) {
    throw apiError('CLUSTER_INVALID', String(error))
  }
}
