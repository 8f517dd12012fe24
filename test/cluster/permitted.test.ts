/** Calls under a permit: over HTTP as the cluster makes them, and over TLS, where a handshake lies between. */
import { type ClientRequest, request as httpRequest } from 'node:http'
import { createServer, request as httpsRequest } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { sendUnderPermit } from '../../src/cluster/permitted.ts'
import { ApiError, type Permit } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import { answer, deployment, type FakeApiServer, failure, startFakeApiServer } from './fake-api-server.ts'

const shop = { namespace: 'default', name: 'shop' }
const patch = { type: 'merge', body: { spec: { replicas: 3 } } } as const
const over = new ApiError('CLUSTER_NOT_LEADING', 'leadership was lost', { status: 0 })

let server: FakeApiServer
let others: { close(): unknown }[]

beforeEach(async () => {
  others = []
  server = await startFakeApiServer()
})

afterEach(async () => {
  for (const other of others) other.close()
  await server.stop()
})

/** Gives so many milliseconds, each time it is asked, until it is withdrawn. */
function permitOf(...limits: readonly number[]): Permit & { withdraw(): void; asked: number } {
  const abort = new AbortController()
  return {
    asked: 0,
    signal: abort.signal,
    limit() {
      if (abort.signal.aborted) throw abort.signal.reason
      const limit = limits[Math.min(this.asked, limits.length - 1)] ?? 0
      this.asked += 1
      return limit
    },
    withdraw: () => abort.abort(over),
  }
}

test('the API server is told the limit, in milliseconds', async () => {
  server.handle = (_asked, response) => answer(response, 200, deployment('shop', 8))
  const cluster = await server.connect()
  const permit = permitOf(5866.7)
  await cluster.patch(deployments, shop, patch, undefined, { permit })
  await cluster.create(deployments, 'default', deployment('shop', 0), { permit })
  await cluster.remove(deployments, shop, {}, { permit })
  await cluster.read(deployments, shop, { permit })
  expect(server.asked.map(({ method, query }) => [method, query.get('timeout')])).toEqual([
    ['PATCH', '5866ms'],
    ['POST', '5866ms'],
    ['DELETE', '5866ms'],
    ['GET', '5866ms'],
  ])
  expect(server.asked[0]?.body).toBe(JSON.stringify(patch.body))
})

test('without a permit it is told none', async () => {
  server.handle = (_asked, response) => answer(response, 200, deployment('shop', 8))
  const cluster = await server.connect()
  await cluster.patch(deployments, shop, patch)
  expect(server.asked[0]?.query.has('timeout')).toBe(false)
})

test('nothing is sent when the permit is over', async () => {
  const cluster = await server.connect()
  const permit = permitOf(1000)
  permit.withdraw()
  await expect(cluster.patch(deployments, shop, patch, undefined, { permit })).rejects.toBe(over)
  expect(server.asked).toEqual([])
})

test('a call that is not answered in time is given up', async () => {
  server.handle = () => {}
  const cluster = await server.connect()
  const call = cluster.patch(deployments, shop, patch, undefined, { permit: permitOf(50) })
  await expect(call).rejects.toMatchObject({
    code: 'CLUSTER_UNAVAILABLE',
    status: 0,
    message: expect.stringContaining('nothing within 50 ms'),
  })
})

test('a call in flight is given up when the permit ends, and its connection with it', async () => {
  const cut = new Promise<void>(resolve => {
    server.handle = (_asked, response) => response.on('close', resolve)
  })
  const cluster = await server.connect()
  const permit = permitOf(60_000)
  const call = cluster.patch(deployments, shop, patch, undefined, { permit })
  const given = expect(call).rejects.toBe(over)
  while (server.asked.length === 0) await sleep(5)
  permit.withdraw()
  await given
  await cut
})

test('an answer that comes slowly is given up in its middle', async () => {
  server.handle = (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"metadata":')
  }
  const cluster = await server.connect()
  const call = cluster.patch(deployments, shop, patch, undefined, { permit: permitOf(100) })
  await expect(call).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' })
})

test('the second try after a 401 has a limit of its own', async () => {
  let first = true
  server.handle = (_asked, response) => {
    if (first) failure(response, 401, 'Unauthorized', 'who?')
    else answer(response, 200, deployment('shop', 8))
    first = false
  }
  const cluster = await server.connect()
  await cluster.patch(deployments, shop, patch, undefined, { permit: permitOf(900, 800) })
  expect(server.asked.map(({ query }) => query.get('timeout'))).toEqual(['900ms', '800ms'])
})

test('no listener is left on a permit that lasts', async () => {
  server.handle = (_asked, response) => answer(response, 200, deployment('shop', 8))
  const cluster = await server.connect()
  const permit = permitOf(1000)
  let listeners = 0
  const { addEventListener, removeEventListener } = permit.signal
  permit.signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    listeners += 1
    addEventListener.apply(permit.signal, given)
  }
  permit.signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    listeners -= 1
    removeEventListener.apply(permit.signal, given)
  }
  for (let calls = 0; calls < 3; calls += 1) {
    await cluster.patch(deployments, shop, patch, undefined, { permit })
  }
  await sleep(20)
  expect(permit.asked).toBe(3)
  expect(listeners).toBe(0)
})

test('over TLS it is sent after the handshake, on a new connection', async () => {
  const validity = { now: Date.now(), days: 1 }
  const authority = createAuthority('test', validity)
  const leaf = issueLeaf(authority, ['localhost'], validity)
  const secure = createServer({ key: leaf.key, cert: leaf.cert }, async (request, response) => {
    response.end((await request.toArray()).join(''))
  })
  const port = await listen(secure)
  const options = { host: 'localhost', port, ca: authority.cert, method: 'POST', agent: false }
  const body = '{"a":1}'
  const request = httpsRequest({ ...options, headers: { 'content-length': body.length } })
  sendUnderPermit(request, body, permitOf(10_000), 10_000)
  expect(await answerTo(request)).toBe(body)
})

test('a connection that opens when it is too late carries nothing', async () => {
  const received: Buffer[] = []
  const tcp = createTcpServer(socket => socket.on('data', data => received.push(data)))
  const port = await listen(tcp)
  const request = httpRequest({ host: '127.0.0.1', port, method: 'POST', agent: false })
  sendUnderPermit(request, '{}', permitOf(30), 30)
  const given = expect(answerTo(request)).rejects.toThrow('nothing within 30 ms')
  // The process stands still until the time is over; the connection is the first thing that it finds then.
  const end = performance.now() + 80
  while (performance.now() < end);
  await given
  await sleep(50)
  expect(received).toEqual([])
})

function answerTo(request: ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', response => response.toArray().then(chunks => resolve(chunks.join('')), reject))
  })
}

async function listen(server: Server): Promise<number> {
  others.push(server)
  await new Promise<void>(resolve => server.listen(0, resolve))
  return (server.address() as AddressInfo).port
}
