/**
 * An API server of a large cluster, as a process of its own so that its memory and its work are not measured
 * with the controller's: `node cluster-server.ts DEPLOYMENTS OLD_REVISIONS`. Lists in pages, watches that stay
 * open with bookmarks. What it is told by its parent it does (`Order`), and it tells what it was asked (`Told`).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLargeCluster, FIRST_VERSION, type Plural } from './large-cluster.ts'

/** What the parent may ask for. */
export type Order =
  /** This many Deployments, one after the other, change, all in one write to the open watches. */
  | { readonly order: 'change'; readonly count: number }
  /** How many requests there were so far. */
  | { readonly order: 'count' }

export type Told =
  | { readonly told: 'listening'; readonly url: string }
  | { readonly told: 'changed'; readonly version: number }
  | { readonly told: 'requests'; readonly lists: number; readonly watches: number; readonly others: number }

const [deployments = 0, oldRevisions = 0] = process.argv.slice(2).map(Number)
const cluster = createLargeCluster({ deployments, oldRevisions })
const PLURALS: readonly Plural[] = ['deployments', 'replicasets']
const asked = { lists: 0, watches: 0, others: 0 }
const watches: { readonly plural: string; readonly response: ServerResponse }[] = []
let version = FIRST_VERSION

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://cluster')
  const plural = url.pathname.split('/').at(-1) ?? ''
  if (request.method !== 'GET') {
    asked.others += 1
    response.writeHead(405).end()
  } else if (url.searchParams.get('watch') === 'true') {
    asked.watches += 1
    watch(plural, request, response)
  } else {
    asked.lists += 1
    list(plural, url.searchParams, response)
  }
})

function list(plural: string, query: URLSearchParams, response: ServerResponse): void {
  const known = PLURALS.find(one => one === plural)
  const start = Number(query.get('continue') ?? 0)
  const all = known ? cluster.count(known) : 0
  const end = Math.min(all, start + Number(query.get('limit') ?? all))
  const more = end < all ? String(end) : ''
  const metadata = JSON.stringify({ resourceVersion: String(version), continue: more })
  const items = Array.from({ length: end - start }, (_, place) =>
    known ? cluster.text(known, start + place, FIRST_VERSION) : '',
  )
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`{"kind":"List","apiVersion":"v1","metadata":${metadata},"items":[${items.join(',')}]}\n`)
}

function watch(plural: string, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  const open = { plural, response }
  watches.push(open)
  request.on('close', () => watches.splice(watches.indexOf(open), 1))
}

function change(count: number): void {
  let text = ''
  for (let index = 0; index < count; index += 1) {
    version += 1
    text += `{"type":"MODIFIED","object":${cluster.text('deployments', index % deployments, version)}}\n`
  }
  for (const { plural, response } of watches) if (plural === 'deployments') response.write(text)
}

process.on('message', (message: Order) => {
  if (message.order === 'count') return tell({ told: 'requests', ...asked })
  change(message.count)
  tell({ told: 'changed', version })
})
// Its parent is gone.
process.on('disconnect', () => process.exit(0))

function tell(told: Told): void {
  process.send?.(told)
}

server.listen(0, '127.0.0.1', () => {
  tell({ told: 'listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
