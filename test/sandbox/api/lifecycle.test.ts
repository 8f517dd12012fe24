import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { at, type JsonObject } from '../../../src/sandbox/api/json.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'
import { CONFIG_MAPS, configMap, DEPLOYMENTS, deployment, MERGE } from './manifests.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())

const create = async (path: string, body: unknown) =>
  (await sandbox.request('admin', 'POST', path, { body })).body
const status = async (path: string) => (await sandbox.request('admin', 'GET', path)).status
const remove = (path: string, body?: unknown) =>
  sandbox.request('admin', 'DELETE', path, body === undefined ? {} : { body })

function ownedBy(owner: JsonObject): JsonObject {
  const { name, uid } = owner.metadata as JsonObject
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true }
}

const gone = (path: string) =>
  vi.waitFor(async () => expect(await status(path)).toBe(404), { timeout: 10_000 })

test('what a deleted Deployment owned goes with it, whatever its kind', async () => {
  const owner = await create(DEPLOYMENTS, deployment('owner'))
  const metadata = { ownerReferences: [ownedBy(owner)] }
  await create(CONFIG_MAPS, configMap('owned', { metadata }))
  await create('/apis/apps/v1/namespaces/default/controllerrevisions', {
    metadata: { name: 'owned', ...metadata },
    revision: 1,
  })
  await create(DEPLOYMENTS, deployment('owned', { metadata }))
  await create(CONFIG_MAPS, configMap('free'))
  expect((await remove(`${DEPLOYMENTS}/owner`)).body).toMatchObject({ kind: 'Status', status: 'Success' })
  await gone(`${CONFIG_MAPS}/owned`)
  await gone('/apis/apps/v1/namespaces/default/controllerrevisions/owned')
  await gone(`${DEPLOYMENTS}/owned`)
  expect(await status(`${CONFIG_MAPS}/free`)).toBe(200)
})

test('an object whose owner is not there is collected', async () => {
  const ghost = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'ghost', uid: 'no-such-uid' } }
  await create(CONFIG_MAPS, configMap('dangling', { metadata: { ownerReferences: [ownedBy(ghost)] } }))
  await gone(`${CONFIG_MAPS}/dangling`)
})

test('Orphan keeps what was owned, without the reference', async () => {
  const owner = await create(DEPLOYMENTS, deployment('orphaner'))
  await create(CONFIG_MAPS, configMap('orphan', { metadata: { ownerReferences: [ownedBy(owner)] } }))
  await remove(`${DEPLOYMENTS}/orphaner`, { propagationPolicy: 'Orphan' })
  await gone(`${DEPLOYMENTS}/orphaner`)
  await vi.waitFor(
    async () => {
      const { body } = await sandbox.request('admin', 'GET', `${CONFIG_MAPS}/orphan`)
      expect(body.kind).toBe('ConfigMap')
      expect(at(body, 'metadata', 'ownerReferences')).toBeUndefined()
    },
    { timeout: 10_000 },
  )
})

test('Foreground takes the owned first', async () => {
  const owner = await create(CONFIG_MAPS, configMap('last'))
  await create(
    CONFIG_MAPS,
    configMap('first', {
      metadata: { ownerReferences: [ownedBy({ ...owner, apiVersion: 'v1', kind: 'ConfigMap' })] },
    }),
  )
  const answer = await remove(`${CONFIG_MAPS}/last`, { propagationPolicy: 'Foreground' })
  expect(at(answer.body, 'metadata', 'finalizers')).toEqual(['foregroundDeletion'])
  await gone(`${CONFIG_MAPS}/first`)
  await gone(`${CONFIG_MAPS}/last`)
})

test('a finalizer holds an object until it is taken away', async () => {
  await create(CONFIG_MAPS, configMap('held', { metadata: { finalizers: ['example.com/wait'] } }))
  const path = `${CONFIG_MAPS}/held`
  expect(at((await remove(path)).body, 'metadata', 'deletionTimestamp')).toMatch(/Z$/)
  expect(await status(path)).toBe(200)
  await sandbox.request('admin', 'PATCH', path, {
    body: { metadata: { finalizers: null } },
    contentType: MERGE,
  })
  expect(await status(path)).toBe(404)
})

test('a precondition on another uid is a conflict, and nothing is deleted', async () => {
  await create(CONFIG_MAPS, configMap('precise'))
  const answer = await remove(`${CONFIG_MAPS}/precise`, { preconditions: { uid: 'other' } })
  expect(answer.status).toBe(409)
  expect(answer.body.message).toContain('the UID in the precondition (other) does not match')
  expect(await status(`${CONFIG_MAPS}/precise`)).toBe(200)
})

test('a collection is deleted by its selector', async () => {
  await create(CONFIG_MAPS, configMap('one', { metadata: { labels: { group: 'x' } } }))
  await create(CONFIG_MAPS, configMap('two', { metadata: { labels: { group: 'y' } } }))
  await remove(`${CONFIG_MAPS}?labelSelector=group%3Dx`)
  expect(await status(`${CONFIG_MAPS}/one`)).toBe(404)
  expect(await status(`${CONFIG_MAPS}/two`)).toBe(200)
})

test('a namespace goes with all that is in it', async () => {
  await create('/api/v1/namespaces', { metadata: { name: 'temporary' } })
  await create('/api/v1/namespaces/temporary/configmaps', configMap('inside'))
  await create(
    '/apis/apps/v1/namespaces/temporary/deployments',
    deployment('inside', { spec: { replicas: 1 } }),
  )
  await remove('/api/v1/namespaces/temporary')
  await gone('/api/v1/namespaces/temporary')
  expect(await status('/api/v1/namespaces/temporary/configmaps/inside')).toBe(404)
})

test('a CustomResourceDefinition is served as soon as it is there, and no longer', async () => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await create(definitions, {
    metadata: { name: 'policies.canaryhook.dev' },
    spec: {
      group: 'canaryhook.dev',
      scope: 'Namespaced',
      names: { plural: 'policies', singular: 'policy', kind: 'Policy' },
      versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} } }],
    },
  })
  const policies = '/apis/canaryhook.dev/v1/namespaces/default/policies'
  const made = await create(policies, {
    apiVersion: 'canaryhook.dev/v1',
    kind: 'Policy',
    metadata: { name: 'p' },
    spec: { a: 1 },
    status: { no: 'no' },
  })
  expect(made).toMatchObject({ metadata: { generation: 1 }, spec: { a: 1 } })
  expect(made.status).toBeUndefined()
  const patched = await sandbox.request('admin', 'PATCH', `${policies}/p`, {
    body: { spec: { a: 2 } },
    contentType: MERGE,
  })
  expect(patched.body).toMatchObject({ metadata: { generation: 2 }, spec: { a: 2 } })
  const list = await sandbox.request('admin', 'GET', policies)
  expect(Object.keys(list.body)).toEqual(['apiVersion', 'items', 'kind', 'metadata'])
  const discovered = await sandbox.request('admin', 'GET', '/apis/canaryhook.dev/v1')
  expect(discovered.body.resources).toMatchObject([
    { name: 'policies', kind: 'Policy' },
    { name: 'policies/status' },
  ])
  await remove(`${definitions}/policies.canaryhook.dev`)
  expect(await status(policies)).toBe(404)
})

test('a Job runs its pod to completion, and takes the pod with it', async () => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs'
  const container = { name: 'main', image: 'tool:v1', command: ['true'] }
  await create(jobs, {
    metadata: { name: 'quick' },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
  })
  await vi.waitFor(
    async () => {
      const { body } = await sandbox.request('admin', 'GET', `${jobs}/quick`)
      expect(body.status).toMatchObject({ succeeded: 1 })
    },
    { timeout: 10_000 },
  )
  await remove(`${jobs}/quick`, { propagationPolicy: 'Background' })
  await vi.waitFor(
    async () => {
      const { body } = await sandbox.request(
        'admin',
        'GET',
        '/api/v1/namespaces/default/pods?labelSelector=job-name%3Dquick',
      )
      expect(body.items).toEqual([])
    },
    { timeout: 10_000 },
  )
})
