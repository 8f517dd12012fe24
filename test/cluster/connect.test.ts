import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiError } from '../../src/cluster/port.ts'
import { deployments, events, pods } from '../../src/cluster/resources.ts'
import { VERSION } from '../../src/core/version.ts'
import { answer, deployment, type FakeApiServer, failure, startFakeApiServer } from './fake-api-server.ts'

const shop = { namespace: 'default', name: 'shop' }
const SHOP_PATH = '/apis/apps/v1/namespaces/default/deployments/shop'

let server: FakeApiServer

beforeEach(async () => {
  server = await startFakeApiServer()
})

afterEach(async () => {
  await server.stop()
})

async function failing(work: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof ApiError) return error
  throw error
}

test('create sends the object with its kind, and says who we are', async () => {
  server.handle = (_asked, response) => answer(response, 201, deployment('shop', 7))
  const cluster = await server.connect()
  const created = await cluster.create(deployments, 'default', deployment('shop', 0))
  expect(created.metadata.resourceVersion).toBe('7')
  const [asked] = server.asked
  expect(asked).toMatchObject({ method: 'POST', path: '/apis/apps/v1/namespaces/default/deployments' })
  expect(asked?.query.get('fieldManager')).toBe('canaryhook')
  expect(asked?.headers).toMatchObject({
    'user-agent': `canaryhook/${VERSION}`,
    authorization: 'Bearer secret',
    'content-type': 'application/json',
  })
  expect(JSON.parse(asked?.body ?? '')).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' })
})

test('an object of the core group is v1', async () => {
  server.handle = (_asked, response) => answer(response, 201, {})
  const cluster = await server.connect()
  await cluster.create(events, 'default', {
    metadata: { name: 'shop.1' },
    involvedObject: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'default',
      name: 'shop',
      uid: 'u',
    },
    type: 'Normal',
    reason: 'CanaryStarted',
    message: 'it began',
  })
  expect(server.asked[0]?.path).toBe('/api/v1/namespaces/default/events')
  expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({ apiVersion: 'v1', kind: 'Event' })
})

test.each([
  ['merge', 'application/merge-patch+json', { metadata: { annotations: { a: null } } }],
  ['json', 'application/json-patch+json', [{ op: 'remove', path: '/spec/paused' }]],
  ['strategic', 'application/strategic-merge-patch+json', { status: { conditions: [] } }],
] as const)('a %s patch says so in its content type', async (type, contentType, body) => {
  server.handle = (_asked, response) => answer(response, 200, deployment('shop', 8))
  const cluster = await server.connect()
  const patch = type === 'json' ? { type, body } : { type, body }
  await cluster.patch(deployments, shop, patch, 'status')
  const [asked] = server.asked
  expect(asked).toMatchObject({ method: 'PATCH', path: `${SHOP_PATH}/status`, body: JSON.stringify(body) })
  expect(asked?.headers['content-type']).toBe(contentType)
  expect(asked?.query.get('fieldManager')).toBe('canaryhook')
})

test('a name that is no path segment is escaped', async () => {
  server.handle = (_asked, response) => answer(response, 200, {})
  const cluster = await server.connect()
  await cluster.remove(pods, { namespace: 'default', name: '../nodes/x?y' })
  expect(server.asked[0]?.path).toBe('/api/v1/namespaces/default/pods/..%2Fnodes%2Fx%3Fy')
})

test('remove deletes in the background, the object of that uid only', async () => {
  server.handle = (_asked, response) => answer(response, 200, {})
  const cluster = await server.connect()
  await cluster.remove(deployments, shop, { uid: 'u1' })
  expect(server.asked[0]).toMatchObject({ method: 'DELETE', path: SHOP_PATH })
  expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    preconditions: { uid: 'u1' },
  })
})

test('to remove what is gone is no error; to remove another object of that name is a conflict', async () => {
  const cluster = await server.connect()
  server.handle = (_asked, response) => failure(response, 404, 'NotFound', 'not found')
  await cluster.remove(deployments, shop)
  server.handle = (_asked, response) =>
    failure(response, 409, 'Conflict', 'the UID in the precondition differs')
  const error = await failing(cluster.remove(deployments, shop, { uid: 'u1' }))
  expect(error).toMatchObject({ code: 'CLUSTER_CONFLICT', status: 409 })
})

test('an error of the server names the call and passes the message on', async () => {
  server.handle = (_asked, response) => failure(response, 403, 'Forbidden', 'exceeded quota: small')
  const cluster = await server.connect()
  const error = await failing(cluster.create(deployments, 'default', deployment('shop-canary', 0)))
  expect(error).toMatchObject({ code: 'CLUSTER_FORBIDDEN', reason: 'Forbidden' })
  expect(error.message).toBe('CREATE deployments default/shop-canary: exceeded quota: small (403)')
})

test('calls one after another use one connection', async () => {
  server.handle = (_asked, response) => answer(response, 200, deployment('shop', 8))
  const cluster = await server.connect()
  for (let i = 0; i < 10; i += 1) {
    await cluster.patch(deployments, shop, { type: 'merge', body: { spec: { replicas: i } } })
  }
  expect(server.asked).toHaveLength(10)
  expect(server.connections()).toBe(1)
})

test('an error leaves the connection usable too', async () => {
  server.handle = (_asked, response) => failure(response, 409, 'Conflict', 'modified')
  const cluster = await server.connect()
  for (let i = 0; i < 3; i += 1) {
    await failing(cluster.patch(deployments, shop, { type: 'merge', body: {} }))
  }
  expect(server.connections()).toBe(1)
})

test('a server that never answers is given up', async () => {
  server.handle = () => {}
  const cluster = await server.connect({ limits: { answer: 50, whole: 5_000 } })
  const error = await failing(cluster.patch(deployments, shop, { type: 'merge', body: {} }))
  expect(error).toMatchObject({ code: 'CLUSTER_UNAVAILABLE', status: 0 })
  expect(error.message).toContain('nothing within 0.05 s')
})

test('a server that never finishes its answer is given up', async () => {
  server.handle = (_asked, response) => response.writeHead(200).write('{')
  const cluster = await server.connect({ limits: { answer: 5_000, whole: 50 } })
  const error = await failing(cluster.patch(deployments, shop, { type: 'merge', body: {} }))
  expect(error).toMatchObject({ code: 'CLUSTER_UNAVAILABLE', status: 0 })
})

test('a connection that breaks under a write is told, not tried again: it may have been done', async () => {
  server.handle = (_asked, response) => response.destroy()
  const cluster = await server.connect()
  const error = await failing(cluster.patch(deployments, shop, { type: 'merge', body: {} }))
  expect(error).toMatchObject({ code: 'CLUSTER_UNAVAILABLE', status: 0 })
  expect(server.asked).toHaveLength(1)
})

test('an answer that is not JSON is told as one', async () => {
  server.handle = (_asked, response) => response.writeHead(200).end('<html>')
  const cluster = await server.connect()
  const error = await failing(cluster.patch(deployments, shop, { type: 'merge', body: {} }))
  expect(error.code).toBe('CLUSTER_UNAVAILABLE')
})

test('nothing can be sent after close', async () => {
  const cluster = await server.connect()
  await cluster.close()
  const error = await failing(cluster.patch(deployments, shop, { type: 'merge', body: {} }))
  expect(error.message).toContain('the connection was closed')
  expect(server.asked).toHaveLength(0)
})
