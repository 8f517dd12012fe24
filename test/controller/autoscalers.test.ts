/** Which autoscaler scales which Deployment, and when that calls for a look. */
import { pino } from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { horizontalPodAutoscalers } from '../../src/cluster/resources.ts'
import { startCaches } from '../../src/controller/caches.ts'
import type { HorizontalPodAutoscaler } from '../../src/core/kubernetes.ts'
import { answer, failure, startFakeApiServer, watchWith } from '../cluster/fake-api-server.ts'
import { owner } from '../core/shop.ts'
import { holding } from './beginnings.ts'
import type { Scene } from './scene.ts'

type Target = HorizontalPodAutoscaler['spec']['scaleTargetRef']

/** As the API server sends it. */
function autoscaler(target: Partial<Target> = {}, namespace = 'default', currentReplicas = 10) {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: 'web',
      namespace,
      uid: 'web-uid',
      labels: { app: 'shop' },
      annotations: { note: 'x' },
      managedFields: [{}],
      ownerReferences: [owner('ScaledObject', 'queue')],
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop', ...target },
      maxReplicas: 20,
      metrics: [{ type: 'Resource' }],
    },
    status: { currentReplicas },
  }
}

const put = (scene: Scene, object: ReturnType<typeof autoscaler>) =>
  scene.cluster.put('horizontalpodautoscalers', object)
const seen = (scene: Scene) => scene.caches.gather({ namespace: 'default', name: 'shop' })?.autoscalers
const withoutApiVersion = { apiVersion: undefined } as unknown as Partial<Target>

describe('an autoscaler scales the Deployment', () => {
  test.each<readonly [string, Partial<Target>, string, number]>([
    ['that its target names', {}, 'default', 1],
    ['whatever version it names', { apiVersion: 'apps/v1beta2' }, 'default', 1],
    ['but not its canary', { name: 'shop-canary' }, 'default', 0],
    ['but no other', { name: 'cart' }, 'default', 0],
    ['but none of its name in another namespace', {}, 'other', 0],
    ['but not another kind of its name', { kind: 'StatefulSet' }, 'default', 0],
    ['but not a Deployment of another group', { apiVersion: 'example.com/v1' }, 'default', 0],
    ['but nothing where it names no group: it finds nothing', withoutApiVersion, 'default', 0],
  ])('%s', (_sentence, target, namespace, count) => {
    const scene = holding()
    scene.called.length = 0
    put(scene, autoscaler(target, namespace))
    expect(seen(scene)).toHaveLength(count)
    expect(scene.called).toEqual(count === 0 ? [] : ['default/shop'])
  })
})

describe('what calls for a look', () => {
  test.each<readonly [string, (scene: Scene) => unknown, readonly string[]]>([
    ['not its status, which changes all the time', scene => put(scene, autoscaler({}, 'default', 11)), []],
    ['that it scales another one now', scene => put(scene, autoscaler({ name: 'cart' })), ['default/shop']],
    [
      'that it scales another kind now',
      scene => put(scene, autoscaler({ kind: 'StatefulSet' })),
      ['default/shop'],
    ],
    [
      'that it is gone',
      scene => scene.cluster.remove(horizontalPodAutoscalers, { namespace: 'default', name: 'web' }),
      ['default/shop'],
    ],
  ])('%s', async (_sentence, change, keys) => {
    const scene = holding()
    put(scene, autoscaler())
    scene.called.length = 0
    await change(scene)
    expect(scene.called).toEqual(keys)
    expect(seen(scene)).toHaveLength(keys.length === 0 ? 1 : 0)
  })
})

test('what is kept of it is whose it is and what it scales', () => {
  const scene = holding()
  put(scene, autoscaler())
  expect(seen(scene)).toEqual([
    {
      metadata: {
        name: 'web',
        namespace: 'default',
        uid: 'web-uid',
        resourceVersion: expect.any(String),
        ownerReferences: [owner('ScaledObject', 'queue')],
      },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' } },
    },
  ])
})

test('the release goes over to surge mode: stable gets its full size, then its size is left alone', async () => {
  const scene = holding()
  put(scene, autoscaler())
  await scene.look()
  expect(scene.shop?.spec).toMatchObject({ replicas: 10, paused: true })
  scene.settle()
  await scene.look()
  expect(scene.state).toMatchObject({ surge: 'ScaledObject queue scales it', applied: { paused: true } })
  expect(scene.state).not.toHaveProperty('stable')
  expect(scene.cluster.events).toContain('Surge')
  expect(scene.conditions).toContain(
    'Reconciling: step 1 of 2: canary 30% for 5m; surge mode: ScaledObject queue scales it',
  )
})

test('without the right to watch them the controller is not ready, and its log says which right is missing', async () => {
  const server = await startFakeApiServer()
  onTestFinished(() => server.stop())
  const forbidden =
    'horizontalpodautoscalers.autoscaling is forbidden: User "canaryhook" cannot list resource "horizontalpodautoscalers" in API group "autoscaling" at the cluster scope'
  server.handle = ({ path, query }, response) => {
    if (path.endsWith('/horizontalpodautoscalers')) failure(response, 403, 'Forbidden', forbidden)
    else if (query.get('watch') === 'true') watchWith(response)
    else answer(response, 200, { metadata: { resourceVersion: '1' }, items: [] })
  }
  const lines: string[] = []
  const cluster = await server.connect({ log: pino({ level: 'warn' }, { write: line => lines.push(line) }) })
  const caches = startCaches(cluster, () => {})
  await caches.deployments.synced
  const said = () => lines.map(line => (JSON.parse(line) as { err?: { message?: string } }).err?.message)
  await vi.waitFor(() => expect(said()).toContainEqual(expect.stringContaining(forbidden)))
  expect(caches.isSynced()).toBe(false)
  caches.stop()
})
