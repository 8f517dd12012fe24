import { expect, test } from 'vitest'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { removeInstall } from '../../src/uninstall/install.ts'
import { MemoryCluster } from '../controller/memory-cluster.ts'
import { shop } from '../core/shop.ts'

const INSTALL = {
  namespace: 'default',
  lease: 'canaryhook-controller',
  deployment: 'canaryhook',
  certificateSecret: 'canaryhook-certificates',
}
const named = (name: string): KubernetesObject => ({ metadata: { name, namespace: 'default' } })

function installed(): MemoryCluster {
  const cluster = new MemoryCluster()
  cluster.put('deployments', shop({ metadata: { name: 'canaryhook', annotations: {} } }))
  cluster.put('leases', named('canaryhook-controller'))
  cluster.put('secrets', named('canaryhook-certificates'))
  return cluster
}

const forASecond = () => {
  const end = Date.now() + 1000
  return () => Math.max(0, end - Date.now())
}

test('Canaryhook’s own Deployment is stopped before what its controllers made is removed', async () => {
  const cluster = installed()
  expect(await removeInstall(cluster, INSTALL, forASecond())).toEqual([])
  expect(cluster.writes).toEqual([
    'patch deployments/canaryhook/scale',
    'delete leases/canaryhook-controller',
    'delete secrets/canaryhook-certificates',
  ])
})

test('while pods of it are left, which would make it again, it stays, and a person is told what to type', async () => {
  const cluster = installed()
  cluster.put('pods', named('canaryhook-1'))
  expect(await removeInstall(cluster, INSTALL, forASecond())).toEqual([
    expect.stringMatching(
      /have not stopped yet; when they have: kubectl -n default delete lease\/canaryhook-controller secret\/canaryhook-certificates$/,
    ),
  ])
  expect(cluster.names('leases')).toEqual(['canaryhook-controller'])
})

test('what the API server refuses is told, with what to type', async () => {
  const cluster = installed()
  cluster.fail('delete leases/canaryhook-controller', 'CLUSTER_FORBIDDEN', 'you may not')
  expect(await removeInstall(cluster, INSTALL, forASecond())).toEqual([
    expect.stringMatching(/you may not; to remove it: kubectl -n default delete lease/),
  ])
})

test('nothing of it is touched where nobody says which Deployment it is', async () => {
  const cluster = installed()
  expect(await removeInstall(cluster, { ...INSTALL, deployment: undefined }, forASecond())).toEqual([])
  expect(cluster.writes).toEqual([])
})
