/** What is left of a Deployment of the same name that was deleted: by the garbage collector's delay, or on purpose. */
import { expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { canary, owner, shop, snapshot } from '../core/shop.ts'
import { asked, snapshotName, v1 } from './beginnings.ts'
import { Scene } from './scene.ts'

const CANARY = { namespace: 'default', name: 'shop-canary' }

function ofFormer<T extends KubernetesObject>(object: T): T {
  const ownerReferences = [{ ...owner('Deployment', 'shop'), uid: 'former-uid' }]
  return { ...object, metadata: { ...object.metadata, uid: 'left-uid', ownerReferences } }
}

function ofNobody<T extends KubernetesObject>(object: T): T {
  const { ownerReferences: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

test('a canary that the garbage collector has not come to yet is waited for, and is nobody’s', async () => {
  const scene = asked()
  const left = ofFormer(canary(3))
  scene.cluster.put('deployments', left)
  await scene.look()
  await scene.look()
  expect(scene.state?.phase).toBe('Progressing')
  expect(scene.cluster.get('deployments', 'shop-canary')?.metadata.uid).toBe('left-uid')

  await scene.cluster.remove(deployments, CANARY)
  await scene.look()
  expect(scene.state?.phase).toBe('Progressing')
  expect(scene.cluster.get('deployments', 'shop-canary')?.metadata.ownerReferences).toEqual([
    owner('Deployment', 'shop'),
  ])
})

test('a canary and a snapshot whose owner was deleted without them are taken away by the app made again', async () => {
  const scene = new Scene({
    deployments: [shop(), ofNobody(canary(3))],
    replicaSets: [v1],
    snapshots: [ofNobody(snapshot(v1))],
  })
  expect((await scene.look()).writes).toEqual([
    'delete deployments/shop-canary',
    `delete controllerrevisions/${snapshotName}`,
  ])
  expect((await scene.look()).writes).toEqual([])
})
