/** HTTP to one API server: connections kept open and reused, a time limit on every call. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { VERSION } from '../core/version.ts'
import { answerError, noAnswerError } from './failure.ts'
import { sendUnderPermit } from './permitted.ts'
import type { Permit } from './port.ts'
import type { Target } from './target.ts'

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** application/json when left out. */
  readonly contentType?: string
  /** How errors name this call: `PATCH deployments default/shop`. */
  readonly what: string
  readonly signal?: AbortSignal
  /** For a call that may be sent only while its permit lasts. */
  readonly permit?: Permit | undefined
}

export interface Connection {
  /** Sends a call and gives the whole JSON answer. @throws ApiError */
  json(call: Call): Promise<unknown>
  /** Sends a call and gives the answer to be read as it comes. @throws ApiError */
  stream(call: Call): Promise<IncomingMessage>
  /** Ends what is open; calls in flight fail. */
  close(): void
}

export interface Limits {
  /** Milliseconds until the answer's header must be there. */
  readonly answer: number
  /** Milliseconds until the whole of a JSON answer must be there. */
  readonly whole: number
}

const LIMITS: Limits = { answer: 30_000, whole: 60_000 }
/** Shorter than any server's idle limit, so that we never write into a connection that is being closed. */
const IDLE_LIMIT = 50_000

/** Makes a connection to a cluster; nothing is sent yet. */
export function openConnection(target: Target, limits: Limits = LIMITS): Connection {
  const secure = target.server.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: IDLE_LIMIT })
  const send = secure ? httpsRequest : httpRequest
  const root = target.server.pathname.replace(/\/$/, '')
  let closed = false

  /** One try: the answer's header, whatever its status. */
  async function attempt(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const { headers, ...clientCertificate } = await unlessAborted(target.credentials.current(), signal)
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    const limit = call.permit?.limit()
    const query = queryOf(call, limit)
    return new Promise((resolve, reject) => {
      const request = send({
        agent,
        method: call.method,
        // Without the brackets that a URL puts around an IPv6 address.
        hostname: target.server.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: target.server.port || (secure ? 443 : 80),
        path: `${root}${call.path}${query}`,
        ca: target.ca,
        ...(target.servername ? { servername: target.servername } : {}),
        rejectUnauthorized: !target.insecure,
        ...clientCertificate,
        signal,
        headers: {
          Accept: 'application/json',
          'User-Agent': `canaryhook/${VERSION}`,
          ...(body === undefined
            ? {}
            : {
                'Content-Type': call.contentType ?? 'application/json',
                'Content-Length': Buffer.byteLength(body),
              }),
          ...headers,
        },
      })
      request.on('error', error => {
        reject(request.reusedSocket && call.method === 'GET' ? new StaleConnection(error) : error)
      })
      request.on('response', resolve)
      // A peer that vanished without a word is noticed by the kernel.
      request.on('socket', socket => socket.setKeepAlive(true, 30_000))
      if (call.permit && limit !== undefined) sendUnderPermit(request, body, call.permit, limit)
      else request.end(body)
    })
  }

  /** An answer that is a success; tries once more where that is safe. */
  async function answer(call: Call, abort: AbortController): Promise<IncomingMessage> {
    if (closed) throw new Error('the connection was closed')
    const timer = setTimeout(() => abort.abort(new Error(tooLate(limits.answer))), limits.answer)
    const signal = call.signal ? AbortSignal.any([call.signal, abort.signal]) : abort.signal
    try {
      const first = await attempt(call, signal).catch((error: unknown) => {
        if (error instanceof StaleConnection && !signal.aborted) return attempt(call, signal)
        throw error
      })
      if (first.statusCode !== 401) return await successOf(call, first)
      await textOf(first)
      target.credentials.renew()
      return await successOf(call, await attempt(call, signal))
    } finally {
      clearTimeout(timer)
    }
  }

  /** Runs a call and turns every failure into an ApiError. */
  async function guarded<T>(call: Call, abort: AbortController, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      const cause = abort.signal.aborted ? abort.signal.reason : error
      throw noAnswerError(call.what, target.server.origin, cause)
    }
  }

  return {
    json(call) {
      const abort = new AbortController()
      const timer = setTimeout(() => abort.abort(new Error(tooLate(limits.whole))), limits.whole)
      return guarded(call, abort, async () => JSON.parse(await textOf(await answer(call, abort)))).finally(
        () => clearTimeout(timer),
      )
    },
    stream(call) {
      const abort = new AbortController()
      return guarded(call, abort, () => answer(call, abort))
    },
    close() {
      closed = true
      agent.destroy()
    },
  }
}

/**
 * A connection that had been idle broke before any answer came: most likely the server had just closed it.
 * Reading again is safe; a write might have been done, so the caller must decide.
 */
class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

/**
 * With a time limit, the API server is told to give up too: it takes `timeout` as a deadline from when it
 * received the request (apiserver, endpoints/filters/request_deadline.go).
 */
function queryOf(call: Call, limit: number | undefined): string {
  const timeout = limit === undefined ? {} : { timeout: `${Math.max(1, Math.floor(limit))}ms` }
  const query = new URLSearchParams({ ...call.query, ...timeout }).toString()
  return query === '' ? '' : `?${query}`
}

/** An exec plugin may hang like anything else. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    // Else each call would leave a listener behind on a signal that lives as long as the process.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

async function successOf(call: Call, response: IncomingMessage): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0
  if (status < 400) return response
  const body = await textOf(response)
  const failed = { status, retryAfterHeader: response.headers['retry-after'], body }
  throw answerError(call.what, failed, Date.now())
}

/** Reads to the end, which is also what lets the connection be used again. */
async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function tooLate(milliseconds: number): string {
  return `nothing within ${milliseconds / 1000} s`
}
