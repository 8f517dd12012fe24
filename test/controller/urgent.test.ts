import { expect, test } from 'vitest'
import type { CallOptions, Cluster } from '../../src/cluster/port.ts'
import { controllerRevisions } from '../../src/cluster/resources.ts'
import { urgent } from '../../src/controller/urgent.ts'
import { snapshot } from '../core/shop.ts'
import { MemoryCluster } from './memory-cluster.ts'

test('each write is marked as urgent and keeps what it had', async () => {
  const marked: (CallOptions | undefined)[] = []
  const memory = new MemoryCluster()
  const cluster: Cluster = {
    watch: (resource, options, onChange) => memory.watch(resource, options, onChange),
    read: async () => undefined,
    create: async (_resource, _namespace, object, options) => {
      marked.push(options)
      return object
    },
    patch: (_resource, _ref, _patch, _subresource, options) => {
      marked.push(options)
      return Promise.reject(new Error('not asked'))
    },
    remove: async (_resource, _ref, _preconditions, options) => {
      marked.push(options)
    },
    close: async () => {},
  }
  const ref = { namespace: 'default', name: 'shop' }
  await urgent(cluster).create(controllerRevisions, 'default', snapshot(), { direct: true })
  await urgent(cluster)
    .patch(controllerRevisions, ref, { type: 'merge', body: {} })
    .catch(() => {})
  await urgent(cluster).remove(controllerRevisions, ref)
  expect(marked).toEqual([{ direct: true, urgent: true }, { urgent: true }, { urgent: true }])
})
