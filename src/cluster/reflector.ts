/**
 * A list and watch that survives: lists in pages, watches from there, comes back after every failure.
 * What it does next is decided in course.ts, what news is taken in cache.ts; here is the traffic.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { KubernetesObject } from '../core/kubernetes.ts'
import { type Cache, createCache, versionOf } from './cache/cache.ts'
import type { Connection } from './connection.ts'
import { BACKOFF, type Backoff, type Course, nextCourse, type Outcome, START } from './course.ts'
import { answerError, isExpired } from './failure.ts'
import { linesOf } from './lines.ts'
import { createListScanner, type ListMetadata } from './list-scanner.ts'
import type { Pace } from './pace.ts'
import { parseObject } from './parse-object.ts'
import { collectionName, collectionPath } from './paths.ts'
import { ApiError, type Change, type Resource, type Watching, type WatchOptions } from './port.ts'

export interface ReflectorSettings {
  /** Objects a page. Pages are taken apart while they arrive; smaller ones leave less garbage at a time. */
  readonly pageSize: number
  /** Milliseconds for the whole of a page. */
  readonly pageTime: number
  /** Seconds a watch lasts; up to twice as long, by chance. */
  readonly watchSeconds: number
  /** Milliseconds without a byte after which a watch is given up: the server sends a bookmark every minute. */
  readonly silence: number
  readonly backoff: Backoff
  readonly random: () => number
}

export const REFLECTOR_SETTINGS: ReflectorSettings = {
  pageSize: 250,
  pageTime: 60_000,
  watchSeconds: 300,
  silence: 150_000,
  backoff: BACKOFF,
  random: Math.random,
}

/** A watch that lasted this long was a working one, whether anything happened or not. */
const STEADY = 5_000

interface WatchEvent<T> {
  readonly type: string
  readonly object: T
}

/** What all reflectors of a cluster have in common. */
export interface ReflectorContext {
  readonly connection: Connection
  readonly settings: ReflectorSettings
  readonly log: Logger
  /** Lets others go first between many objects; one for all reflectors of a process. */
  readonly pace: Pace
  /** Ends them all. */
  readonly closing: AbortSignal
}

/** Starts a reflector; it runs until it is stopped. Never throws. */
export function startReflector<T extends KubernetesObject>(
  context: ReflectorContext,
  resource: Resource<T>,
  options: WatchOptions<T>,
  onChange: (change: Change<T>) => void,
): Watching<T> {
  const { connection, settings, log, pace } = context
  const what = collectionName(resource, options.namespace)
  const stop = new AbortController()
  const stopped = AbortSignal.any([stop.signal, context.closing])
  const { promise: synced, resolve: setSynced } = Promise.withResolvers<void>()
  let isSynced = false
  const cache = createCache(options, change => {
    try {
      onChange(change)
    } catch (error) {
      log.error({ err: error, what }, 'a change could not be handled')
    }
  })

  async function run(): Promise<void> {
    let course: Course = START
    while (!stopped.aborted) {
      const { version } = course
      const outcome = version === undefined ? await list() : await watch(version)
      if (stopped.aborted) return
      if ((outcome.type === 'listed' || outcome.type === 'no such kind') && !isSynced) {
        isSynced = true
        setSynced()
      }
      course = nextCourse(course, outcome, settings.random(), settings.backoff)
      // Rejects only when it is stopped.
      if (course.wait > 0) await sleep(course.wait, undefined, { signal: stopped }).catch(() => {})
    }
  }

  const path = collectionPath(resource, options.namespace)
  const selection: Record<string, string> = {
    ...(options.labelSelector && { labelSelector: options.labelSelector }),
    ...(options.fieldSelector && { fieldSelector: options.fieldSelector }),
  }

  async function list(): Promise<Outcome> {
    try {
      cache.listBegins()
      let page: ListMetadata
      let more: string | undefined
      do {
        page = await listPage(more)
        more = page.continue
      } while (more)
      cache.listEnds(page.resourceVersion)
      return { type: 'listed', version: page.resourceVersion }
    } catch (error) {
      if (options.optional && isUnknownKind(error)) {
        cache.listEnds('')
        return { type: 'no such kind' }
      }
      report(error)
      return { type: 'list failed', retryAfter: retryAfter(error) }
    }
  }

  async function listPage(from: string | undefined): Promise<ListMetadata> {
    const late = new AbortController()
    const seconds = settings.pageTime / 1000
    const timer = setTimeout(
      () => late.abort(new Error(`LIST ${what}: not complete within ${seconds} s`)),
      settings.pageTime,
    )
    try {
      const stream = await connection.stream({
        method: 'GET',
        path,
        query: { ...selection, limit: String(settings.pageSize), ...(from && { continue: from }) },
        what: `LIST ${what}`,
        signal: AbortSignal.any([stopped, late.signal]),
      })
      const scanner = createListScanner()
      const take = async (item: string, { resourceVersion }: ListMetadata) => {
        cache.listed(parseObject(item) as T, resourceVersion)
        await pace()
      }
      for await (const chunk of stream) {
        for (const item of scanner.write(chunk)) await take(item, scanner.metadata())
      }
      const { metadata, items } = scanner.end()
      for (const item of items) await take(item, metadata)
      return metadata
    } finally {
      clearTimeout(timer)
    }
  }

  async function watch(from: string): Promise<Outcome> {
    let version = from
    let events = 0
    const start = performance.now()
    const healthy = () => events > 0 || performance.now() - start >= STEADY
    const silent = new AbortController()
    const watchdog = setTimeout(() => silent.abort(), settings.silence)
    const seconds = Math.round(settings.watchSeconds * (1 + settings.random()))
    try {
      const stream = await connection.stream({
        method: 'GET',
        path,
        query: {
          ...selection,
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion: from,
          timeoutSeconds: String(seconds),
        },
        what: `WATCH ${what}`,
        signal: AbortSignal.any([stopped, silent.signal]),
      })
      for await (const line of linesOf(stream)) {
        watchdog.refresh()
        const event = parseObject(line) as WatchEvent<T>
        if (event.type === 'ERROR') {
          const status = (event.object as { readonly code?: number }).code ?? 500
          const body = JSON.stringify(event.object)
          throw answerError(`WATCH ${what}`, { status, retryAfterHeader: undefined, body }, Date.now())
        }
        events += 1
        if (isOld(event, version)) continue
        feed(cache, event)
        version = event.object.metadata.resourceVersion ?? version
        await pace()
      }
      return { type: 'watch ended', version, healthy: healthy() }
    } catch (error) {
      report(silent.signal.aborted ? new Error(`WATCH ${what}: silent for ${settings.silence} ms`) : error)
      if (isExpired(error)) return { type: 'watch expired', healthy: healthy() }
      return { type: 'watch failed', version, healthy: healthy(), retryAfter: retryAfter(error) }
    } finally {
      clearTimeout(watchdog)
    }
  }

  function report(error: unknown): void {
    if (stopped.aborted) return
    // An expired version is a matter of course after a while without a connection.
    log[isExpired(error) ? 'info' : 'warn']({ err: error, what }, 'list or watch failed; trying again')
  }

  void run()
  return {
    synced,
    get isSynced() {
      return isSynced
    },
    get: cache.get,
    list: cache.list,
    ownedBy: cache.ownedBy,
    absorb: cache.absorb,
    forget: cache.forget,
    stop: () => stop.abort(),
  }
}

/**
 * Told again, from before what has been seen: it would bring objects back that have gone since. A bookmark as
 * well: taken, it would make what follows it look new. Compared only where both are versions of Kubernetes
 * (cache.ts).
 */
function isOld<T extends KubernetesObject>({ object }: WatchEvent<T>, seen: string): boolean {
  const version = versionOf(object.metadata.resourceVersion)
  return version >= 0n && version <= versionOf(seen)
}

function feed<T extends KubernetesObject>(cache: Cache<T>, event: WatchEvent<T>): void {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      cache.changed(event.object)
      break
    case 'DELETED':
      cache.deleted(event.object)
      break
    case 'BOOKMARK':
      if (event.object.metadata.resourceVersion) cache.reached(event.object.metadata.resourceVersion)
      break
    default:
      throw new Error(`unknown watch event ${JSON.stringify(event.type)}`)
  }
}

/** A list of objects is never missing: only its kind can be. */
function isUnknownKind(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'CLUSTER_NOT_FOUND'
}

function retryAfter(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfter : undefined
}
