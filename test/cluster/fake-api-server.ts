/** An HTTP server that answers as the test says, and counts what it was asked. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { pino } from 'pino'
import { stringify } from 'yaml'
import { connect } from '../../src/cluster/connect.ts'
import type { Limits } from '../../src/cluster/connection.ts'
import type { Cluster } from '../../src/cluster/port.ts'
import type { ReflectorSettings } from '../../src/cluster/reflector.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request; lists and watches come as GET with and without `watch=true`. */
export type Handler = (asked: Asked, response: ServerResponse) => void

export interface FakeApiServer {
  readonly url: string
  readonly asked: Asked[]
  /** How many connections were opened so far. */
  readonly connections: () => number
  /** What answers from now on. */
  handle: Handler
  /** A client of this server, closed with it; silent if no log is given. */
  connect(options?: {
    log?: Logger
    limits?: Limits
    reflector?: Partial<ReflectorSettings>
  }): Promise<Cluster>
  stop(): Promise<void>
}

export const silentLog: Logger = pino({ level: 'silent' })

export async function startFakeApiServer(): Promise<FakeApiServer> {
  let connections = 0
  const clusters: Cluster[] = []
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-cluster-'))
  const server: Server = createServer((request, response) => {
    void textOf(request).then(body => {
      const url = new URL(request.url ?? '/', 'http://fake')
      const asked: Asked = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body,
      }
      fake.asked.push(asked)
      fake.handle(asked, response)
    })
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubeconfig = join(directory, 'config')
  await writeFile(kubeconfig, kubeconfigFor(url))
  const fake: FakeApiServer = {
    url,
    asked: [],
    connections: () => connections,
    handle: (_asked, response) => failure(response, 404, 'NotFound', 'nothing here'),
    async connect(options = {}) {
      const cluster = await connect(kubeconfig, { log: silentLog, ...options })
      clusters.push(cluster)
      return cluster
    },
    async stop() {
      for (const cluster of clusters) await cluster.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(directory, { recursive: true })
    },
  }
  return fake
}

/** The text of a kubeconfig with one context. */
export function kubeconfigFor(
  server: string,
  user: object = { token: 'secret' },
  cluster: object = {},
): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, ...cluster } }],
    users: [{ name: 'test', user }],
  })
}

export function deployment(
  name: string,
  version: number,
  extra: { uid?: string; app?: string } = {},
): Deployment {
  const labels = { app: extra.app ?? 'shop' }
  return {
    metadata: {
      namespace: 'default',
      name,
      uid: extra.uid ?? `uid-${name}`,
      resourceVersion: String(version),
      labels,
    },
    spec: { selector: { matchLabels: labels }, template: {} },
  }
}

export function page(
  response: ServerResponse,
  version: number,
  items: readonly Deployment[],
  more?: string,
): void {
  answer(response, 200, {
    metadata: { resourceVersion: String(version), ...(more ? { continue: more } : {}) },
    items,
  })
}

export function answer(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export function failure(response: ServerResponse, code: number, reason: string, message: string): void {
  answer(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message })
}

/** Sends the header of a watch and some events, and leaves it open. */
export function watchWith(
  response: ServerResponse,
  ...events: readonly (readonly [string, unknown])[]
): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  for (const [type, object] of events) response.write(`${JSON.stringify({ type, object })}\n`)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
