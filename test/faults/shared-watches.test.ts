import { expect, test } from 'vitest'
import type { Cluster } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import { MemoryCluster } from '../controller/memory-cluster.ts'
import { shop } from '../core/shop.ts'
import { sharedWatches } from './shared-watches.ts'

/** Counts the watches that are really made. */
function counted(memory: MemoryCluster): { cluster: Cluster; count: () => number } {
  let count = 0
  const watch: Cluster['watch'] = (resource, options, onChange) => {
    count += 1
    return memory.watch(resource, options, onChange)
  }
  return { cluster: { ...memory, watch } as unknown as Cluster, count: () => count }
}

const inNamespace = (namespace: string, replicas = 1) =>
  shop({ metadata: { namespace, name: `shop-${namespace}`, uid: namespace }, spec: { replicas } })

test('many watchers share one watch, and each sees its own namespace', async () => {
  const memory = new MemoryCluster()
  memory.put('deployments', inNamespace('a'))
  const { cluster, count } = counted(memory)
  const shared = sharedWatches(cluster)
  const seen: string[] = []
  const watches = ['a', 'b', 'c'].map(namespace =>
    shared.watch(deployments, { namespace }, ({ type, object }) =>
      seen.push(`${namespace} ${type} ${object.spec.replicas}`),
    ),
  )
  await Promise.all(watches.map(({ synced }) => synced))
  memory.put('deployments', inNamespace('b', 2))
  memory.put('deployments', inNamespace('a', 3))
  expect(seen).toEqual(['a set 1', 'b set 2', 'a set 3'])
  expect(watches.map(watch => watch.list().length)).toEqual([1, 1, 0])
  expect(count()).toBe(1)
})

test('what is there already is seen, whichever of it changed last', async () => {
  const memory = new MemoryCluster()
  memory.put('deployments', inNamespace('a'))
  memory.put('deployments', inNamespace('b'))
  memory.put('deployments', inNamespace('a', 2))
  const shared = sharedWatches(counted(memory).cluster)
  const seen: string[] = []
  const watch = shared.watch(deployments, {}, ({ type, object }) =>
    seen.push(`${object.metadata.namespace} ${type} ${object.spec.replicas}`),
  )
  await watch.synced
  expect(seen).toEqual(['a set 2', 'b set 1'])
})

test('one that stopped hears nothing more', async () => {
  const memory = new MemoryCluster()
  const shared = sharedWatches(counted(memory).cluster)
  const seen: string[] = []
  const watch = shared.watch(deployments, { namespace: 'a' }, ({ type }) => seen.push(type))
  await watch.synced
  watch.stop()
  memory.put('deployments', inNamespace('a'))
  expect(seen).toEqual([])
})
