/** Decisions carried out: what others do to the same objects meanwhile, and what goes wrong. */
import { describe, expect, test } from 'vitest'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { at, canary, held, NOW, replicaSet, shop, snapshot } from '../core/shop.ts'
import { asked, holding, plan, snapshotName, v1 } from './beginnings.ts'
import { Scene } from './scene.ts'

describe('a conflict', () => {
  test('ends the look before anything that follows from the state, and tells nobody', async () => {
    const scene = holding({ reached: at(-300) })
    scene.cluster.fail('patch deployments/shop/status', 'CLUSTER_CONFLICT')
    expect(await scene.lookInVain()).toEqual({
      writes: ['patch deployments/shop/status'],
      code: 'CLUSTER_CONFLICT',
    })
    expect(scene.cluster.events).toEqual([])
    expect(scene.lines).toEqual([])
  })

  test('with a person who aborted meanwhile: the word is not overwritten, and decided on', async () => {
    const scene = holding({ reached: at(-300) })
    const requests = [{ command: 'abort', by: 'bob' }] as const
    const aborting = held({ plan, stable: 7, reached: at(-300), requests: [...requests] })
    scene.cluster.late = true
    const stored = scene.cluster.put('deployments', aborting)
    expect((await scene.lookInVain()).code).toBe('CLUSTER_CONFLICT')
    expect(scene.state?.requests).toEqual(requests)
    scene.cluster.late = false
    scene.cluster.put('deployments', stored)
    await scene.look()
    expect(scene.state).toMatchObject({ phase: 'Failed', message: 'aborted by bob' })
  })

  test('is decided anew on what the watch brings', async () => {
    const scene = holding({ reached: at(-300) })
    scene.cluster.fail('patch deployments/shop/status', 'CLUSTER_CONFLICT')
    await scene.lookInVain()
    await scene.look()
    expect(scene.cluster.events).toEqual(['CanaryAdvanced'])
  })
})

describe('a canary that the API server refuses', () => {
  const refused = async (code: string, message: string) => {
    const scene = asked()
    await scene.look()
    scene.cluster.fail('create deployments/shop-canary', code, message)
    return { scene, ...(await scene.look()) }
  }

  test('is tried again after a second, and the reason is kept for the deadline', async () => {
    const { scene, wakeAt } = await refused('CLUSTER_FORBIDDEN', 'exceeded quota: deployments=5')
    expect(wakeAt).toBe(NOW + 1000)
    scene.now = NOW + 600_000
    await scene.look()
    expect(scene.state).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
    expect(scene.state?.message).toContain('exceeded quota: deployments=5')
  })

  test('because something of its name is there that we do not see: the release fails with that reason', async () => {
    const scene = asked()
    await scene.look()
    scene.cluster.late = true
    const stranger = scene.cluster.put(
      'deployments',
      shop({ metadata: { name: 'shop-canary', uid: 'other' } }),
    )
    await scene.look()
    await scene.look()
    expect(scene.state).toMatchObject({ phase: 'Failed', reason: 'NameTaken' })
    expect(scene.cluster.get('deployments', 'shop-canary')).toMatchObject({ spec: stranger.spec })
  })

  test('because it was made already and the answer was lost: it is ours, as soon as the watch tells', async () => {
    const scene = asked()
    await scene.look()
    scene.cluster.late = true
    const made = scene.cluster.put('deployments', canary(1))
    for (let looks = 0; looks < 3; looks += 1) {
      expect((await scene.lookInVain()).code).toBe('CLUSTER_CONFLICT')
    }
    expect(scene.state?.phase).toBe('Progressing')
    scene.cluster.late = false
    scene.cluster.put('deployments', made)
    await scene.look()
    expect(scene.state?.phase).toBe('Progressing')
    expect(scene.cluster.events).not.toContain('CanaryFailed')
  })

  test('by a fault that passes is tried again by the queue', async () => {
    const scene = asked()
    await scene.look()
    scene.cluster.fail('create deployments/shop-canary', 'CLUSTER_UNAVAILABLE')
    expect((await scene.lookInVain()).code).toBe('CLUSTER_UNAVAILABLE')
    expect(scene.cluster.events).toEqual(['CanaryStarted'])
    expect((await scene.look()).writes).toEqual(['create deployments/shop-canary'])
    expect(scene.cluster.events).toEqual(['CanaryStarted'])
  })
})

describe('a Deployment of the canary’s name that is not ours', () => {
  const stranger = shop({ metadata: { name: 'shop-canary', uid: 'stranger-uid' } })

  test.each<readonly [string, Deployment]>([
    ['without a release', shop()],
    ['when a release is asked for', held({ phase: 'Pending', release: '' })],
    ['while a release runs', held({ stable: 7, reached: at(-60) })],
    ['while a release is promoted', held({ phase: 'Promoting', stable: 7, step: 1 })],
    ['while a release is held', held({ phase: 'Failed', reason: 'Aborted' })],
  ])('is never touched %s', async (_sentence, deployment) => {
    const scene = new Scene({
      deployments: [deployment, stranger],
      replicaSets: [v1],
      snapshots: [snapshot(v1)],
    })
    const before = scene.cluster.get('deployments', 'shop-canary')
    for (let looks = 0; looks < 4; looks += 1) {
      await scene.look().catch(() => {})
      scene.now += 61_000
    }
    expect(scene.cluster.get('deployments', 'shop-canary')).toEqual(before)
    expect(
      scene.cluster.writes.filter(
        write => write.endsWith('deployments/shop-canary') && !write.startsWith('create'),
      ),
    ).toEqual([])
  })
})

describe('a canary', () => {
  test('that lost its owner is ours again', async () => {
    const { ownerReferences: _, ...metadata } = canary(3).metadata
    const scene = holding()
    scene.cluster.put('deployments', { ...canary(3), metadata })
    expect((await scene.look()).writes).toEqual(['patch deployments/shop-canary'])
    expect(scene.cluster.get('deployments', 'shop-canary')?.metadata.ownerReferences).toEqual(
      canary(3).metadata.ownerReferences,
    )
    expect((await scene.look()).writes).toEqual([])
  })

  test('that somebody deletes comes back, and nothing is told', async () => {
    const scene = holding()
    await scene.cluster.remove(
      { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' },
      { namespace: 'default', name: 'shop-canary' },
    )
    expect((await scene.look()).writes).toContain('create deployments/shop-canary')
    expect(scene.cluster.events).toEqual([])
  })

  test('that is being deleted is left to go', async () => {
    const scene = holding()
    scene.cluster.put('deployments', {
      ...canary(1),
      metadata: { ...canary(1).metadata, deletionTimestamp: 'x' },
    })
    const { writes } = await scene.look()
    expect(writes.filter(write => write.includes('shop-canary'))).toEqual([])
  })
})

describe('a release fails', () => {
  test('stable first, then the canary, with one line, one Event and the conditions', async () => {
    const scene = holding({ requests: [{ command: 'abort', by: 'bob' }] })
    expect((await scene.look()).writes).toEqual(['patch deployments/shop', 'patch deployments/shop/status'])
    expect(scene.shop?.spec).toMatchObject({ paused: true, replicas: 10 })
    expect(scene.conditions).toEqual(['Stalled: aborted by bob', 'Progressing: canaryhook: aborted by bob'])
    expect(scene.cluster.events).toEqual(['CanaryFailed'])
    expect(scene.lines.map(({ msg }) => msg)).toEqual(['halt default/shop rolling back: aborted by bob'])
    scene.cluster.put('replicasets', v1)
    scene.settle()
    expect((await scene.look()).writes).toEqual(['delete deployments/shop-canary'])
    expect((await scene.look()).writes).toEqual([])
    expect(scene.cluster.names('controllerrevisions')).toEqual([snapshotName])
    expect(scene.cluster.events).toEqual(['CanaryFailed'])
  })

  test('with the webhook down: the state past it, the canary, then stable through /scale', async () => {
    const scene = holding({ requests: [{ command: 'abort', by: 'bob' }] })
    scene.cluster.webhook = 'down'
    scene.cluster.put('deployments', {
      ...canary(3, 0),
      status: { observedGeneration: 1, availableReplicas: 0 },
    })
    const { writes, code } = await scene.lookInVain()
    expect(code).toBe('CLUSTER_WEBHOOK')
    expect(writes).toEqual([
      'patch deployments/shop',
      'patch deployments/shop/status',
      'delete deployments/shop-canary',
      'patch deployments/shop/scale',
    ])
    expect(scene.shop?.spec.replicas).toBe(10)
    expect(scene.state).toMatchObject({ phase: 'Failed', total: 10, applied: { paused: true, replicas: 7 } })
    expect(scene.cluster.events).toEqual(['CanaryFailed'])
  })

  test('with the webhook still down: nothing is stored or told twice', async () => {
    const scene = holding({ requests: [{ command: 'abort', by: 'bob' }] })
    scene.cluster.webhook = 'down'
    scene.cluster.put('deployments', {
      ...canary(3, 0),
      status: { observedGeneration: 1, availableReplicas: 0 },
    })
    await scene.lookInVain()
    expect((await scene.lookInVain()).writes).toEqual(['patch deployments/shop'])
    scene.cluster.webhook = 'works'
    await scene.look()
    expect(scene.state).toMatchObject({ phase: 'Failed', total: 10, stable: 10, applied: { replicas: 10 } })
    expect(scene.state?.putBacks).toBeUndefined()
    expect(scene.cluster.events).toEqual(['CanaryFailed'])
  })

  test('with the webhook down nothing but a failure goes around it', async () => {
    const scene = holding({ requests: [{ command: 'promote', by: 'bob' }] })
    scene.cluster.webhook = 'down'
    expect(await scene.lookInVain()).toEqual({ writes: ['patch deployments/shop'], code: 'CLUSTER_WEBHOOK' })
    expect(scene.state?.phase).toBe('Progressing')
    expect(scene.cluster.events).toEqual([])
  })
})

describe('what serves is mended', () => {
  /** Nothing but the resourceVersion: it changes nothing. */
  const CONFIRMED = 'patch deployments/shop/status'

  test('when v1’s ReplicaSet is deleted: made again from the record', async () => {
    const scene = holding()
    await scene.cluster.remove(
      { group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet' },
      { namespace: 'default', name: 'shop-v1' },
    )
    expect((await scene.look()).writes.slice(0, 2)).toEqual([CONFIRMED, 'create replicasets/shop-v1'])
    const made = scene.cluster.get<typeof v1>('replicasets', 'shop-v1')
    expect(made?.spec).toMatchObject({ replicas: 7, template: v1.spec.template })
    expect(made?.metadata.ownerReferences).toEqual(v1.metadata.ownerReferences)
  })

  test('when another one serves beside it: taken to 0', async () => {
    const scene = holding()
    scene.cluster.put('replicasets', replicaSet('v0', 2))
    expect((await scene.look()).writes.slice(0, 2)).toEqual([CONFIRMED, 'patch replicasets/shop-v0'])
    expect(scene.cluster.get<typeof v1>('replicasets', 'shop-v0')?.spec.replicas).toBe(0)
  })

  test('20 times at once and then once a second when somebody undoes it as often', async () => {
    const scene = holding()
    const mended = async (times: number): Promise<number> => {
      let count = 0
      for (let time = 0; time < times; time += 1) {
        scene.cluster.put('replicasets', replicaSet('v0', 2))
        const { writes, wakeAt } = await scene.look()
        if (writes.includes('patch replicasets/shop-v0')) count += 1
        else expect(wakeAt).toBe(scene.now + 1000)
      }
      return count
    }
    expect(await mended(50)).toBe(20)
    scene.now += 1000
    expect(await mended(50)).toBe(1)
    scene.now += 60_000
    expect(await mended(50)).toBe(20)
  })

  test('after the state is stored, which the Deployment controller’s answer to it would contend with', async () => {
    const scene = holding({ requests: [{ command: 'abort', by: 'bob' }] })
    scene.cluster.put('replicasets', replicaSet('v0', 2))
    const { writes } = await scene.look()
    expect(writes.slice(0, 2)).toEqual(['patch deployments/shop', 'patch deployments/shop/status'])
    expect(writes).toContain('patch replicasets/shop-v0')
  })

  test('not on what is no longer so, but also while the state cannot be stored', async () => {
    const scene = holding({ reached: at(-300) })
    scene.cluster.put('replicasets', replicaSet('v0', 2))
    scene.cluster.fail('patch deployments/shop/status', 'CLUSTER_CONFLICT')
    expect((await scene.lookInVain()).writes).toEqual(['patch deployments/shop/status'])
    const other = holding({ requests: [{ command: 'abort', by: 'bob' }] })
    await other.cluster.remove(
      { group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet' },
      { namespace: 'default', name: 'shop-v1' },
    )
    other.cluster.webhook = 'down'
    await other.lookInVain()
    other.settle()
    expect((await other.lookInVain()).code).toBe('CLUSTER_WEBHOOK')
    expect(other.cluster.names('replicasets')).toContain('shop-v1')
  })

  test('only as the present Deployment says, also without its webhook: its watch may be behind that of ReplicaSets', async () => {
    const scene = holding()
    scene.cluster.webhook = 'down'
    scene.cluster.put('replicasets', replicaSet('v2', 7))
    scene.cluster.late = true
    scene.cluster.put('deployments', held({ plan, phase: 'Promoting' }, { spec: { paused: false } }))
    expect(await scene.lookInVain()).toEqual({ writes: [CONFIRMED], code: 'CLUSTER_CONFLICT' })
    expect(scene.cluster.get<typeof v1>('replicasets', 'shop-v2')?.spec.replicas).toBe(7)
  })
})

test('where the webhook was not called the spec is repaired directly, once', async () => {
  const scene = holding({ requests: [{ command: 'abort', by: 'bob' }] })
  scene.cluster.webhook = 'bypassed'
  expect((await scene.look()).writes).toEqual([
    'patch deployments/shop',
    'patch deployments/shop',
    'patch deployments/shop/status',
  ])
  expect(scene.shop?.spec).toMatchObject({ paused: true, replicas: 10 })
  expect(scene.state?.applied).toEqual({ paused: true, replicas: 10 })
})

test('what a direct write made us own of the spec is given up, and then there is nothing more to do', async () => {
  const own = { manager: 'canaryhook', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }
  const helm = { manager: 'helm', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:template': {} } } }
  const scene = new Scene({
    deployments: [held({ phase: 'Succeeded' }, { metadata: { managedFields: [helm, own] } })],
    replicaSets: [replicaSet('v2', 10)],
  })
  expect((await scene.look()).writes).toEqual(['patch deployments/shop'])
  expect(scene.shop?.metadata.managedFields).toEqual([helm])
  expect((await scene.look()).writes).toEqual([])
})

test('on-failure: restore puts the former template back in the write that un-pauses', async () => {
  const scene = new Scene({
    deployments: [held({ phase: 'Failed', reason: 'Aborted', message: 'x', onFailure: 'restore' })],
    replicaSets: [v1],
    snapshots: [snapshot(v1)],
  })
  expect((await scene.look()).writes[0]).toBe('patch deployments/shop')
  expect(scene.shop?.spec).toEqual(shop().spec)
  scene.settle()
  await scene.look()
  expect(scene.state?.phase).toBe('Reverted')
  expect(scene.cluster.names('controllerrevisions')).toEqual([])
  expect((await scene.look()).writes).toEqual([])
})
