import type { Cluster } from '@ngrok/webernetes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSimulatedCluster } from '../../../src/sandbox/simulation/cluster.ts'
import { createDeployment, eventually } from './simulated-objects.ts'

const shop = { namespace: 'default', name: 'shop' }
let cluster: Cluster

beforeAll(async () => {
  cluster = await createSimulatedCluster()
  await createDeployment(cluster, 'shop', 1)
  await eventually(async () => {
    const { status } = await cluster.api.appsv1.readNamespacedDeployment(shop)
    expect(status?.conditions).toContainEqual(expect.objectContaining({ reason: 'NewReplicaSetAvailable' }))
  })
})
afterAll(() => cluster.close())

test('a status that is the stored one but for undefined fields is not stored again', async () => {
  const stored = await cluster.api.appsv1.readNamespacedDeployment(shop)
  const status: object = { collisionCount: undefined, ...stored.status }
  const body = { ...stored, status }
  const answer = await cluster.api.appsv1.replaceNamespacedDeploymentStatus({ ...shop, body })
  expect(answer.metadata?.resourceVersion).toBe(stored.metadata?.resourceVersion)
})

test('a status that differs is stored', async () => {
  const stored = await cluster.api.appsv1.readNamespacedDeployment(shop)
  const body = { ...stored, status: { ...stored.status, observedGeneration: 42 } }
  const answer = await cluster.api.appsv1.replaceNamespacedDeploymentStatus({ ...shop, body })
  expect(Number(answer.metadata?.resourceVersion)).toBeGreaterThan(Number(stored.metadata?.resourceVersion))
})
