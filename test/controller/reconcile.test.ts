/** One look at one Deployment: which writes, in which order, and what people are told. */
import { describe, expect, test } from 'vitest'
import type { Deployment, Ingress, Service } from '../../src/core/kubernetes.ts'
import type { State } from '../../src/core/state.ts'
import {
  at,
  canary,
  held,
  NOW,
  owner,
  release,
  replicaSet,
  shop,
  snapshot,
  state,
  template,
} from '../core/shop.ts'
import { asked, holding, plan, snapshotName, v1 } from './beginnings.ts'
import { Scene } from './scene.ts'

function deleted(): Scene {
  const going = held({ plan }, { metadata: { deletionTimestamp: '2026-03-01T12:00:00Z' } })
  return new Scene({ deployments: [going, canary(3)], snapshots: [snapshot(v1)] })
}

describe('a release begins', () => {
  test('with the record of what serves, before anything else', async () => {
    const scene = asked()
    expect((await scene.look()).writes).toEqual([`create controllerrevisions/${snapshotName}`])
    expect(scene.cluster.events).toEqual([])
  })

  test('then with the state, and the canary that follows from it', async () => {
    const scene = asked()
    await scene.look()
    expect((await scene.look()).writes).toEqual([
      'patch deployments/shop/status',
      'create deployments/shop-canary',
    ])
    expect(scene.state).toMatchObject({
      phase: 'Progressing',
      release: release('v2'),
      applied: { replicas: 10 },
    })
    expect(scene.conditions).toEqual(['Reconciling: step 1 of 2: canary 30% for 5m'])
    const made = scene.cluster.get<Deployment>('deployments', 'shop-canary')
    expect(made?.spec).toMatchObject({ replicas: 3, template: { spec: template('v2').spec } })
  })

  test('with the record of the same ReplicaSets that lost its owner: it is ours again', async () => {
    const { ownerReferences, ...metadata } = snapshot(v1).metadata
    const scene = new Scene({
      deployments: [held({ phase: 'Pending', release: '', plan })],
      replicaSets: [v1],
      snapshots: [{ ...snapshot(v1), metadata }],
    })
    await scene.look()
    const adopted = scene.cluster.get('controllerrevisions', snapshotName)
    expect(adopted?.metadata.ownerReferences).toEqual(ownerReferences)
    await scene.look()
    expect(scene.state?.phase).toBe('Progressing')
  })

  test('and is told once, when it is stored', async () => {
    const scene = asked()
    for (let looks = 0; looks < 4; looks += 1) await scene.look()
    expect(scene.cluster.events).toEqual(['CanaryStarted'])
    expect(scene.lines.map(({ msg }) => msg)).toEqual([
      `start default/shop release ${release('v2')} by alice: ${plan}`,
    ])
    expect(scene.lines[0]).toMatchObject({
      namespace: 'default',
      name: 'shop',
      release: release('v2'),
      step: 1,
      weight: 30,
    })
  })
})

describe('nothing is written when nothing changed', () => {
  test.each<readonly [string, () => Scene]>([
    ['while a weight is held', holding],
    ['without a release', () => new Scene({ deployments: [shop()], replicaSets: [v1] })],
    [
      'after a release',
      () => new Scene({ deployments: [shop({ state: state({ phase: 'Succeeded', stable: undefined }) })] }),
    ],
    ['about a Deployment that is being deleted', deleted],
    [
      'about one that has not opted in',
      () => new Scene({ deployments: [shop({ metadata: { annotations: {} } })] }),
    ],
  ])('%s', async (_sentence, make) => {
    const scene = make()
    for (let looks = 0; looks < 3; looks += 1) expect((await scene.look()).writes).toEqual([])
    expect(scene.lines).toEqual([])
  })

  test('on a second look after any writes', async () => {
    const scene = asked()
    await scene.look()
    await scene.look()
    scene.settle()
    expect((await scene.look()).writes).toEqual([])
  })
})

describe('of the Services and Ingresses of its namespace, which may be very many, are unpacked', () => {
  const preview = 'path=/canary'
  test.each<readonly [string, Partial<State>, readonly string[]]>([
    ['none for a release without tests and preview', {}, []],
    ['one for tests', { plan: '30% for 5m, test', test: 'cronjob/smoke' }, ['services/shop-canary']],
    ['two for a preview', { preview }, ['services/shop-canary', 'ingresses/shop-canary']],
  ])('%s', async (_sentence, fields, unpacked) => {
    const scene = holding(fields)
    const apps = { name: 'shop', namespace: 'default' }
    const ours = { ...apps, name: 'shop-canary', ownerReferences: [owner('Deployment', 'shop')] }
    for (const metadata of [apps, ours]) scene.cluster.put<Service>('services', { metadata, spec: {} })
    for (const metadata of fields.preview ? [apps, ours] : [apps]) {
      scene.cluster.put<Ingress>('ingresses', { metadata, spec: {} })
    }
    scene.cluster.unpacked.length = 0
    expect((await scene.look()).writes).toEqual([])
    const ofNamespace = scene.cluster.unpacked.filter(name => /^(services|ingresses)\//.test(name))
    expect(ofNamespace).toEqual(unpacked)
  })
})

describe('a step', () => {
  test('is one write of the state and one of the canary', async () => {
    const scene = holding({ reached: at(-300) })
    expect((await scene.look()).writes).toEqual([
      'patch deployments/shop/status',
      'patch deployments/shop-canary',
    ])
    expect(scene.state?.step).toBe(1)
    expect(scene.cluster.get<Deployment>('deployments', 'shop-canary')?.spec.replicas).toBe(5)
    expect(scene.lines.map(({ msg }) => msg)).toEqual([
      'advance default/shop canary weight 50% (step 2 of 2: 50%)',
    ])
  })

  test('wakes when its hold is over', async () => {
    expect((await holding().look()).wakeAt).toBe(NOW + 240_000)
  })

  test('takes stable down through the webhook, in the write of the state', async () => {
    const scene = holding({ step: 1, since: at(-1), reached: undefined })
    scene.cluster.put('deployments', {
      ...canary(5),
      status: { observedGeneration: 1, availableReplicas: 5 },
    })
    const { writes } = await scene.look()
    expect(writes[0]).toBe('patch deployments/shop')
    expect(scene.shop?.spec).toMatchObject({ replicas: 5 })
    expect(scene.shop?.spec.paused ?? false).toBe(false)
    expect(scene.state).toMatchObject({ phase: 'Promoting', applied: { paused: false, replicas: 5 } })
  })

  test('rests on our own last writes although the watch is late', async () => {
    const scene = asked()
    await scene.look()
    scene.cluster.late = true
    await scene.look()
    expect((await scene.look()).writes).toEqual([])
  })
})

describe('a release ends', () => {
  const status = { observedGeneration: 3, replicas: 10, updatedReplicas: 10, availableReplicas: 10 }
  const ending = (deployments: readonly Deployment[]) =>
    new Scene({ deployments, replicaSets: [replicaSet('v2', 10)], snapshots: [snapshot(v1)] })
  const promoted = held({ phase: 'Promoting', step: 1 }, { status })

  test('first without its canary, then with the record, last without the snapshot', async () => {
    const scene = ending([promoted, canary(5)])
    const first = (await scene.look()).writes
    expect(first.at(-1)).toBe('delete deployments/shop-canary')
    expect((await scene.look()).writes).toEqual([
      'patch deployments/shop/status',
      `delete controllerrevisions/${snapshotName}`,
    ])
    expect(scene.state).toMatchObject({ phase: 'Succeeded', release: release('v2') })
    expect(scene.conditions).toEqual([])
    expect((await scene.look()).writes).toEqual([])
    expect(scene.cluster.events).toEqual(['Promoted'])
  })

  test('and is not tidied up twice although the watch is late', async () => {
    const scene = ending([shop({ state: state({ phase: 'Succeeded', stable: undefined }) })])
    scene.cluster.late = true
    expect((await scene.look()).writes).toEqual([`delete controllerrevisions/${snapshotName}`])
    expect((await scene.look()).writes).toEqual([])
  })

  test('what was left when the controller died is taken away by the next one', async () => {
    const over = shop({ state: state({ phase: 'Succeeded', stable: undefined }) })
    const scene = ending([over, canary(5)])
    expect((await scene.look()).writes).toEqual([
      'delete deployments/shop-canary',
      `delete controllerrevisions/${snapshotName}`,
    ])
    expect((await scene.look()).writes).toEqual([])
  })
})

describe('a state that cannot be read', () => {
  const unreadable = held({}, { annotations: {} })
  const annotations = { ...unreadable.metadata.annotations, 'canaryhook.dev/state': '{"version":99}' }
  const scene = () =>
    new Scene({
      deployments: [{ ...unreadable, metadata: { ...unreadable.metadata, annotations } }, canary(3)],
      replicaSets: [v1],
      snapshots: [snapshot(v1)],
    })

  test('stops all work on the object but for a condition that says why', async () => {
    const stopped = scene()
    expect((await stopped.look()).writes).toEqual(['patch deployments/shop/status'])
    expect(stopped.conditions[0]).toMatch(
      /another version of Canaryhook .* nothing is done until it can be read/,
    )
    expect((await stopped.look()).writes).toEqual([])
    expect(stopped.shop?.metadata.annotations).toEqual(annotations)
  })

  test('and is given up: what was left of the release goes, the condition too', async () => {
    const given = scene()
    await given.look()
    const { shop: stored } = given
    const { 'canaryhook.dev/state': _, ...left } = annotations
    if (stored)
      given.cluster.put('deployments', { ...stored, metadata: { ...stored.metadata, annotations: left } })
    await given.look()
    expect(given.conditions).toEqual([])
    expect(given.cluster.names('deployments')).toEqual(['shop'])
    expect(given.cluster.names('controllerrevisions')).toEqual([])
  })
})
