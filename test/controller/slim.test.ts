/** What the caches keep, and that decisions are the same with it. */
import { describe, expect, test } from 'vitest'
import {
  slimCronJob,
  slimDeployment,
  slimIngress,
  slimJob,
  slimPod,
  slimReplicaSet,
  slimService,
} from '../../src/controller/slim.ts'
import { isName } from '../../src/core/kept.ts'
import type { Condition, CronJob, Deployment, Ingress, Job, Pod, Service } from '../../src/core/kubernetes.ts'
import { observe } from '../../src/core/observe.ts'
import { readTest } from '../../src/core/test-job.ts'
import { at, canary, held, pod, release, replicaSet, shop, state } from '../core/shop.ts'

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

describe('of a test is kept', () => {
  const labels = {
    'canaryhook.dev/track': 'test',
    'canaryhook.dev/of': 'x',
    'canaryhook.dev/run': 'r',
    'canaryhook.dev/step': '1',
    'canaryhook.dev/attempt': '1',
  }
  const conditions: readonly Condition[] = [
    { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' },
  ]
  const job: Job = {
    metadata: { name: 'test', namespace: 'default', uid: 'u', labels: { ...labels, team: 'web' } },
    spec: { template: { spec: { containers: [{ name: 'smoke' }] } } },
    status: { failed: 1, conditions },
  }
  const controller = { apiVersion: 'batch/v1', kind: 'Job', name: 'test', uid: 'u', controller: true }
  const madeBy = (name: string, creationTimestamp: string, status: NonNullable<Pod['status']>): Pod => ({
    metadata: { name, namespace: 'default', labels, ownerReferences: [controller], creationTimestamp },
    status: { phase: 'Failed', ...status },
  })
  const pods = [
    madeBy('a', at(-9), {
      containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 1, message: 'old' } } }],
    }),
    madeBy('b', at(-1), { reason: 'Evicted', message: 'low on memory' }),
  ]

  test('of the Job and of its pods what says whether it passed, and why not', () => {
    const seen = readTest(job, pods)
    expect(seen.why).toBe('pod b: Evicted: low on memory')
    expect(readTest(slimJob(job), pods.map(slimPod))).toEqual(seen)
    expect(JSON.stringify([slimJob(job), pods.map(slimPod)])).not.toMatch(/smoke|team|phase/)
  })

  test('of a CronJob what its Jobs are made of', () => {
    const jobTemplate = { metadata: { labels: { team: 'web' } }, spec: job.spec }
    const metadata = { name: 'smoke', namespace: 'default', uid: 'u' }
    const spec = { schedule: '@daily', suspend: true, jobTemplate }
    const heavy: CronJob = { metadata: { ...metadata, managedFields }, spec }
    expect(slimCronJob(heavy)).toEqual({ metadata, spec: { jobTemplate } })
  })
})

test('a Service is kept by whose pods it sends requests to, and on which ports', () => {
  const spec = {
    type: 'ClusterIP',
    selector: { app: 'shop' },
    ports: [{ port: 80 }],
    publishNotReadyAddresses: true,
  }
  const metadata = { name: 'shop', namespace: 'default', uid: 'u' }
  const whole = { ...spec, clusterIP: '10.0.0.1', sessionAffinity: 'None' }
  const service: Service = { metadata: { ...metadata, managedFields, annotations: ballast }, spec: whole }
  expect(slimService(service)).toEqual({ metadata, spec })
  expect(slimService({ metadata, spec: {} })).toEqual({ metadata, spec: {} })
})

test('an Ingress is kept by whose requests go where, and by its class, in the field or as an annotation', () => {
  const spec = {
    ingressClassName: 'nginx',
    defaultBackend: { service: { name: 'shop', port: { number: 80 } } },
    tls: [{ hosts: ['shop.example'], secretName: 'shop' }],
    rules: [{ host: 'shop.example' }],
  }
  const metadata = { name: 'shop', namespace: 'default', uid: 'u' }
  const annotations = { 'kubernetes.io/ingress.class': 'nginx' }
  const ingress = {
    metadata: { ...metadata, managedFields, annotations: { ...ballast, ...annotations } },
    spec,
    status: { loadBalancer: {} },
  } as Ingress
  expect(slimIngress(ingress)).toEqual({ metadata: { ...metadata, annotations }, spec })
  expect(slimIngress({ metadata, spec: {} })).toEqual({ metadata, spec: {} })
})
