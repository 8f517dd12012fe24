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
  /** '' for a kind that is in no namespace. */
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
  /** For example `metadata.name=NAME`, which rights that name single objects allow. */
  readonly fieldSelector?: string
  /** Which objects are kept at all. An object that stops being kept is reported as gone. */
  readonly keep?: (object: T) => boolean
  /** Takes away what nobody reads before an object is cached. Pure. */
  readonly slim?: (object: T) => T
  /**
   * Keeps the objects packed, outside of the heap. For kinds of which there are very many and few are looked
   * at: each look makes a new copy, and `list()` one of everything.
   */
  readonly packed?: boolean
  /**
   * The kind is a custom one that a cluster need not have. Without it there are no objects, and it is looked for
   * again every few minutes.
   */
  readonly optional?: boolean
}

/** A live, read-only copy of some objects of the cluster, fed by list and watch. */
export interface Watching<T> {
  /** Resolves when the first complete list is in. */
  readonly synced: Promise<void>
  readonly isSynced: boolean
  get(ref: ObjectRef): T | undefined
  list(): readonly T[]
  /** Those whose managing controller has this uid. */
  ownedBy(uid: string): readonly T[]
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

/** Leave to make calls, which may end at any time: a term of leadership. */
export interface Permit {
  /**
   * Milliseconds that a call that is sent now may take until it is given up. Asked right before the bytes go
   * out, since a process may stall between what it decided and what it sends.
   * @throws ApiError CLUSTER_NOT_LEADING when nothing more may be sent
   */
  limit(): number
  /** Aborted with that error when the permit ends: calls in flight are given up. */
  readonly signal: AbortSignal
}

export interface CallOptions {
  /** Without one a call may be sent at any time, and has the time limits of every call. */
  readonly permit?: Permit
  /** A write that goes before others when calls are limited: it takes a failed version away. */
  readonly urgent?: boolean
  /** A write that is sent at once and only once, whatever the limits: its caller has times of its own. */
  readonly direct?: boolean
}

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
  /**
   * Asks the API server for one object, undefined when it is not there. Not for reconciling, which reads the
   * caches.
   * @throws ApiError
   */
  read<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T | undefined>
  /** @throws ApiError */
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    object: T,
    options?: CallOptions,
  ): Promise<T>
  /** @throws ApiError */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    subresource?: 'status' | 'scale',
    options?: CallOptions,
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
    options?: CallOptions,
  ): Promise<void>
  /** Ends every watch and closes the connections. */
  close(): Promise<void>
}

/**
 * The API server said no, or could not be reached.
 * code: CLUSTER_CONFLICT (409 Conflict), CLUSTER_EXISTS (409 AlreadyExists), CLUSTER_NOT_FOUND (404),
 * CLUSTER_INVALID (400, 422), CLUSTER_FORBIDDEN (401, 403: quota and policy refusals come as 403 too),
 * CLUSTER_THROTTLED (429), CLUSTER_WEBHOOK (an admission webhook could not be called),
 * CLUSTER_UNAVAILABLE (anything else of 5xx, time-outs, no connection), CLUSTER_NOT_LEADING (the permit of
 * a write ended: it was not sent, or given up).
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
