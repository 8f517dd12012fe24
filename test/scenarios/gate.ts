/**
 * A gate in front of an API server: everything a controller asks goes through it, so that a test can tell
 * what was asked, end a request before or after its effect, and cut the network.
 */

import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer, Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { parse, stringify } from 'yaml'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { type Asked, readRequest } from './api-path.ts'
import type { Seen } from './environment.ts'
import { type CutKind, startWire } from './wire.ts'

/** A request that went through the gate. */
export interface Passed extends Seen {
  /** When it came, in milliseconds since 1970. */
  readonly at: number
}

/** How a request ends whose answer nobody shall see. */
export interface Interception {
  /** `before`: it never reaches the server. `after`: it was answered, so what it asked for was done. */
  readonly when: 'before' | 'after'
  /** Called at that moment; when it is done, the caller's connection breaks. */
  readonly meanwhile: () => Promise<void>
}

/** Asked for each request as it comes; undefined lets it pass. */
export type Rule = (asked: Asked) => Interception | undefined

export interface Gate {
  /** For the client behind the gate: the same user, the gate's address and authority. */
  readonly kubeconfig: string
  /** All that the server got, oldest first, by the time of the answer; status 0 where none came. */
  readonly requests: readonly Passed[]
  /** Adds a rule; the first one that has an interception for a request decides. @returns what takes it away */
  intercept(rule: Rule): () => void
  /** A partition, until `mend`. */
  cut(kind: CutKind): void
  mend(): void
  stop(): Promise<void>
}

/** Shorter than any server's idle limit, so that nothing is sent into a connection that is being closed. */
const IDLE_LIMIT = 50_000
/** They speak of one connection and not of the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host'])

/**
 * Starts a gate in front of the cluster of a kubeconfig (YAML), whose user has a token: a client certificate
 * would end at the gate.
 */
export async function startGate(kubeconfig: string): Promise<Gate> {
  const { server: url, ca } = clusterOf(kubeconfig)
  const secure = url.protocol === 'https:'
  const send = secure ? httpsRequest : httpRequest
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: IDLE_LIMIT })
  const requests: Passed[] = []
  const rules = new Set<Rule>()

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = readRequest(incoming.method ?? '', incoming.url ?? '/')
    const interception = firstOf(rules, asked)
    if (interception?.when === 'before') return end(outgoing, interception)
    const at = Date.now()
    const pass = (status: number) => void requests.push({ ...asked, status, at })
    const sent = forward(incoming)
    // A caller that hangs up leaves nothing running, and a server that does so leaves nobody waiting.
    outgoing.on('close', () => outgoing.writableFinished || sent.destroy())
    sent.on('error', () => {
      if (!outgoing.headersSent) pass(0)
      outgoing.destroy()
    })
    sent.on('response', async answer => {
      pass(answer.statusCode ?? 0)
      if (interception) {
        await buffer(answer).catch(() => {})
        return end(outgoing, interception)
      }
      outgoing.writeHead(answer.statusCode ?? 502, rawHeadersOf(answer))
      // The beginning of a watch is news, even while it has nothing to tell.
      outgoing.flushHeaders()
      answer.on('error', () => outgoing.destroy())
      answer.pipe(outgoing)
    })
    incoming.pipe(sent)
  }

  function forward(incoming: IncomingMessage): ClientRequest {
    return send({
      agent,
      ca,
      method: incoming.method ?? 'GET',
      host: url.hostname,
      port: url.port,
      path: incoming.url ?? '/',
      headers: { ...headersOf(incoming), host: url.host },
    })
  }

  const { authority, certificate } = certificates()
  const server = createServer({ ...certificate, keepAliveTimeout: 120_000, requestTimeout: 0 })
  server.on('request', (incoming, outgoing) => void serve(incoming, outgoing))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const wire = await startWire((server.address() as AddressInfo).port)

  return {
    kubeconfig: redirected(kubeconfig, `https://127.0.0.1:${wire.port}`, authority),
    requests,
    intercept(rule) {
      rules.add(rule)
      return () => rules.delete(rule)
    },
    cut: kind => wire.cut(kind),
    mend: () => wire.mend(),
    async stop() {
      await wire.stop()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

/** The first interception that a rule has for this request. */
function firstOf(rules: Iterable<Rule>, asked: Asked): Interception | undefined {
  for (const rule of rules) {
    const interception = rule(asked)
    if (interception) return interception
  }
  return undefined
}

async function end(outgoing: ServerResponse, { meanwhile }: Interception): Promise<void> {
  await meanwhile()
  outgoing.destroy()
}

function headersOf({ headers }: IncomingMessage): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)))
}

/** Names and values in turn, as they came: a header may be there several times, and its bytes are not ours to read. */
function rawHeadersOf({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)] ?? ''
    return !HOP_BY_HOP.has(name.toLowerCase())
  })
}

function certificates() {
  const validity = { now: Date.now(), days: 1 }
  const authority = createAuthority('canaryhook test gate', validity)
  const { cert, key } = issueLeaf(authority, ['localhost', '127.0.0.1'], validity)
  return { authority: authority.cert, certificate: { cert, key } }
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly name: string; readonly cluster: { server: string; 'certificate-authority-data'?: string } },
  ]
}

/** Of a kubeconfig with one cluster, as the environments of tests write them. */
function clusterOf(kubeconfig: string): { readonly server: URL; readonly ca: Buffer | undefined } {
  const [{ cluster }] = (parse(kubeconfig) as Kubeconfig).clusters
  const ca = cluster['certificate-authority-data']
  return { server: new URL(cluster.server), ca: ca === undefined ? undefined : Buffer.from(ca, 'base64') }
}

function redirected(kubeconfig: string, server: string, authority: string): string {
  const config = parse(kubeconfig) as Kubeconfig
  const [{ name }] = config.clusters
  const cluster = { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') }
  return stringify({ ...config, clusters: [{ name, cluster }] })
}
