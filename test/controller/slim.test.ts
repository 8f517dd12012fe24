/** What the caches keep, and that decisions are the same with it. */
import { describe, expect, test } from 'vitest'
import { slimDeployment, slimPod, slimReplicaSet } from '../../src/controller/slim.ts'
import { isName } from '../../src/core/kept.ts'
import type { Condition, Deployment } from '../../src/core/kubernetes.ts'
import { observe } from '../../src/core/observe.ts'
import { canary, held, pod, release, replicaSet, shop, state } from '../core/shop.ts'

const ballast = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', 'example.com/note': 'x' }
const managedFields = [{ manager: 'kubectl', operation: 'Update', fieldsV1: {} }]

function heavy(deployment: Deployment): Deployment {
  const annotations = { ...deployment.metadata.annotations, ...ballast }
  return { ...deployment, metadata: { ...deployment.metadata, managedFields, annotations } }
}

describe('a Deployment', () => {
  test.each<readonly [string, Deployment]>([
    ['while its release runs', held()],
    ['while it is held', held({ phase: 'Failed', reason: 'Aborted' })],
    ['while its state cannot be read', shop({ state: '{"version":99}' })],
  ])('is kept whole %s, but for its ballast', (_sentence, deployment) => {
    const slim = slimDeployment(heavy(deployment))
    expect(slim.spec).toEqual(deployment.spec)
    expect(slim.metadata).not.toHaveProperty('managedFields')
    expect(slim.metadata.annotations).toEqual({ ...deployment.metadata.annotations, 'example.com/note': 'x' })
  })

  test.each<readonly [string, Deployment]>([
    ['that never had a release', shop()],
    ['whose release succeeded', shop({ state: state({ phase: 'Succeeded' }) })],
    ['that is a canary', canary(3, 2)],
  ])('%s is kept without its template, and seen as the same', (_sentence, deployment) => {
    const slim = slimDeployment(heavy(deployment))
    expect(isName(slim.spec.template)).toBe(true)
    expect(slim.spec).not.toHaveProperty('selector')
    expect(slim.metadata.annotations ?? {}).not.toHaveProperty(['example.com/note'])
    const look = (one: typeof slim) =>
      observe({ deployment: one, canary: undefined, replicaSets: [], snapshots: [], pods: [] })
    expect(look(slim)).toEqual(look(deployment))
  })

  test('that is a canary is still known as ours', () => {
    const gathered = { deployment: held(), replicaSets: [], snapshots: [], pods: [] }
    const seen = observe({ ...gathered, canary: slimDeployment(canary(3, 2)) })
    expect(seen.canary).toEqual(observe({ ...gathered, canary: canary(3, 2) }).canary)
  })

  test('keeps the conditions that say something', () => {
    const condition = (type: string, status: Condition['status']): Condition => ({ type, status })
    const conditions = [
      condition('Progressing', 'True'),
      condition('Available', 'True'),
      condition('Stalled', 'True'),
      condition('ReplicaFailure', 'True'),
      condition('Available', 'False'),
    ]
    const slim = slimDeployment(shop({ status: { replicas: 3, conditions } }))
    expect(slim.status).toEqual({ replicas: 3, conditions: conditions.slice(2) })
  })

  test('is not changed by being slimmed again', () => {
    const once = slimDeployment(heavy(shop()))
    expect(slimDeployment(once)).toEqual(once)
  })
})

describe('a ReplicaSet', () => {
  const noPods = { ...replicaSet('v0', 0), status: { replicas: 0, observedGeneration: 3 } }
  test.each([
    ['that shall have pods', replicaSet('v1', 3, 0)],
    ['that still has pods', { ...replicaSet('v1', 0), status: { replicas: 2 } }],
  ])('%s is kept whole', (_sentence, set) => {
    expect(slimReplicaSet(set)).toEqual(set)
  })

  test('without pods is kept by name, owner, hash and counts, and seen as the same', () => {
    const slim = slimReplicaSet(noPods)
    expect(slim.spec).toEqual({ replicas: 0, template: { hash: release('v0') } })
    expect(slim.metadata.labels).toBeUndefined()
    const look = (set: typeof slim) =>
      observe({ deployment: held(), canary: undefined, replicaSets: [set], snapshots: [], pods: [] }).sets
    expect(look(slim)).toEqual(look(noPods))
    expect(look(slim)).toHaveLength(1)
  })

  test('is not changed by being slimmed again', () => {
    const once = slimReplicaSet(noPods)
    expect(slimReplicaSet(once)).toEqual(once)
  })
})

test('a pod is kept by whose it is and how it fares', () => {
  const status = { conditions: [], containerStatuses: [{ name: 'shop', restartCount: 1 }] }
  const { metadata } = pod('a')
  const slim = slimPod({ ...pod('a', { ...status, phase: 'Running' }), spec: { nodeName: 'n1' } })
  const labels = Object.entries(metadata.labels ?? {}).filter(([key]) => key.startsWith('canaryhook.dev/'))
  expect(slim).toEqual({ metadata: { ...metadata, labels: Object.fromEntries(labels) }, status })
})
