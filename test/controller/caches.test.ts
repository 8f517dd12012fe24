/** From a change somewhere to the release that it may matter to. */
import { describe, expect, test } from 'vitest'
import { canary, held, pod, replicaSet, shop, snapshot } from '../core/shop.ts'
import { holding, plan } from './beginnings.ts'
import type { Scene } from './scene.ts'

describe('what calls for a look', () => {
  test.each<readonly [string, (scene: Scene) => void, readonly string[]]>([
    [
      'the Deployment',
      scene => scene.cluster.put('deployments', held({ plan, stable: 6 })),
      ['default/shop'],
    ],
    ['its canary', scene => scene.cluster.put('deployments', canary(3, 2)), ['default/shop']],
    ['a pod of its canary', scene => scene.cluster.put('pods', pod('shop-canary-9')), ['default/shop']],
    ['its ReplicaSet', scene => scene.cluster.put('replicasets', replicaSet('v1', 8)), ['default/shop']],
    [
      'its snapshot',
      scene => scene.cluster.put('controllerrevisions', snapshot(replicaSet('v9', 1))),
      ['default/shop'],
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
