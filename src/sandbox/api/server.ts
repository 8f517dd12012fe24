/** The HTTPS server: authentication, routing, and errors as Status objects. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { KeyPair } from '../../core/key-pair.ts'
import type { Catalogue } from './catalogue.ts'
import { documentAt } from './discovery/documents.ts'
import type { JsonObject } from './json.ts'
import type { ObjectsApi } from './objects-api.ts'
import { parseTarget, type ResourceRequest, verbOf } from './request.ts'
import type { RequestLog } from './request-log.ts'
import { asStatusError, methodNotAllowed, noSuchPath, StatusError, unauthorized } from './status.ts'
import type { Tokens } from './users.ts'

/** As the default of etcd and the API server. */
const BODY_LIMIT = 3 * 1024 * 1024

export interface ApiServerParts {
  readonly catalogue: Catalogue
  readonly objects: ObjectsApi
  readonly log: RequestLog
  readonly tokens: Tokens
  readonly certificate: KeyPair
}

export class ApiServer {
  readonly #parts: ApiServerParts
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(parts: ApiServerParts) {
    this.#parts = parts
    const { key, cert } = parts.certificate
    this.#server = createServer({ key, cert, keepAliveTimeout: 120_000, requestTimeout: 0 })
    this.#server.on('request', (request, response) => void this.#serve(request, response))
    this.#server.on('secureConnection', socket => {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  /** Listens on 127.0.0.1 and returns the port. Fails with the error of node:net when it cannot. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends every connection, watches too. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(incoming, response)
    } catch (error) {
      sendError(response, asStatusError(error))
    }
  }

  async #route(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { catalogue, tokens } = this.#parts
    const url = new URL(incoming.url ?? '/', 'https://sandbox')
    const accept = incoming.headers.accept ?? ''
    const document = documentAt(url.pathname, accept, catalogue)
    const user = tokens.authenticate(incoming.headers.authorization)
    const open = /^\/(healthz|livez|readyz|version)/.test(url.pathname)
    if (user === undefined && !open) throw unauthorized()
    if (document !== undefined) return send(response, 200, document.body, document.type)
    if (user === undefined || !/^\/apis?\//.test(url.pathname)) throw noSuchPath()
    const target = parseTarget(url.pathname, catalogue)
    const verb = verbOf(incoming.method ?? '', target, url.searchParams)
    const contentType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
    const query = url.searchParams
    const request = {
      ...target,
      verb: verb ?? 'get',
      query,
      user,
      accept,
      contentType,
      body: await readAll(incoming),
    }
    if (verb === undefined) throw methodNotAllowed()
    await this.#answer(request, response)
  }

  async #answer(request: ResourceRequest, response: ServerResponse): Promise<void> {
    const { objects } = this.#parts
    try {
      if (request.verb === 'watch') {
        objects.watch(request, response)
        this.#log(request, 200)
        return
      }
      const { status, body, warnings = [] } = await objects.answer(request)
      this.#log(request, status)
      setWarnings(response, warnings)
      send(response, status, body, typeof body === 'string' ? 'text/plain' : 'application/json')
    } catch (error) {
      const failure = asStatusError(error)
      this.#log(request, failure.status)
      throw failure
    }
  }

  #log({ user, verb, resource, subresource, namespace, name, query }: ResourceRequest, status: number): void {
    this.#parts.log.add({
      user: user.username,
      verb,
      group: resource.group,
      resource: resource.plural,
      subresource,
      namespace,
      name,
      dryRun: query.get('dryRun') === 'All',
      status,
      time: Date.now(),
    })
  }
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > BODY_LIMIT) {
      throw new StatusError(
        413,
        'RequestEntityTooLarge',
        `Request entity too large: limit is ${BODY_LIMIT} bytes`,
      )
    }
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, status: number, body: JsonObject | string, type: string): void {
  // As bytes: with a text, Node would write the headers in its encoding, and those of a Warning are bytes too.
  const bytes = Buffer.from(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`)
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-cache, private',
  })
  response.end(bytes)
}

function sendError(response: ServerResponse, error: StatusError): void {
  if (response.headersSent) {
    response.end()
    return
  }
  setWarnings(response, error.warnings)
  send(response, error.status, error.body(), 'application/json')
}

/** RFC 7234 warnings with code 299, which kubectl prints (apiserver/pkg/warning, net/http NewWarningHeader). */
function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  if (warnings.length === 0) return
  const quoted = warnings.map(text => `299 - "${printable(text).replace(/[\\"]/g, '\\$&')}"`)
  // Header values travel as single bytes: UTF-8 is written byte by byte.
  response.setHeader(
    'Warning',
    quoted.map(value => Buffer.from(value).toString('latin1')),
  )
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: headers must not contain them
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ')
}
