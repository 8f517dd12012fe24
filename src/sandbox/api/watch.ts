/** Watches: a stream of JSON lines, one per change, from a given resource version on. */
import type { ServerResponse } from 'node:http'
import type { JsonObject } from './json.ts'
import { prefixOf, selection } from './list.ts'
import type { ApiObject } from './object.ts'
import type { ResourceRequest } from './request.ts'
import { apiVersionOf } from './resources.ts'
import { badRequest, expired, type StatusError } from './status.ts'
import type { Store, StoreEvent } from './store.ts'

/** How an object is written into an event: as it is, or as a table of one row. */
export type Presenter = (object: ApiObject) => unknown

type EventType = StoreEvent['type'] | 'BOOKMARK' | 'ERROR'

const BOOKMARK_INTERVAL = 10_000

/**
 * Streams changes until the client goes, `timeoutSeconds` are over or the server stops.
 * @throws StatusError 400 before anything is sent; later errors are sent as an ERROR event
 */
export function streamWatch(
  store: Store,
  request: ResourceRequest,
  response: ServerResponse,
  present: Presenter,
): void {
  const { query, resource } = request
  const selected = selection(resource, query)
  const prefix = prefixOf(request)
  const version = startVersion(query)
  response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' })
  response.flushHeaders()
  const send = (type: EventType, object: unknown) => {
    // Between its end and its close, which a client that reads slowly puts off, there may be more to tell.
    if (!response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`)
  }
  const relay = (event: StoreEvent) => {
    if (!event.key.startsWith(prefix)) return
    const type = seenType(event, selected)
    if (type !== undefined) send(type, present(event.object))
  }

  if (version > 0 && version < store.forgotten) {
    send('ERROR', tooOld(version, store).body())
    response.end()
    return
  }
  const bookmark = (more: JsonObject = {}) => {
    const metadata = { resourceVersion: String(store.revision), creationTimestamp: null, ...more }
    send('BOOKMARK', { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata })
  }
  const wantsInitialEvents = query.get('sendInitialEvents') === 'true'
  if (version === 0 || wantsInitialEvents) {
    for (const { object } of store.list(prefix)) if (selected(object)) send('ADDED', present(object))
    if (wantsInitialEvents) bookmark({ annotations: { 'k8s.io/initial-events-end': 'true' } })
  } else {
    for (const event of store.since(version)) relay(event)
  }

  const stopListening = store.listen(relay)
  const timers: NodeJS.Timeout[] = []
  if (query.get('allowWatchBookmarks') === 'true') timers.push(setInterval(bookmark, BOOKMARK_INTERVAL))
  const seconds = Number(query.get('timeoutSeconds') ?? 0) || 1800 + Math.random() * 1800
  timers.push(setTimeout(() => response.end(), seconds * 1000))
  for (const timer of timers) timer.unref()
  response.on('close', () => {
    stopListening()
    for (const timer of timers) clearTimeout(timer)
  })
}

function startVersion(query: URLSearchParams): number {
  const text = query.get('resourceVersion') ?? ''
  const version = text === '' ? 0 : Number(text)
  if (!Number.isInteger(version) || version < 0)
    throw badRequest(`invalid resource version ${JSON.stringify(text)}: expected a whole number`)
  return version
}

function tooOld(version: number, store: Store): StatusError {
  return expired(`too old resource version: ${version} (${store.forgotten})`)
}

/** A selector makes an object that stops to match look deleted, and one that starts to match look added. */
function seenType(
  event: StoreEvent,
  selected: (object: ApiObject) => boolean,
): StoreEvent['type'] | undefined {
  const before = event.previous !== undefined && selected(event.previous)
  const after = event.type !== 'DELETED' && selected(event.object)
  if (before && after) return 'MODIFIED'
  if (after) return 'ADDED'
  return before ? 'DELETED' : undefined
}
