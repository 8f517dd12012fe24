/**
 * A list and watch that survives: lists in pages, watches from there, comes back after every failure.
 * What it does next is decided in course.ts, what news is taken in cache.ts; here is the traffic.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { KubernetesObject } from '../core/kubernetes.ts'
import { type Cache, createCache } from './cache.ts'
import type { Connection } from './connection.ts'
import { type Course, nextCourse, type Outcome, START } from './course.ts'
import { answerError, isExpired } from './failure.ts'
import { linesOf } from './lines.ts'
import { collectionName, collectionPath } from './paths.ts'
import { ApiError, type Change, type Resource, type Watching, type WatchOptions } from './port.ts'

export interface ReflectorSettings {
  /** Objects a page: 500 of a usual size would block the process 25 ms while they are parsed. */
  readonly pageSize: number
  /** Seconds a watch lasts; up to twice as long, by chance. */
  readonly watchSeconds: number
  /** Milliseconds without a byte after which a watch is given up: the server sends a bookmark every minute. */
  readonly silence: number
  readonly random: () => number
}

export const REFLECTOR_SETTINGS: ReflectorSettings = {
  pageSize: 200,
  watchSeconds: 300,
  silence: 150_000,
  random: Math.random,
}

/** A watch that lasted this long was a working one, whether anything happened or not. */
const STEADY = 5_000

interface ListPage<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items: readonly T[] | null
}

interface WatchEvent<T> {
  readonly type: string
  readonly object: T
}

/** What all reflectors of a cluster have in common. */
export interface ReflectorContext {
  readonly connection: Connection
  readonly settings: ReflectorSettings
  readonly log: Logger
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
  const { connection, settings, log } = context
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
      if (outcome.type === 'listed' && !isSynced) {
        isSynced = true
        setSynced()
      }
      course = nextCourse(course, outcome, settings.random())
      // Rejects only when it is stopped.
      if (course.wait > 0) await sleep(course.wait, undefined, { signal: stopped }).catch(() => {})
    }
  }

  const path = collectionPath(resource, options.namespace)
  const selection: Record<string, string> = options.labelSelector
    ? { labelSelector: options.labelSelector }
    : {}

  async function list(): Promise<Outcome> {
    try {
      cache.listBegins()
      let version: string | undefined
      let more: string | undefined
      do {
        const query = { ...selection, limit: String(settings.pageSize), ...(more ? { continue: more } : {}) }
        const call = { method: 'GET', path, query, what: `LIST ${what}`, signal: stopped } as const
        const page = (await connection.json(call)) as ListPage<T>
        version = page.metadata.resourceVersion
        if (!version) throw new Error(`LIST ${what}: the answer has no metadata.resourceVersion`)
        for (const item of page.items ?? []) cache.listed(item, version)
        more = page.metadata.continue
      } while (more)
      cache.listEnds(version)
      return { type: 'listed', version }
    } catch (error) {
      report(error)
      return { type: 'list failed', retryAfter: retryAfter(error) }
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
        const event = JSON.parse(line) as WatchEvent<T>
        if (event.type === 'ERROR') {
          const status = (event.object as { readonly code?: number }).code ?? 500
          const body = JSON.stringify(event.object)
          throw answerError(`WATCH ${what}`, { status, retryAfterHeader: undefined, body }, Date.now())
        }
        feed(cache, event)
        version = event.object.metadata.resourceVersion ?? version
        events += 1
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
    absorb: cache.absorb,
    forget: cache.forget,
    stop: () => stop.abort(),
  }
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

function retryAfter(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfter : undefined
}
