/** The HTTPS server that the API server calls. */
import type { ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { KeyPair } from '../core/key-pair.ts'
import { type Admit, createApp } from './app.ts'
import { readKeyPair, validUntil, watchKeyPair } from './certificates.ts'
import { createWebhookMetrics } from './metrics.ts'

export interface WebhookOptions {
  /** 0 for any free port. */
  readonly port: number
  /** Holds tls.crt and tls.key; read again when they change. */
  readonly certsDirectory: string
  /** What was read from there a moment ago; it is read when left out. */
  readonly pair?: KeyPair
  readonly admit: Admit
  readonly log: Logger
  /** Milliseconds between two looks at the certificate files. */
  readonly reloadEvery?: number
  /**
   * Milliseconds in which `stop` still takes new connections, while /readyz says 503: until every API
   * server has heard that this replica is going.
   */
  readonly linger?: number
  /** Milliseconds that `stop` waits for requests in flight, at most. */
  readonly drainLimit?: number
}

export interface Webhook {
  readonly port: number
  /** Finishes the requests in flight and closes every connection. Never rejects. */
  stop(): Promise<void>
}

/**
 * The API server keeps idle webhook connections for 90 s (client-go, transport cache) and does not repeat
 * a request whose connection was closed under it: the server must always be the more patient side.
 */
const KEEP_ALIVE = 120_000
const HEADERS_TIMEOUT = KEEP_ALIVE + 10_000
const REQUEST_TIMEOUT = HEADERS_TIMEOUT + 10_000

/**
 * Starts the webhook server; it is ready when the promise resolves.
 * @throws CanaryhookError WEBHOOK_CERTIFICATE for a missing or broken certificate
 * @throws the listen error, for example EADDRINUSE
 */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { log, certsDirectory } = options
  const pair = options.pair ?? (await readKeyPair(certsDirectory))
  let draining = false
  const app = createApp({
    admit: options.admit,
    log,
    metrics: createWebhookMetrics(),
    notReady: () => (draining ? 'stopping' : ''),
  })
  const inFlight = new Set<ServerResponse>()
  const server = createServer({ ...pair, minVersion: 'TLSv1.2' }, (request, response) => {
    inFlight.add(response)
    response.once('close', () => inFlight.delete(response))
    if (draining) closeAfterwards(response)
    app(request, response)
  })
  server.keepAliveTimeout = KEEP_ALIVE
  server.headersTimeout = HEADERS_TIMEOUT
  server.requestTimeout = REQUEST_TIMEOUT
  await listen(server, options.port)
  server.on('error', error => log.error({ err: error }, 'server error'))
  server.on('tlsClientError', error => log.debug({ err: error }, 'TLS handshake failed'))

  const { port } = server.address() as AddressInfo
  const stopWatching = watchKeyPair({
    directory: certsDirectory,
    current: pair,
    every: options.reloadEvery ?? 5_000,
    onChange: next => serve(server, next, log),
    log,
  })
  log.info({ port, certificateUntil: validUntil(pair) }, 'webhook listening')
  return {
    port,
    async stop() {
      draining = true
      inFlight.forEach(closeAfterwards)
      stopWatching()
      if (options.linger) await sleep(options.linger)
      await drain(server, options.drainLimit ?? 10_000)
      log.info('webhook stopped')
    },
  }
}

/** The other side opens its next connection elsewhere, and this one does not idle on. */
function closeAfterwards(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** New connections get the new certificate; those that are open go on. */
function serve(server: Server, pair: KeyPair, log: Logger): void {
  try {
    server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' })
    log.info({ certificateUntil: validUntil(pair) }, 'certificate reloaded')
  } catch (error) {
    log.error({ err: error }, 'certificate not taken, the old one is served')
  }
}

/** `close` ends idle connections at once and the others after their answer; `limit` bounds the wait. */
async function drain(server: Server, limit: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  const timer = setTimeout(() => server.closeAllConnections(), limit)
  await closed
  clearTimeout(timer)
}
