/** From a change somewhere to the release that it may matter to. */
import { describe, expect, test } from 'vitest'
import { services } from '../../src/cluster/resources.ts'
import { makeCanaryService } from '../../src/core/canary-service.ts'
import type { CronJob, Ingress, Job, KubernetesObject, Pod, Service } from '../../src/core/kubernetes.ts'
import { nameHash } from '../../src/core/names.ts'
import { makeTestJob } from '../../src/core/test-job.ts'
import {
  baseline,
  baselinePod,
  baselineSet,
  canary,
  held,
  pod,
  replicaSet,
  shop,
  snapshot,
} from '../core/shop.ts'
import { holding, plan } from './beginnings.ts'
import { Scene } from './scene.ts'

const service = (name: string, namespace = 'default'): Service => ({
  metadata: { name, namespace, uid: `${namespace}-${name}-uid` },
  spec: { selector: { app: 'shop' }, ports: [{ port: 80 }] },
})
const canaryService = makeCanaryService(held(), [service('shop')]) ?? service('none')
const ingress = (name: string, namespace = 'default', of?: string): Ingress => ({
  metadata: {
    name,
    namespace,
    ...(of && { labels: { 'canaryhook.dev/track': 'canary', 'canaryhook.dev/of': nameHash(of) } }),
  },
  spec: { ingressClassName: 'nginx', rules: [] },
})
const jobTemplate = { spec: { template: { spec: { containers: [{ name: 'smoke' }] } } } }
const cronJob = (): CronJob => ({ metadata: { name: 'smoke', namespace: 'default' }, spec: { jobTemplate } })

function testJob(fields: Partial<Job['metadata']> = {}): Job {
  const environment = { canaryUrl: undefined, stableUrl: undefined, release: 'x', step: 1, weight: 0 }
  const made = makeTestJob(held(), jobTemplate, { run: 'run', step: 0, attempt: 1 }, environment, 60)
  return { ...made, metadata: { ...made.metadata, uid: `${made.metadata.name}-uid`, ...fields } }
}

function testPod(): Pod {
  const { metadata, spec } = testJob()
  const controller = { apiVersion: 'batch/v1', kind: 'Job', name: metadata.name, controller: true }
  const labels = spec.template.metadata?.labels ?? {}
  const ownerReferences = [{ ...controller, uid: `${metadata.name}-uid` }]
  return { metadata: { name: 'shop-test-x', namespace: 'default', uid: 'x-uid', labels, ownerReferences } }
}

function ownedBy(owner: KubernetesObject, object: KubernetesObject): KubernetesObject {
  const { name, uid = '' } = owner.metadata
  const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }
  return { ...object, metadata: { ...object.metadata, ownerReferences: [reference] } }
}

describe('what calls for a look', () => {
  test.each<readonly [string, (scene: Scene) => void, readonly string[]]>([
    [
      'the Deployment',
      scene => scene.cluster.put('deployments', held({ plan, stable: 6 })),
      ['default/shop'],
    ],
    ['its canary', scene => scene.cluster.put('deployments', canary(3, 2)), ['default/shop']],
    ['its baseline', scene => scene.cluster.put('deployments', baseline(3, 2)), ['default/shop']],
    ['a pod of its baseline', scene => scene.cluster.put('pods', baselinePod('b')), ['default/shop']],
    [
      'the ReplicaSet of its baseline',
      scene => scene.cluster.put('replicasets', baselineSet(2)),
      ['default/shop'],
    ],
    ['a pod of its canary', scene => scene.cluster.put('pods', pod('shop-canary-9')), ['default/shop']],
    ['its ReplicaSet', scene => scene.cluster.put('replicasets', replicaSet('v1', 8)), ['default/shop']],
    [
      'its snapshot',
      scene => scene.cluster.put('controllerrevisions', snapshot(replicaSet('v9', 1))),
      ['default/shop'],
    ],
    ['a test of it', scene => scene.cluster.put('jobs', testJob()), ['default/shop']],
    ['a pod of its test', scene => scene.cluster.put('pods', testPod()), ['default/shop']],
    ['the Service of its canary', scene => scene.cluster.put('services', canaryService), ['default/shop']],
    ['a Service of its namespace', scene => scene.cluster.put('services', service('shop')), ['default/shop']],
    [
      'an Ingress of its namespace',
      scene => scene.cluster.put('ingresses', ingress('web')),
      ['default/shop'],
    ],
    ['an Ingress of another namespace', scene => scene.cluster.put('ingresses', ingress('web', 'other')), []],
    [
      'an Ingress that got its address',
      scene => {
        scene.cluster.put('ingresses', ingress('web'))
        scene.called.length = 0
        scene.cluster.put('ingresses', { ...ingress('web'), status: { loadBalancer: {} } } as Ingress)
      },
      [],
    ],
    ['a CronJob of its namespace', scene => scene.cluster.put('cronjobs', cronJob()), ['default/shop']],
    ['a Service of another namespace', scene => scene.cluster.put('services', service('shop', 'other')), []],
    [
      'a Service that says nothing new',
      scene => {
        scene.cluster.put('services', service('shop'))
        scene.called.length = 0
        const { metadata, spec } = service('shop')
        scene.cluster.put('services', { metadata: { ...metadata, annotations: { a: 'b' } }, spec })
      },
      [],
    ],
    [
      'a CronJob that started a Job',
      scene => {
        scene.cluster.put('cronjobs', cronJob())
        scene.called.length = 0
        const lastScheduleTime = '2026-03-01T12:00:00Z'
        scene.cluster.put('cronjobs', { ...cronJob(), status: { lastScheduleTime } } as CronJob)
      },
      [],
    ],
    [
      'another Deployment that has not opted in',
      scene => scene.cluster.put('deployments', shop({ metadata: { name: 'cart', annotations: {} } })),
      [],
    ],
    [
      'a ReplicaSet of another Deployment',
      scene => {
        const { metadata, ...rest } = replicaSet('v7', 1)
        const ownerReferences = [
          { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'cart', controller: true },
        ]
        scene.cluster.put('replicasets', { ...rest, metadata: { ...metadata, ownerReferences } })
      },
      [],
    ],
  ])('%s', (_sentence, change, keys) => {
    const scene = holding()
    scene.called.length = 0
    change(scene)
    expect([...new Set(scene.called)]).toEqual(keys)
  })
})

describe('a Deployment at rest that is listed', () => {
  const atRest = shop({ metadata: { uid: 'shop-uid-1' } })
  const listed = (plural?: string, object?: KubernetesObject): readonly string[] => {
    const scene = new Scene({ deployments: [] })
    if (plural && object) scene.cluster.put(plural, object)
    scene.called.length = 0
    scene.cluster.put('deployments', atRest)
    return scene.called
  }

  test('calls for no look', () => {
    expect(listed()).toEqual([])
  })

  test.each<readonly [string, string, KubernetesObject]>([
    ['its canary', 'deployments', canary(3, 2)],
    ['its baseline', 'deployments', baseline(3, 2)],
    ['the Service that leads to its canary', 'services', canaryService],
    ['a preview of it', 'ingresses', ingress('shop-canary', 'default', 'shop')],
    ['a snapshot that it owns', 'controllerrevisions', ownedBy(atRest, snapshot(replicaSet('v1', 8)))],
    ['a test of it', 'jobs', ownedBy(atRest, testJob())],
  ])('calls for one when %s is left', (_sentence, plural, object) => {
    expect(listed(plural, object)).toEqual(['default/shop'])
  })
})

test('a Deployment without any annotation of ours is forgotten, and nothing calls for it any more', () => {
  const scene = holding()
  scene.cluster.put('deployments', shop({ metadata: { annotations: {} } }))
  scene.called.length = 0
  scene.cluster.put('replicasets', replicaSet('v1', 8))
  scene.cluster.put('pods', pod('shop-canary-9'))
  expect(scene.called).toEqual([])
  expect(scene.caches.count()).toBe(0)
  expect(scene.caches.unsettled()).toEqual([])
  expect(scene.caches.gather({ namespace: 'default', name: 'shop' })).toBeUndefined()
})

test('the gates of a release are gathered: its tests and their pods, and what its namespace has', () => {
  const scene = holding()
  const stranger = testJob({ name: 'stranger', uid: 'stranger', ownerReferences: [] })
  for (const job of [testJob(), stranger]) scene.cluster.put('jobs', job)
  for (const one of [service('shop'), service('all'), service('far', 'other')])
    scene.cluster.put('services', one)
  for (const one of [ingress('web'), ingress('far', 'other')]) scene.cluster.put('ingresses', one)
  scene.cluster.put('cronjobs', cronJob())
  scene.cluster.put('pods', testPod())
  const gathered = scene.caches.gather({ namespace: 'default', name: 'shop' })
  expect(gathered?.tests?.map(({ metadata }) => metadata.name)).toEqual(['shop-test-run-0-1'])
  expect(gathered?.testPods?.map(({ metadata }) => metadata.name)).toEqual(['shop-test-x'])
  expect(gathered?.pods).toHaveLength(3)
  expect(
    gathered?.services
      ?.all()
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(['all', 'shop'])
  expect(gathered?.ingresses?.all()).toMatchObject([{ metadata: { name: 'web' }, spec: ingress('web').spec }])
  expect(gathered?.cronJob?.('smoke')?.spec.jobTemplate).toEqual(jobTemplate)
  expect(gathered?.cronJob?.('other')).toBeUndefined()
})

test('a Service that was deleted is gathered no more, and its release looks', async () => {
  const scene = holding()
  for (const one of [canaryService, service('shop')]) scene.cluster.put('services', one)
  scene.called.length = 0
  const ref = { namespace: 'default', name: 'shop-canary' }
  await scene.cluster.remove(services, ref)
  expect(scene.called).toContain('default/shop')
  const gathered = scene.caches.gather({ namespace: 'default', name: 'shop' })
  expect(gathered?.services?.all().map(({ metadata }) => metadata.name)).toEqual(['shop'])
})

test.each<readonly [string, (scene: Scene) => void]>([
  ['a test', scene => scene.cluster.put('jobs', testJob())],
  [
    'the Ingress of a canary',
    scene => scene.cluster.put('ingresses', ingress('shop-canary', 'default', 'shop')),
  ],
  ['the Service of a canary', scene => scene.cluster.put('services', canaryService)],
])('%s that was left by a release is work to do', (_sentence, leave) => {
  const scene = new Scene({ deployments: [shop()] })
  expect(scene.caches.unsettled()).toEqual([])
  leave(scene)
  expect(scene.caches.unsettled()).toEqual(['default/shop'])
})

test('a baseline is gathered with its pods and their ReplicaSet, and is no release of its own', () => {
  const scene = holding()
  scene.cluster.put('deployments', baseline(1))
  scene.cluster.put('replicasets', baselineSet(1))
  scene.cluster.put('pods', baselinePod('shop-baseline-1'))
  const gathered = scene.caches.gather({ namespace: 'default', name: 'shop' })
  expect(gathered?.baseline?.metadata.name).toBe('shop-baseline')
  expect(gathered?.replicaSets.map(({ metadata }) => metadata.name)).toContain('shop-baseline-v1')
  expect(gathered?.pods).toHaveLength(4)
  expect(scene.caches.count()).toBe(1)
  expect(scene.caches.gather({ namespace: 'default', name: 'shop-baseline' })).toBeUndefined()
})

test('the canary is no release of its own', () => {
  const scene = holding()
  expect(scene.caches.count()).toBe(1)
  expect(scene.caches.unsettled()).toEqual(['default/shop'])
  expect(scene.caches.gather({ namespace: 'default', name: 'shop-canary' })).toBeUndefined()
})

test('what is gathered is about this Deployment, and without what nobody reads', () => {
  const scene = holding()
  const ballast = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' }
  scene.cluster.put('deployments', held({}, { annotations: ballast, metadata: { managedFields: [{}] } }))
  scene.cluster.put('replicasets', { ...replicaSet('v7', 1), metadata: { name: 'cart-v7', uid: 'x' } })
  const gathered = scene.caches.gather({ namespace: 'default', name: 'shop' })
  expect(gathered?.replicaSets.map(({ metadata }) => metadata.name).sort()).toEqual([
    'shop-canary-v2',
    'shop-v1',
  ])
  expect(gathered?.pods).toHaveLength(3)
  expect(gathered?.snapshots).toHaveLength(1)
  expect(gathered?.deployment.metadata).not.toHaveProperty('managedFields')
  expect(JSON.stringify(gathered?.deployment)).not.toContain('last-applied-configuration')
})
