/**
 * The port to Kubernetes: everything the controller asks of a cluster, and nothing else. The real
 * implementation is in this folder; tests may put another one, or a layer that makes faults, in its place.
 */
import { CanaryhookError } from '../core/errors.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'

/** A kind of object and the path its API lives at. `T` is what its objects look like. */
export interface Resource<T extends KubernetesObject> {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  /** Only here to carry the type; never set. */
  readonly _objects?: T
}

export interface ObjectRef {
  readonly namespace: string
  readonly name: string
}

export type Change<T> =
  | { readonly type: 'set'; readonly object: T; readonly previous: T | undefined }
  | { readonly type: 'gone'; readonly object: T }

export interface WatchOptions<T> {
  /** Only this namespace; every namespace when left out. */
  readonly namespace?: string
  readonly labelSelector?: string
  /** Which objects are kept at all. An object that stops being kept is reported as gone. */
  readonly keep?: (object: T) => boolean
  /** Takes away what nobody reads before an object is cached. Pure. */
  readonly slim?: (object: T) => T
}

/** A live, read-only copy of some objects of the cluster, fed by list and watch. */
export interface Watching<T> {
  /** Resolves when the first complete list is in. */
  readonly synced: Promise<void>
  readonly isSynced: boolean
  get(ref: ObjectRef): T | undefined
  list(): readonly T[]
  /**
   * Takes in the answer to one of our own writes, if it is newer than what is cached, so that the next
   * decision does not rest on what we know to be old. Reported like any other change.
   */
  absorb(object: T): void
  /** The same for an object that we deleted, or found to be missing. */
  forget(ref: ObjectRef): void
  stop(): void
}

export type Patch =
  /** RFC 7386: null removes a field, a list replaces the list. */
  | { readonly type: 'merge'; readonly body: unknown }
  /** RFC 6902. */
  | { readonly type: 'json'; readonly body: readonly unknown[] }
  /** Kubernetes' own: lists with a merge key (conditions by type) are merged. */
  | { readonly type: 'strategic'; readonly body: unknown }

export interface Cluster {
  /**
   * Starts a list and watch that survives disconnects, expired resource versions (410) and server errors,
   * and calls `onChange` for every difference, in order per object. Never throws; a relist reports only
   * differences.
   */
  watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions<T>,
    onChange: (change: Change<T>) => void,
  ): Watching<T>
  /** @throws ApiError */
  create<T extends KubernetesObject>(resource: Resource<T>, namespace: string, object: T): Promise<T>
  /** @throws ApiError */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    subresource?: 'status' | 'scale',
  ): Promise<T>
  /**
   * Deletes in the background (dependants follow). An object that is already gone is not an error.
   * With `uid`, an object of that name but another uid is left alone (and a 409 is thrown).
   * @throws ApiError
   */
  remove<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    preconditions?: { readonly uid?: string },
  ): Promise<void>
  /** Ends every watch and closes the connections. */
  close(): Promise<void>
}

/**
 * The API server said no, or could not be reached.
 * code: CLUSTER_CONFLICT (409 Conflict), CLUSTER_EXISTS (409 AlreadyExists), CLUSTER_NOT_FOUND (404),
 * CLUSTER_INVALID (400, 422), CLUSTER_FORBIDDEN (401, 403: quota and policy refusals come as 403 too),
 * CLUSTER_THROTTLED (429), CLUSTER_WEBHOOK (an admission webhook could not be called),
 * CLUSTER_UNAVAILABLE (anything else of 5xx, time-outs, no connection).
 */
export class ApiError extends CanaryhookError {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** The `reason` of the Status object, '' when there was none. */
  readonly reason: string
  /** From Retry-After, in milliseconds. */
  readonly retryAfter: number | undefined

  constructor(
    code: string,
    message: string,
    details: { status: number; reason?: string; retryAfter?: number; cause?: unknown },
  ) {
    super(code, message, { cause: details.cause })
    this.name = 'ApiError'
    this.status = details.status
    this.reason = details.reason ?? ''
    this.retryAfter = details.retryAfter
  }
}
