import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { at } from '../../src/sandbox/api/json.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { DEPLOYMENTS, deployment, STRATEGIC } from './api/manifests.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())

test('a kubeconfig names the server, its authority and a token of the user', () => {
  const config = parse(sandbox.kubeconfig('alice')) as unknown
  expect(config).toMatchObject({
    clusters: [{ cluster: { server: sandbox.url } }],
    users: [{ name: 'alice', user: { token: expect.stringMatching(/^[0-9a-f]{32}$/) } }],
    contexts: [{ context: { user: 'alice', namespace: 'default' } }],
  })
  expect(parse(sandbox.kubeconfig('bob'))).not.toEqual(config)
})

test('the log tells a get from a list, and who wrote what', async () => {
  sandbox.requests.reset()
  await sandbox.request('controller', 'POST', DEPLOYMENTS, { body: deployment('logged') })
  await sandbox.request('controller', 'GET', DEPLOYMENTS)
  await sandbox.request('alice', 'GET', `${DEPLOYMENTS}/logged`)
  await sandbox.request('bob', 'PATCH', `${DEPLOYMENTS}/logged/status`, { body: {}, contentType: STRATEGIC })
  await sandbox.request('bob', 'DELETE', `${DEPLOYMENTS}/missing`)
  const controller = 'system:serviceaccount:canaryhook:canaryhook'
  expect(
    sandbox.requests
      .list()
      .map(({ user, verb, subresource, name, status }) => [user, verb, subresource, name, status]),
  ).toEqual([
    [controller, 'create', '', '', 201],
    [controller, 'list', '', '', 200],
    ['alice', 'get', '', 'logged', 200],
    ['bob', 'patch', 'status', 'logged', 200],
    ['bob', 'delete', '', 'missing', 404],
  ])
  expect(sandbox.requests.writes({ user: 'bob' })).toHaveLength(2)
  expect(sandbox.requests.list({ user: controller, verb: 'get' })).toEqual([])
})

test('requests through a Service reach its ready pods in turn', async () => {
  await sandbox.request('admin', 'POST', DEPLOYMENTS, {
    body: deployment('served', { spec: { replicas: 2 } }),
  })
  const service = {
    metadata: { name: 'served' },
    spec: { selector: { app: 'served' }, ports: [{ port: 80, targetPort: 8080 }] },
  }
  await sandbox.request('admin', 'POST', '/api/v1/namespaces/default/services', { body: service })
  await vi.waitFor(
    async () => {
      const { body } = await sandbox.request('admin', 'GET', `${DEPLOYMENTS}/served`)
      expect(at(body, 'status', 'readyReplicas')).toBe(2)
      expect((await sandbox.fetch('default', 'served', 80)).status).toBe(200)
    },
    { timeout: 10_000 },
  )
  const answers = await Promise.all([1, 2, 3, 4].map(() => sandbox.fetch('default', 'served', 80, '/hello')))
  expect(answers.map(answer => answer.body.trim())).toEqual(['v1', 'v1', 'v1', 'v1'])
})

test('a request through a Service that is not there fails with a sentence', async () => {
  await expect(sandbox.fetch('default', 'nobody', 80)).rejects.toThrow(
    'service default/nobody, port 80: there is no such Service',
  )
})

test('two sandboxes live side by side, and a port in use is told as such', async () => {
  const other = await startSandbox()
  await other.request('admin', 'POST', DEPLOYMENTS, { body: deployment('elsewhere') })
  expect((await sandbox.request('admin', 'GET', `${DEPLOYMENTS}/elsewhere`)).status).toBe(404)
  await other.stop()
  const port = Number(new URL(sandbox.url).port)
  await expect(startSandbox({ port })).rejects.toThrow(
    `cannot listen on port ${port}: another program uses it`,
  )
})
