import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { at, type JsonObject } from '../../../src/sandbox/api/json.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'
import { CONFIG_MAPS, configMap, DEPLOYMENTS, deployment, MERGE } from './manifests.ts'
import { WebhookDouble } from './webhook-double.ts'

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'

let sandbox: Sandbox
let webhook: WebhookDouble
beforeAll(async () => {
  sandbox = await startSandbox()
  webhook = await WebhookDouble.start()
})
afterAll(async () => {
  webhook.stop()
  await sandbox.stop()
})
beforeEach(() => {
  webhook.reply = () => ({})
  webhook.asked.length = 0
})
afterEach(async () => {
  await sandbox.request('admin', 'DELETE', CONFIGURATIONS)
})

const RULE = {
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['deployments'],
}

async function register(name: string, more: JsonObject = {}): Promise<void> {
  const entry = {
    name: `${name}.example.com`,
    clientConfig: webhook.clientConfig,
    rules: [RULE],
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    ...more,
  }
  const { status } = await sandbox.request('admin', 'POST', CONFIGURATIONS, {
    body: { metadata: { name }, webhooks: [entry] },
  })
  expect(status).toBe(201)
}

const create = (name: string, more = {}, query = '') =>
  sandbox.request('alice', 'POST', `${DEPLOYMENTS}${query}`, { body: deployment(name, more) })
const patch = (path: string, body: unknown) =>
  sandbox.request('alice', 'PATCH', `${DEPLOYMENTS}/${path}`, { body, contentType: MERGE })

test('a webhook sees who asks for what, with the defaulted object', async () => {
  await register('see')
  await create('seen', {}, '?fieldManager=kubectl-create')
  expect(webhook.asked).toMatchObject([
    {
      operation: 'CREATE',
      namespace: 'default',
      name: 'seen',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      requestKind: { kind: 'Deployment' },
      userInfo: { username: 'alice', groups: expect.arrayContaining(['developers']) },
      dryRun: false,
      oldObject: null,
      object: { spec: { revisionHistoryLimit: 10 } },
      options: { kind: 'CreateOptions', fieldManager: 'kubectl-create' },
    },
  ])
  await patch('seen', { spec: { paused: true } })
  expect(webhook.asked[1]).toMatchObject({
    operation: 'UPDATE',
    object: { spec: { paused: true } },
    options: { kind: 'UpdateOptions' },
  })
  expect(at(webhook.asked[1], 'oldObject', 'spec', 'paused')).toBeUndefined()
})

test('what it patches is stored, and its warnings come with the answer', async () => {
  await register('mutate')
  webhook.reply = () => ({
    patch: [{ op: 'add', path: '/spec/paused', value: true }],
    warnings: ['pa"used\\', 'zweite – Warnung'],
  })
  const { body, warnings } = await create('mutated')
  expect(at(body, 'spec', 'paused')).toBe(true)
  expect(warnings).toEqual(['pa"used\\', 'zweite – Warnung'])
})

test('a patch that undoes the change stores nothing', async () => {
  await create('undone')
  await register('undo')
  webhook.reply = () => ({ patch: [{ op: 'remove', path: '/metadata/annotations' }] })
  const before = (await sandbox.request('admin', 'GET', `${DEPLOYMENTS}/undone`)).body
  const { body } = await patch('undone', { metadata: { annotations: { a: 'b' } } })
  expect(at(body, 'metadata', 'annotations')).toBeUndefined()
  expect(at(body, 'metadata', 'generation')).toBe(at(before, 'metadata', 'generation'))
})

test.each([
  [
    'with its code and message',
    { code: 403, message: 'not today' },
    403,
    'admission webhook "deny.example.com" denied the request: not today',
  ],
  [
    'with 400 when it gives no code',
    { message: 'not today' },
    400,
    'admission webhook "deny.example.com" denied the request: not today',
  ],
  [
    'without explanation',
    undefined,
    400,
    'admission webhook "deny.example.com" denied the request without explanation',
  ],
])('a denial is answered %s, and nothing is stored', async (_sentence, status, code, message) => {
  await register('deny')
  webhook.reply = () => ({ allowed: false, ...(status && { status }), warnings: ['look out'] })
  const answer = await create('denied')
  expect(answer.status).toBe(code)
  expect(answer.body).toMatchObject({ kind: 'Status', message })
  expect(answer.warnings).toEqual(['look out'])
  expect((await sandbox.request('admin', 'GET', `${DEPLOYMENTS}/denied`)).status).toBe(404)
})

test('a dry run asks the webhook with dryRun and stores nothing', async () => {
  await register('dry')
  webhook.reply = () => ({ patch: [{ op: 'add', path: '/spec/paused', value: true }] })
  const { body } = await create('dry', {}, '?dryRun=All')
  expect(at(body, 'spec', 'paused')).toBe(true)
  expect(webhook.asked[0]?.dryRun).toBe(true)
  expect((await sandbox.request('admin', 'GET', `${DEPLOYMENTS}/dry`)).status).toBe(404)
})

test('status and scale do not match a rule for deployments, other kinds neither', async () => {
  await create('plain')
  await register('plain')
  await patch('plain/status', { metadata: { annotations: { x: 'y' } } })
  await patch('plain/scale', { spec: { replicas: 1 } })
  await sandbox.request('alice', 'POST', CONFIG_MAPS, { body: configMap('plain') })
  expect(webhook.asked).toEqual([])
})

test('a rule for a subresource gets a Scale', async () => {
  await create('scaled')
  await register('scale', { rules: [{ ...RULE, resources: ['deployments/scale'] }] })
  await patch('scaled/scale', { spec: { replicas: 2 } })
  expect(webhook.asked).toMatchObject([
    {
      kind: { kind: 'Scale' },
      subResource: 'scale',
      object: { kind: 'Scale', spec: { replicas: 2 } },
      oldObject: { spec: { replicas: 0 } },
    },
  ])
})

test.each([
  [
    'a match condition that is false',
    { matchConditions: [{ name: 'a', expression: 'has(object.metadata.annotations)' }] },
  ],
  ['an object selector that does not match', { objectSelector: { matchLabels: { canary: 'yes' } } }],
  [
    'a namespace selector that does not match',
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['default'] }],
      },
    },
  ],
  ['another operation', { rules: [{ ...RULE, operations: ['DELETE'] }] }],
])('%s leaves the webhook out', async (sentence, more) => {
  await register('left-out', more)
  expect((await create(`left-${sentence.replace(/\W+/g, '-')}`)).status).toBe(201)
  expect(webhook.asked).toEqual([])
})

test('match conditions see object, oldObject and request', async () => {
  const expressions = [
    'oldObject == null ? object.spec.replicas == 0 : oldObject.spec.replicas == 0',
    'request.userInfo.username == "alice" && "developers" in request.userInfo.groups',
    "!has(object.metadata.annotations) || object.metadata.annotations.exists(key, key.startsWith('canaryhook.dev/'))",
    '!has(object.metadata.deletionTimestamp)',
  ]
  await register('conditions', {
    matchConditions: expressions.map((expression, index) => ({ name: `c${index}`, expression })),
  })
  await create('conditional')
  await patch('conditional', { metadata: { annotations: { 'canaryhook.dev/steps': '10%' } } })
  await patch('conditional', { metadata: { annotations: { 'canaryhook.dev/steps': null, other: 'x' } } })
  await sandbox.request('bob', 'PATCH', `${DEPLOYMENTS}/conditional`, {
    body: { spec: { paused: true } },
    contentType: MERGE,
  })
  expect(webhook.asked.map(request => request.operation)).toEqual(['CREATE', 'UPDATE'])
})

test('webhooks are asked in the order of their configurations, each with what the former made', async () => {
  await register('zz')
  await register('aa')
  webhook.reply = request => {
    const value = `${String(at(request, 'object', 'metadata', 'annotations', 'trace') ?? '')}x`
    return { patch: [{ op: 'add', path: '/metadata/annotations', value: { trace: value } }] }
  }
  const { body } = await create('chained')
  expect(at(body, 'metadata', 'annotations', 'trace')).toBe('xx')
})

test.each([
  [
    'answers 500',
    { raw: { status: 500, body: 'boom' } },
    /failed calling webhook "fail.example.com": failed to call webhook: .*500/,
  ],
  [
    'answers something else',
    { raw: { status: 200, body: '{}' } },
    /failed calling webhook "fail.example.com": .*expected an admission.k8s.io\/v1/,
  ],
  ['is too slow', { after: 1500 }, /failed calling webhook "fail.example.com": .*context deadline exceeded/],
])(
  'a webhook that %s fails the request when its policy is Fail, and nothing when it is Ignore',
  async (sentence, reply, message) => {
    webhook.reply = () => reply
    await register('fail', { timeoutSeconds: 1 })
    const name = `fail-${sentence.replace(/\W+/g, '-')}`
    const failed = await create(name)
    expect(failed.status).toBe(500)
    expect(failed.body).toMatchObject({ reason: 'InternalError', message: expect.stringMatching(message) })
    await sandbox.request('admin', 'DELETE', `${CONFIGURATIONS}/fail`)
    await register('ignore', { timeoutSeconds: 1, failurePolicy: 'Ignore' })
    expect((await create(name)).status).toBe(201)
  },
)

test('a webhook that is not there is told as the API server tells it', async () => {
  await register('down', { clientConfig: { ...webhook.clientConfig, url: 'https://127.0.0.1:1/mutate' } })
  const { body } = await create('down')
  expect(body.message).toBe(
    'Internal error occurred: failed calling webhook "down.example.com": failed to call webhook: ' +
      'Post "https://127.0.0.1:1/mutate?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
  )
})

test('connections to a webhook are used again', async () => {
  await register('reuse')
  await create('reused')
  const before = webhook.connections
  for (const paused of [true, false, true, false]) await patch('reused', { spec: { paused } })
  expect(webhook.asked).toHaveLength(5)
  expect(webhook.connections).toBe(before)
})
