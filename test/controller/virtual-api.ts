/**
 * An API server with one Lease in it, and the network between it and each process: slow, broken in one
 * moment, working in the next. It knows who held the Lease last, and so which writes should not have happened.
 */
import { type Cache, createCache } from '../../src/cluster/cache/cache.ts'
import {
  ApiError,
  type CallOptions,
  type Change,
  type Cluster,
  type ObjectRef,
  type Patch,
  type Resource,
  type Watching,
  type WatchOptions,
} from '../../src/cluster/port.ts'
import type { KubernetesObject, Lease } from '../../src/core/kubernetes.ts'
import { apiError } from './memory-cluster.ts'
import type { VirtualProcess, VirtualTime } from './virtual-time.ts'

export const LEASE: ObjectRef = { namespace: 'canaryhook', name: 'canaryhook-controller' }

/** How the network and the server behave to one process now. Times in milliseconds. */
export interface Weather {
  /** While false nothing gets through; what was on its way waits until it does. */
  connected: boolean
  /** One way over the network. */
  readonly delay: () => number
  /** From when the server has a write to when it has done it. */
  readonly work: () => number
  /** What goes wrong with the next call, if anything. */
  readonly fault: () => 'none' | 'before' | 'after'
}

export const FAIR: Omit<Weather, 'connected'> = { delay: () => 2, work: () => 3, fault: () => 'none' }

interface Watcher {
  readonly tell: (deliver: (cache: Cache<Lease>) => void) => void
}

/** `PATCH lease by a: …`, as the server saw it. */
export interface Seen {
  readonly at: number
  readonly who: string
  readonly verb: string
}

export class VirtualApi {
  readonly time: VirtualTime
  readonly requests: Seen[] = []
  /** Writes by somebody who was not the last to get the Lease. Must stay empty. */
  readonly violations: string[] = []
  /** How many writes besides those of the Lease were done, by process. */
  readonly done = new Map<string, number>()
  /** Who got the Lease last; '' after a release by its holder. */
  lastHolder = ''
  lease: Lease | undefined
  #version = 100
  readonly #watchers: Watcher[] = []

  constructor(time: VirtualTime) {
    this.time = time
  }

  /** Somebody writes, deletes (undefined) or damages the Lease by hand. */
  tamper(change: (lease: Lease) => Lease | undefined): void {
    if (this.lease) this.#store(change(this.lease))
  }

  /** The cluster as one process has it. */
  clusterFor(who: string, process: VirtualProcess, weather: Weather): Cluster {
    const call = <T>(verb: string, options: CallOptions | undefined, work: () => T): Promise<T> =>
      this.#call({ who, verb, process, weather, work }, options)
    return {
      watch: (_resource, options, onChange) => this.#watch(options, onChange, process, weather),
      read: (_resource, _ref, options) => call('GET', options, () => this.lease as never),
      create: (resource, _namespace, object, options) =>
        call('POST', options, () => this.#create(resource, object, who)),
      patch: (resource, _ref, patch, _subresource, options) =>
        call('PATCH', options, () => this.#patch(resource, patch, who)),
      remove: (_resource, _ref, _preconditions, options) => call('DELETE', options, () => this.#write(who)),
      close: async () => {},
    }
  }

  #create<T extends KubernetesObject>({ plural }: Resource<T>, object: T, who: string): T {
    if (plural !== 'leases') {
      this.#write(who)
      return object
    }
    if (this.lease) throw apiError('CLUSTER_EXISTS', 'already exists')
    return this.#store(object as Lease, who) as unknown as T
  }

  #patch<T extends KubernetesObject>({ plural }: Resource<T>, { body }: Patch, who: string): T {
    if (plural !== 'leases') {
      this.#write(who)
      return {} as T
    }
    if (!this.lease) throw apiError('CLUSTER_NOT_FOUND', 'not found')
    const { metadata, spec } = body as Lease
    if (metadata.resourceVersion !== this.lease.metadata.resourceVersion) {
      throw apiError('CLUSTER_CONFLICT', 'the object has been modified')
    }
    return this.#store({ ...this.lease, spec: { ...this.lease.spec, ...spec } }, who) as unknown as T
  }

  /** A write that only the leader may make. */
  #write(who: string): void {
    this.done.set(who, (this.done.get(who) ?? 0) + 1)
    if (who !== this.lastHolder) {
      this.violations.push(
        `${Math.round(this.time.now)} ms: ${who} wrote; the Lease was ${this.lastHolder}'s`,
      )
    }
  }

  #store(lease: Lease | undefined, who?: string): Lease | undefined {
    this.#version += 1
    const version = String(this.#version)
    const before = this.lease
    this.lease = lease && {
      ...lease,
      metadata: { uid: version, ...before?.metadata, ...lease.metadata, resourceVersion: version },
    }
    if (who !== undefined) this.lastHolder = lease?.spec?.holderIdentity ?? ''
    const gone = before && { ...before, metadata: { ...before.metadata, resourceVersion: version } }
    const { lease: stored } = this
    for (const { tell } of this.#watchers) {
      tell(cache => (stored ? cache.changed(stored) : gone && cache.deleted(gone)))
    }
    return this.lease
  }

  /** What connection.ts and an API server make of a call. */
  #call<T>({ who, verb, process, weather, work }: Calling<T>, { permit }: CallOptions = {}): Promise<T> {
    const { time } = this
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const limit = permit?.limit() ?? 30_000
    const start = process.clock.now()
    let isGivenUp = false
    const giveUp = (error: unknown) => {
      isGivenUp = true
      reject(error)
    }
    const tooLate = () => giveUp(apiError('CLUSTER_UNAVAILABLE', `nothing within ${limit} ms`))
    const cancel = process.wake(process.trueTime(limit), tooLate)
    permit?.signal.addEventListener('abort', () => giveUp(permit.signal.reason), { once: true })

    const answer = (settle: () => void) => this.#travel(weather, () => process.receive(settle))
    const arrive = () => {
      this.requests.push({ at: time.now, who, verb })
      const fault = weather.fault()
      const duration = weather.work()
      time.after(Math.min(duration, limit), () => {
        // The server gives up at the deadline that it was told. That nobody waits any more it may not notice.
        if (duration >= limit) return answer(() => reject(timeout()))
        if (fault === 'before') return answer(() => reject(apiError('CLUSTER_UNAVAILABLE', 'fault before')))
        try {
          const result = work()
          answer(() =>
            fault === 'after' ? reject(apiError('CLUSTER_UNAVAILABLE', 'fault after')) : resolve(result),
          )
        } catch (error) {
          answer(() => reject(error))
        }
      })
    }
    // The connection opens; then the clock is read again, and what is too late is not sent.
    process.receive(() => {
      if (process.clock.now() - start >= limit || isGivenUp) return
      const sent = time.now
      // A connection that was reset delivers nothing more, and none delivers what is older than its limit.
      const isLost = () => isGivenUp || process.isDead || time.now - sent > process.trueTime(limit)
      this.#travel(weather, () => !isLost() && arrive())
    }, weather.delay())
    return promise.finally(cancel)
  }

  /** One way through the network; while it is broken, things wait. */
  #travel(weather: Weather, arrive: () => void): void {
    const look = () => {
      if (weather.connected) arrive()
      else this.time.after(100, look)
    }
    this.time.after(weather.delay(), look)
  }

  #watch<T extends KubernetesObject>(
    options: WatchOptions<T>,
    onChange: (change: Change<T>) => void,
    process: VirtualProcess,
    weather: Weather,
  ): Watching<T> {
    const { promise: synced, resolve } = Promise.withResolvers<void>()
    let isSynced = false
    const cache = createCache(options, onChange)
    const news: (() => void)[] = []
    const tell = (deliver: (cache: Cache<Lease>) => void) => {
      news.push(() => deliver(cache as unknown as Cache<Lease>))
      this.#travel(weather, () => process.receive(() => news.shift()?.()))
    }
    const list = () => {
      const version = String(this.#version)
      const { lease } = this
      tell(() => {
        cache.listBegins()
        if (lease) cache.listed(lease as unknown as T, version)
        cache.listEnds(version)
        isSynced = true
        resolve()
      })
      this.#watchers.push({ tell })
    }
    this.#travel(weather, list)
    return {
      ...cache,
      synced,
      get isSynced() {
        return isSynced
      },
      stop: () => {},
    }
  }
}

interface Calling<T> {
  readonly who: string
  readonly verb: string
  readonly process: VirtualProcess
  readonly weather: Weather
  readonly work: () => T
}

function timeout(): ApiError {
  return new ApiError('CLUSTER_UNAVAILABLE', 'request did not complete within requested timeout', {
    status: 504,
  })
}
