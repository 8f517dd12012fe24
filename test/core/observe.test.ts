/** From objects to what decisions see. */
import { describe, expect, test } from 'vitest'
import { OURS } from '../../src/core/conditions.ts'
import type { Condition, Deployment, OwnerReference } from '../../src/core/kubernetes.ts'
import { acceptedSet, type Gathered, type Observation, observe } from '../../src/core/observe.ts'
import {
  baseline,
  baselinePod,
  baselineSet,
  canary,
  canarySet,
  held,
  owner,
  pod,
  release,
  replicaSet,
  shop,
  snapshot,
} from './shop.ts'

const v1 = replicaSet('v1', 10)
const look = (fields: Partial<Gathered> = {}): Observation =>
  observe({ deployment: held(), canary: undefined, replicaSets: [v1], snapshots: [], pods: [], ...fields })
const ownedBy = <T extends { metadata: object }>(object: T, uid: string, name = 'other'): T => ({
  ...object,
  metadata: { ...object.metadata, ownerReferences: [{ ...owner('Deployment', name), uid }] },
})
const withStatus = (deployment: Deployment, status: NonNullable<Deployment['status']>) => ({
  ...deployment,
  status,
})

test('what the Deployment says of itself', () => {
  expect(look()).toMatchObject({
    namespace: 'default',
    name: 'shop',
    paused: true,
    replicas: 10,
    template: release('v2'),
    canary: undefined,
    stranger: undefined,
    snapshot: undefined,
  })
  const { replicas: _, ...spec } = shop().spec
  expect(look({ deployment: { ...shop(), spec } })).toMatchObject({ paused: false, replicas: 1 })
})

describe('ReplicaSets', () => {
  test('are those that the Deployment controls, by uid: names prove nothing', () => {
    const namesake = ownedBy(replicaSet('v0', 3), 'former-uid', 'shop')
    const { ownerReferences: _, ...orphaned } = replicaSet('v9', 3).metadata
    const orphan = { ...replicaSet('v9', 3), metadata: orphaned }
    const { sets } = look({ replicaSets: [v1, namesake, orphan, canarySet(1)] })
    expect(sets.map(set => set.name)).toEqual(['shop-v1'])
  })

  test('count by what is wanted, what exists and what is available', () => {
    const shrinking = { ...replicaSet('v1', 7, 6), status: { replicas: 10, availableReplicas: 6 } }
    expect(look({ replicaSets: [shrinking] }).sets).toMatchObject([
      { desired: 7, existing: 10, available: 6, hash: release('v1') },
    ])
    const told = { ...replicaSet('v1', 0), status: { replicas: 2, availableReplicas: 2 } }
    expect(look({ replicaSets: [told] }).sets).toMatchObject([{ desired: 0, existing: 2, available: 0 }])
    const { status: _, ...fresh } = replicaSet('v1', 3)
    expect(look({ replicaSets: [fresh] }).sets).toMatchObject([{ desired: 3, existing: 3, available: 0 }])
  })
})

test('why stable’s pods cannot be made, its ReplicaSets tell while it is paused, and the Deployment else', () => {
  const says = (message: string): Condition => ({ type: 'ReplicaFailure', status: 'True', message })
  const short = { ...v1, status: { replicas: 8, conditions: [says('no room for v1')] } }
  const told = { conditions: [says('from before the pause')] }
  expect(look({ deployment: withStatus(held(), told), replicaSets: [short] }).stableFailure).toBe(
    'no room for v1',
  )
  expect(look({ deployment: withStatus(held(), told) }).stableFailure).toBeUndefined()
  const gone = { ...short, spec: { ...short.spec, replicas: 0 } }
  expect(look({ replicaSets: [gone] }).stableFailure).toBeUndefined()
  const running = withStatus(shop(), told)
  expect(look({ deployment: running, replicaSets: [short] }).stableFailure).toBe('from before the pause')
})

describe('whatever has the baseline’s name', () => {
  test('is the baseline when it is ours: how many pods there are, and of which version', () => {
    expect(look({ baseline: baseline(2, 1) })).toMatchObject({
      baseline: { desired: 2, available: 1, release: release('v1'), isolated: false, orphan: false },
      baselineStranger: undefined,
    })
    const { ownerReferences: _, ...metadata } = baseline(2).metadata
    expect(look({ baseline: { ...baseline(2), metadata } }).baseline).toMatchObject({ orphan: true })
    const growing = { ...baseline(3), metadata: { ...baseline(3).metadata, generation: 2 } }
    expect(look({ baseline: growing }).baseline).toMatchObject({ unsettled: true })
  })

  test.each<readonly [string, Partial<Gathered>, string]>([
    ['an app', { baseline: shop({ metadata: { name: 'shop-baseline' } }) }, 'it was not made by Canaryhook'],
    [
      'somebody’s',
      { baseline: ownedBy(shop({ metadata: { name: 'shop-baseline' } }), 'x-uid') },
      'it belongs to Deployment other',
    ],
    ['not in sight, but in the way', { baselineNameTaken: true }, 'it was not made by Canaryhook'],
  ])('is a stranger when it is %s', (_sentence, fields, why) => {
    expect(look(fields)).toMatchObject({ baseline: undefined, baselineStranger: why })
  })

  test('is made of the one version that the snapshot holds', () => {
    const gathered = { deployment: held(), canary: undefined, replicaSets: [], pods: [] }
    const of = (...sets: readonly (typeof v1)[]) =>
      acceptedSet({ ...gathered, snapshots: [snapshot(...sets)] })
    expect(of(v1)?.spec.template).toEqual(v1.spec.template)
    expect(of(v1, replicaSet('v0', 2))).toBeUndefined()
    expect(acceptedSet({ ...gathered, snapshots: [] })).toBeUndefined()
  })
})

describe('whatever has the canary’s name', () => {
  const { ownerReferences: _, ...unowned } = canary(1).metadata
  const orphan: Deployment = { ...canary(1), metadata: unowned }
  const unlabelled: Deployment = { ...orphan, metadata: { ...unowned, labels: { app: 'shop' } } }

  test('is the canary when the Deployment controls it', () => {
    expect(look({ canary: canary(3, 2) })).toMatchObject({
      canary: {
        desired: 3,
        existing: 3,
        available: 2,
        release: release('v2'),
        orphan: false,
        deleting: false,
      },
      stranger: undefined,
    })
  })

  test('is the canary when it carries our labels and nobody controls it', () => {
    expect(look({ canary: orphan })).toMatchObject({ canary: { orphan: true }, stranger: undefined })
  })

  test.each([
    ['without our labels', unlabelled, 'it was not made by Canaryhook'],
    ['of another', ownedBy(canary(1), 'x', 'cart'), 'it belongs to Deployment cart'],
    [
      'with the labels of another app',
      { ...orphan, metadata: { ...unowned, labels: { ...unowned.labels, 'canaryhook.dev/of': 'other' } } },
      'it was not made by Canaryhook',
    ],
  ])('is a stranger %s', (_sentence, stranger, why) => {
    expect(look({ canary: stranger, pods: [pod('a')], replicaSets: [v1, canarySet(1)] })).toMatchObject({
      canary: undefined,
      stranger: why,
      pods: [],
    })
  })

  test('is nobody’s when a former Deployment of the same name left it behind', () => {
    const left = ownedBy(canary(1), 'former-uid', 'shop')
    expect(look({ canary: left })).toMatchObject({ canary: undefined, stranger: undefined })
    const other = { ...left, metadata: { ...left.metadata, labels: {} } }
    expect(look({ canary: other }).stranger).toBe('it belongs to Deployment shop')
  })

  test('is a stranger that is not in sight when the API server says that the name is taken', () => {
    expect(look({ nameTaken: true }).stranger).toBe('it was not made by Canaryhook')
    expect(look({ nameTaken: true, canary: canary(1) }).stranger).toBeUndefined()
  })

  test('tells why its pods cannot be made, once that is about its present spec', () => {
    const refused: Condition = { type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }
    const failing = withStatus(canary(3), { observedGeneration: 1, conditions: [refused] })
    expect(look({ canary: failing }).canary).toMatchObject({ failure: 'exceeded quota', available: 0 })
    const old = withStatus(canary(3), { observedGeneration: 0, conditions: [refused] })
    expect(look({ canary: old }).canary?.failure).toBeUndefined()
  })
})

test('pods are those of the canary’s ReplicaSets that are not being deleted', () => {
  const going = { ...pod('going'), metadata: { ...pod('going').metadata, deletionTimestamp: 'x' } }
  const foreign = { ...pod('foreign'), metadata: { ...pod('foreign').metadata, ownerReferences: [] } }
  const pods = [pod('a'), going, foreign, pod('b')]
  const { pods: found } = look({
    canary: canary(2),
    baseline: baseline(1),
    replicaSets: [v1, canarySet(2), baselineSet(1)],
    pods: [...pods, baselinePod('c')],
  })
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
})

describe('pods of a former canary', () => {
  const going = { ...pod('going'), metadata: { ...pod('going').metadata, deletionTimestamp: 'x' } }
  const foreign = { ...pod('foreign'), metadata: { ...pod('foreign').metadata, ownerReferences: [] } }
  const pods = [pod('a'), going, foreign, pod('b')]
  const { ownerReferences: _, ...unowned } = canarySet(2).metadata
  const next = { ...canary(2), metadata: { ...canary(2).metadata, uid: 'next-uid' } }

  test.each<readonly [string, Partial<Gathered>, number]>([
    ['are still there when their ReplicaSet is gone', {}, 2],
    ['are still there when their ReplicaSet is about to go', { replicaSets: [v1, canarySet(2)] }, 2],
    ['are still there beside the next canary', { canary: next, replicaSets: [v1, canarySet(2)] }, 2],
    ['are those of the canary while that exists', { canary: canary(2), replicaSets: [v1, canarySet(2)] }, 0],
    [
      'that somebody orphaned are taken over, not waited for',
      { replicaSets: [v1, { ...canarySet(2), metadata: unowned }] },
      0,
    ],
    [
      'are waited for as those of a former baseline are',
      { canary: canary(2), replicaSets: [v1, canarySet(2)], pods: [...pods, baselinePod('c')] },
      1,
    ],
    [
      'and a baseline has pods of its own',
      {
        baseline: baseline(1),
        replicaSets: [v1, baselineSet(1)],
        pods: [baselinePod('c')],
      },
      0,
    ],
  ])('%s', (_sentence, fields, leaving) => {
    expect(look({ pods, ...fields }).leaving).toBe(leaving)
  })
})

describe('the snapshot', () => {
  test('is the newest that the Deployment controls', () => {
    const old = snapshot(replicaSet('v0', 10))
    const newest = { ...snapshot(v1), revision: old.revision + 1 }
    const foreign = { ...ownedBy(snapshot(replicaSet('v9', 1)), 'x'), revision: 99 }
    const { snapshot: found } = look({ snapshots: [old, newest, foreign] })
    expect(found).toMatchObject({ name: newest.metadata.name, hashes: [release('v1')] })
  })
})

describe('settled', () => {
  test.each([
    ['without a status', undefined, false],
    ['with a status of the former spec', { observedGeneration: 2 }, false],
    ['with a status of this spec', { observedGeneration: 3 }, true],
  ])('%s: %s', (_sentence, status, expected) => {
    expect(look({ deployment: held({}, status && { status }) }).settled).toBe(expected)
  })
})

describe('rolled out', () => {
  const complete = { observedGeneration: 3, replicas: 10, updatedReplicas: 10, availableReplicas: 10 }
  test.each([
    ['when all pods are new and available', shop({ status: complete }), true],
    ['not while paused', held({}, { status: complete }), false],
    ['not by the status of the former spec', shop({ status: { ...complete, observedGeneration: 2 } }), false],
    ['not while old pods are there', shop({ status: { ...complete, replicas: 11 } }), false],
    ['not while new pods are missing', shop({ status: { ...complete, updatedReplicas: 9 } }), false],
    ['not while pods are unavailable', shop({ status: { ...complete, availableReplicas: 9 } }), false],
    ['not before anything is known', shop(), false],
  ])('%s', (_sentence, deployment, expected) => {
    expect(look({ deployment }).rolledOut).toBe(expected)
  })
})

describe('stalled', () => {
  const late: Condition = {
    type: 'Progressing',
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: 'late',
  }
  const status = { observedGeneration: 3, conditions: [late] }
  test.each([
    ['in the Deployment controller’s words', shop({ status }), 'late'],
    ['not while paused', held({}, { status }), undefined],
    ['not by an old status', shop({ status: { ...status, observedGeneration: 2 } }), undefined],
    [
      'not by our own condition',
      shop({ status: { ...status, conditions: [{ ...late, message: `${OURS}x` }] } }),
      undefined,
    ],
    [
      'not by another reason',
      shop({ status: { ...status, conditions: [{ ...late, reason: 'x' }] } }),
      undefined,
    ],
  ])('%s', (_sentence, deployment, expected) => {
    expect(look({ deployment }).stalled).toBe(expected)
  })
})

describe('references changed', () => {
  const naming = (name: string) => ({
    metadata: { labels: { app: 'shop' } },
    spec: { containers: [{ name: 'shop', envFrom: [{ configMapRef: { name } }] }] },
  })
  const serving = (name: string, available: number) => ({
    ...replicaSet('v1', 10, available),
    spec: { ...replicaSet('v1', 10).spec, template: naming(name) },
  })
  test.each([
    ['when the stored template names another ConfigMap', serving('shop-aaa', 10), true],
    ['not when it names the same', serving('shop-bbb', 10), false],
    ['not by a ReplicaSet that serves nothing', serving('shop-aaa', 0), false],
  ])('%s', (_sentence, set, expected) => {
    const deployment = held({}, { spec: { template: naming('shop-bbb') } })
    expect(look({ deployment, replicaSets: [set] }).referencesChanged).toBe(expected)
  })
})

describe('autoscalers', () => {
  const autoscaler = (name: string, ownerReferences: readonly OwnerReference[] = []) => ({
    metadata: { name, namespace: 'default', ownerReferences },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' } },
  })
  const scaledObject = { ...owner('ScaledObject', 'queue'), apiVersion: 'keda.sh/v1alpha1' }

  test.each([
    ['none', [], undefined],
    ['one', [autoscaler('web')], 'HorizontalPodAutoscaler web'],
    [
      'one of KEDA by the name people know',
      [autoscaler('keda-hpa-queue', [scaledObject])],
      'ScaledObject queue',
    ],
    ['of several always the same', [autoscaler('web'), autoscaler('api')], 'HorizontalPodAutoscaler api'],
  ])('%s', (_sentence, autoscalers, expected) => {
    expect(look({ autoscalers }).autoscaler).toBe(expected)
  })
})
