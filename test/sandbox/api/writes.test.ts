import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { JsonObject } from '../../../src/sandbox/api/json.ts'
import { at } from '../../../src/sandbox/api/json.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'
import { CONFIG_MAPS, configMap, DEPLOYMENTS, deployment, JSON_PATCH, MERGE, STRATEGIC } from './manifests.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())

const create = (path: string, body: unknown) => sandbox.request('admin', 'POST', path, { body })
const get = (path: string) => sandbox.request('admin', 'GET', path)
const put = (path: string, body: unknown) => sandbox.request('admin', 'PUT', path, { body })
const patch = (path: string, body: unknown, contentType = MERGE) =>
  sandbox.request('admin', 'PATCH', path, { body, contentType })
const version = (object: JsonObject) => at(object, 'metadata', 'resourceVersion')
const generation = (object: JsonObject) => at(object, 'metadata', 'generation')

/** As soon as the simulated controller has seen it, nobody else writes the Deployment any more. */
async function settled(name: string): Promise<JsonObject> {
  return await vi.waitFor(async () => {
    const { body } = await get(`${DEPLOYMENTS}/${name}`)
    expect(at(body, 'status', 'observedGeneration')).toBe(generation(body))
    await new Promise(resolve => setTimeout(resolve, 50))
    const again = await get(`${DEPLOYMENTS}/${name}`)
    expect(version(again.body)).toBe(version(body))
    return again.body
  }, 10_000)
}

describe('create', () => {
  test('keeps no empty map of labels or annotations in a template', async () => {
    const made = deployment('empty-maps')
    const { body } = await create(DEPLOYMENTS, made)
    const emptied = { spec: { template: { metadata: { annotations: {} } } } }
    const { body: patched } = await patch(`${DEPLOYMENTS}/empty-maps`, emptied)
    expect(at(patched, 'spec', 'template')).toEqual(at(body, 'spec', 'template'))
  })

  test('fills in what the API server fills in', async () => {
    const { status, body } = await create(
      DEPLOYMENTS,
      deployment('defaults', { spec: { replicas: undefined } }),
    )
    expect(status).toBe(201)
    expect(body.spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      template: {
        spec: {
          restartPolicy: 'Always',
          dnsPolicy: 'ClusterFirst',
          terminationGracePeriodSeconds: 30,
          schedulerName: 'default-scheduler',
          securityContext: {},
          containers: [
            {
              imagePullPolicy: 'IfNotPresent',
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
              resources: {},
            },
          ],
        },
      },
    })
    expect(body.metadata).toMatchObject({
      generation: 1,
      namespace: 'default',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(at(body, 'metadata', 'creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  test('takes nothing that only the server writes', async () => {
    const { body } = await create(
      CONFIG_MAPS,
      configMap('forged', {
        metadata: { uid: 'mine', generation: 7, creationTimestamp: '2001-01-01T00:00:00Z' },
      }),
    )
    expect(at(body, 'metadata', 'uid')).not.toBe('mine')
    expect(at(body, 'metadata', 'creationTimestamp')).not.toMatch(/^2001/)
  })

  test('a second one of the same name already exists', async () => {
    await create(CONFIG_MAPS, configMap('twice'))
    const { status, body } = await create(CONFIG_MAPS, configMap('twice'))
    expect(status).toBe(409)
    expect(body).toMatchObject({ reason: 'AlreadyExists', message: 'configmaps "twice" already exists' })
  })

  test('generateName makes different names', async () => {
    const body = { metadata: { generateName: 'made-' } }
    const names = await Promise.all([create(CONFIG_MAPS, body), create(CONFIG_MAPS, body)])
    const [first, second] = names.map(answer => at(answer.body, 'metadata', 'name'))
    expect(first).toMatch(/^made-[a-z0-9]{5}$/)
    expect(second).not.toBe(first)
  })

  test('in a namespace that is not there is not found', async () => {
    const { status, body } = await create('/api/v1/namespaces/nowhere/configmaps', configMap('x'))
    expect(status).toBe(404)
    expect(body.message).toBe('namespaces "nowhere" not found')
  })

  test('a dry run answers everything and stores nothing', async () => {
    const { status, body } = await create(`${DEPLOYMENTS}?dryRun=All`, deployment('dry'))
    expect(status).toBe(201)
    expect(body).toMatchObject({ metadata: { generation: 1 }, spec: { revisionHistoryLimit: 10 } })
    expect((await get(`${DEPLOYMENTS}/dry`)).status).toBe(404)
  })

  test('everything that is wrong is told at once, in the words of the API server', async () => {
    const wrong = deployment('Wrong_Name', {
      spec: { replicas: -1, template: { metadata: { labels: { app: 'other' } }, spec: { containers: [] } } },
    })
    const { status, body } = await create(DEPLOYMENTS, wrong)
    expect(status).toBe(422)
    expect(body.reason).toBe('Invalid')
    const fields = (at(body, 'details', 'causes') as { field: string }[]).map(cause => cause.field)
    expect(fields).toEqual([
      'metadata.name',
      'spec.replicas',
      'spec.template.metadata.labels',
      'spec.template.spec.containers',
    ])
    expect(body.message).toContain('Deployment.apps "Wrong_Name" is invalid: [')
    expect(body.message).toContain('must be greater than or equal to 0')
  })
})

describe('update and patch', () => {
  test('the generation goes up with the spec and with nothing else', async () => {
    await create(DEPLOYMENTS, deployment('generations'))
    const path = `${DEPLOYMENTS}/generations`
    expect(generation((await patch(path, { metadata: { annotations: { a: 'b' } } })).body)).toBe(1)
    expect(generation((await patch(path, { spec: { minReadySeconds: 1 } })).body)).toBe(2)
    expect(generation((await patch(`${path}/status`, { status: { conditions: [] } })).body)).toBe(2)
    expect(generation((await patch(path, { metadata: { generation: 99 } })).body)).toBe(2)
  })

  test('an update that changes nothing keeps the resource version', async () => {
    await create(DEPLOYMENTS, deployment('same'))
    const before = await settled('same')
    const patched = await patch(`${DEPLOYMENTS}/same`, { spec: { replicas: 0 } }, STRATEGIC)
    const replaced = await put(`${DEPLOYMENTS}/same`, before)
    expect([version(patched.body), version(replaced.body)]).toEqual([version(before), version(before)])
  })

  test.each([
    ['a replace', (path: string, old: JsonObject) => put(path, old)],
    [
      'a patch',
      (path: string, old: JsonObject) =>
        patch(path, { metadata: { resourceVersion: version(old) }, data: { x: 'y' } }),
    ],
  ])('%s that knows an older version is a conflict', async (_sentence, write) => {
    const name = `stale-${_sentence.replace(/\W/g, '')}`
    const path = `${CONFIG_MAPS}/${name}`
    const old = (await create(CONFIG_MAPS, configMap(name))).body
    await patch(path, { data: { a: 'b' } })
    const { status, body } = await write(path, old)
    expect(status).toBe(409)
    expect(body).toMatchObject({ reason: 'Conflict', details: { name, kind: 'configmaps' } })
    expect(body.message).toContain(
      'the object has been modified; please apply your changes to the latest version',
    )
  })

  test('patches at the same time without a version all succeed', async () => {
    await create(CONFIG_MAPS, configMap('busy'))
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    const answers = await Promise.all(keys.map(key => patch(`${CONFIG_MAPS}/busy`, { data: { [key]: key } })))
    expect(answers.map(answer => answer.status)).toEqual(keys.map(() => 200))
    expect(Object.keys((await get(`${CONFIG_MAPS}/busy`)).body.data as object).sort()).toEqual(keys)
  })

  test('a JSON patch applies its operations in order, and says which one fails', async () => {
    await create(CONFIG_MAPS, configMap('json', { data: { a: '1' } }))
    const path = `${CONFIG_MAPS}/json`
    const done = await patch(
      path,
      [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/data/b', value: '2' },
      ],
      JSON_PATCH,
    )
    expect(done.body.data).toEqual({ a: '1', b: '2' })
    const failed = await patch(path, [{ op: 'test', path: '/data/a', value: '9' }], JSON_PATCH)
    expect(failed.status).toBe(422)
    expect(failed.body.message).toContain('operation 0')
  })

  test('server-side apply is refused with a sentence', async () => {
    const { status, body } = await patch(`${DEPLOYMENTS}/x`, {}, 'application/apply-patch+yaml')
    expect(status).toBe(415)
    expect(body.message).toMatch(/sandbox does not do server-side apply/)
  })

  test('the selector of a Deployment cannot change', async () => {
    await create(DEPLOYMENTS, deployment('fixed'))
    const { status, body } = await patch(`${DEPLOYMENTS}/fixed`, {
      spec: { selector: { matchLabels: { app: 'fixed', more: 'x' } } },
    })
    expect(status).toBe(422)
    expect(body.message).toContain('field is immutable')
  })
})

describe('subresources', () => {
  test('a status patch stores status and annotations, and neither labels nor spec', async () => {
    await create(DEPLOYMENTS, deployment('statuses'))
    await settled('statuses')
    const { status, body } = await patch(
      `${DEPLOYMENTS}/statuses/status`,
      {
        metadata: { annotations: { note: 'kept' }, labels: { no: 'no' } },
        spec: { minReadySeconds: 5 },
        status: { conditions: [{ type: 'Stalled', status: 'True', reason: 'R', message: 'm' }] },
      },
      STRATEGIC,
    )
    expect(status).toBe(200)
    expect(at(body, 'metadata', 'annotations', 'note')).toBe('kept')
    expect(at(body, 'metadata', 'labels')).toBeUndefined()
    expect(at(body, 'spec', 'minReadySeconds')).toBeUndefined()
    const types = (at(body, 'status', 'conditions') as { type: string }[]).map(condition => condition.type)
    expect(types.sort()).toEqual(['Available', 'Progressing', 'Stalled'])
  })

  test('an update of the object leaves its status alone', async () => {
    await create(DEPLOYMENTS, deployment('spec-only'))
    const before = await settled('spec-only')
    const { body } = await put(`${DEPLOYMENTS}/spec-only`, { ...before, status: { replicas: 99 } })
    expect(body.status).toEqual(before.status)
  })

  test('scale reads and writes the replicas', async () => {
    await create(DEPLOYMENTS, deployment('scaled'))
    const path = `${DEPLOYMENTS}/scaled/scale`
    expect((await get(path)).body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 0 },
      status: { selector: 'app=scaled' },
    })
    const patched = await patch(path, { spec: { replicas: 2 } })
    expect(patched.body).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } })
    const replaced = await put(path, {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'scaled' },
      spec: { replicas: 1 },
    })
    expect(replaced.status).toBe(200)
    expect((await get(`${DEPLOYMENTS}/scaled`)).body).toMatchObject({
      spec: { replicas: 1 },
      metadata: { generation: 3 },
    })
  })
})

test('the simulated controllers keep observedGeneration, of ReplicaSets too', async () => {
  await create(DEPLOYMENTS, deployment('observed', { spec: { replicas: 1 } }))
  await patch(`${DEPLOYMENTS}/observed`, { spec: { replicas: 2 } })
  await vi.waitFor(
    async () => {
      const sets = await get('/apis/apps/v1/namespaces/default/replicasets?labelSelector=app%3Dobserved')
      expect(sets.body.items).toMatchObject([
        { metadata: { generation: 2 }, status: { observedGeneration: 2, replicas: 2 } },
      ])
    },
    { timeout: 10_000 },
  )
})

test('a template applied while the controllers are busy is never overlooked', async () => {
  // The library's caches went back in time, and its progress check failed on dates from storage (controller-caches.ts).
  await create('/api/v1/namespaces/default/resourcequotas', {
    metadata: { name: 'none' },
    spec: { hard: { pods: '0' } },
  })
  await create(DEPLOYMENTS, deployment('overlooked', { spec: { replicas: 3 } }))
  await patch(`${DEPLOYMENTS}/overlooked`, {
    spec: { template: { spec: { containers: [{ name: 'web', image: 'web:v2' }] } } },
  })
  await vi.waitFor(
    async () => {
      const { body } = await get(`${DEPLOYMENTS}/overlooked`)
      expect(at(body, 'status', 'observedGeneration')).toBe(2)
      expect(JSON.stringify(body.status)).toContain('exceeded quota: none')
    },
    { timeout: 10_000 },
  )
  await sandbox.request('admin', 'DELETE', '/api/v1/namespaces/default/resourcequotas/none')
})
