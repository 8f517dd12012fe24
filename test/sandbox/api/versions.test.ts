import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { at, type JsonObject } from '../../../src/sandbox/api/json.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'
import { MERGE } from './manifests.ts'
import { Watching } from './watching.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())

const AUTOSCALERS = (version: string) =>
  `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' }
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})
const queue = {
  type: 'External',
  external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '5' } },
}

async function create(version: string, name: string, spec: JsonObject): Promise<JsonObject> {
  const body = {
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: { scaleTargetRef, maxReplicas: 5, ...spec },
  }
  const { status, body: created } = await sandbox.request('admin', 'POST', AUTOSCALERS(version), { body })
  expect({ status, apiVersion: created.apiVersion }).toEqual({
    status: 201,
    apiVersion: `autoscaling/${version}`,
  })
  return created
}

async function read(version: string, name: string): Promise<JsonObject> {
  return (await sandbox.request('admin', 'GET', `${AUTOSCALERS(version)}/${name}`)).body
}

describe('an autoscaler', () => {
  test('made as v1 is the same object as v2, with the default of its metric', async () => {
    await create('v1', 'plain', {})
    expect(await read('v2', 'plain')).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, metrics: [cpu(80)] },
    })
    expect(await read('v1', 'plain')).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 80 },
    })
  })

  test('made as v2 has no metrics as v1 but that of the CPU', async () => {
    await create('v2', 'both', { metrics: [queue, cpu(60)] })
    const { spec } = await read('v1', 'both')
    expect(spec).toEqual({
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 5,
      targetCPUUtilizationPercentage: 60,
    })
  })

  test('keeps what v1 has no field for when it is changed as v1', async () => {
    const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } }
    await create('v2', 'kept', { metrics: [queue, cpu(60)], behavior })
    const path = `${AUTOSCALERS('v1')}/kept`
    const body = { spec: { targetCPUUtilizationPercentage: 70, maxReplicas: 9 } }
    const { body: patched } = await sandbox.request('admin', 'PATCH', path, { body, contentType: MERGE })
    expect(patched).toMatchObject({ apiVersion: 'autoscaling/v1', spec: body.spec })
    expect(at(await read('v2', 'kept'), 'spec')).toEqual({
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 9,
      metrics: [cpu(70), queue],
      behavior,
    })
  })

  test('is listed and watched in the version that is asked for', async () => {
    const watching = new Watching(sandbox, `${AUTOSCALERS('v1')}?watch=true`)
    await create('v2', 'seen', {})
    await watching.event(({ object }) => object.metadata?.name === 'seen')
    watching.stop()
    expect(watching.events.map(({ object }) => at(object, 'apiVersion'))).not.toContain('autoscaling/v2')
    const list = (await sandbox.request('admin', 'GET', AUTOSCALERS('v1'))).body
    expect(list).toMatchObject({ kind: 'HorizontalPodAutoscalerList', apiVersion: 'autoscaling/v1' })
    expect(new Set((list.items as JsonObject[]).map(({ apiVersion }) => apiVersion))).toEqual(
      new Set(['autoscaling/v1']),
    )
  })

  test('of one version is refused at the path of the other', async () => {
    const body = {
      apiVersion: 'autoscaling/v2',
      metadata: { name: 'wrong' },
      spec: { scaleTargetRef, maxReplicas: 5 },
    }
    expect((await sandbox.request('admin', 'POST', AUTOSCALERS('v1'), { body })).status).toBe(400)
    expect((await read('v2', 'wrong')).code).toBe(404)
  })

  test('is one object: deleted as v1 it is gone as v2', async () => {
    await create('v2', 'gone', {})
    await sandbox.request('admin', 'DELETE', `${AUTOSCALERS('v1')}/gone`)
    expect((await read('v2', 'gone')).code).toBe(404)
  })
})
