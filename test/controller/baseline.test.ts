/** The baseline Deployment, carried out: made, sized, and taken away with the canary. */
import { describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import type { State } from '../../src/core/state.ts'
import { at, baseline, canary, canarySet, held, replicaSet, shop, snapshot } from '../core/shop.ts'
import { Scene } from './scene.ts'

const plan = '20% for 5m, 50%'
const BASELINE = { namespace: 'default', name: 'shop-baseline' }

/** A release of ten that is compared with a baseline; its first weight stands. */
function comparing(fields: Partial<State> = {}, beside: readonly Deployment[] = [canary(2), baseline(2)]) {
  const { stable = 6 } = fields
  return new Scene({
    deployments: [held({ plan, baseline: true, stable, reached: at(-60), ...fields }), ...beside],
    replicaSets: [replicaSet('v1', stable), canarySet(2)],
    snapshots: [snapshot(replicaSet('v1', 10))],
  })
}
const aboutBaseline = (writes: readonly string[]) => writes.filter(write => write.includes('shop-baseline'))

test('comes after the canary, from the version that serves', async () => {
  const scene = comparing({ stable: 10, reached: undefined }, [])
  const { writes } = await scene.look()
  expect(writes.slice(-2)).toEqual(['create deployments/shop-canary', 'create deployments/shop-baseline'])
  const made = scene.cluster.get<Deployment>('deployments', 'shop-baseline')
  expect(made?.spec).toMatchObject({ replicas: 1, template: { spec: shop().spec.template.spec } })
})

test('that stands costs no write', async () => {
  const scene = comparing()
  await scene.look()
  expect((await scene.look()).writes).toEqual([])
})

test('that somebody deleted or scaled is mended', async () => {
  const scene = comparing()
  await scene.cluster.remove(deployments, BASELINE)
  expect(aboutBaseline((await scene.look()).writes)).toEqual(['create deployments/shop-baseline'])
  scene.cluster.put('deployments', baseline(1))
  expect(aboutBaseline((await scene.look()).writes)).toEqual(['patch deployments/shop-baseline'])
  expect(scene.cluster.get<Deployment>('deployments', 'shop-baseline')?.spec.replicas).toBe(2)
})

test('that lost its owner is ours again', async () => {
  const { ownerReferences: _, ...metadata } = baseline(2).metadata
  const scene = comparing({}, [canary(2), { ...baseline(2), metadata }])
  await scene.look()
  const owners = scene.cluster.get('deployments', 'shop-baseline')?.metadata.ownerReferences
  expect(owners).toEqual(baseline(2).metadata.ownerReferences)
})

describe('is taken away', () => {
  test.each<readonly [string, readonly Deployment[]]>([
    ['with what an ended release left', [held({ phase: 'Succeeded' }), baseline(2)]],
    ['without any release', [shop(), baseline(2)]],
    ['when a release has failed', [held({ phase: 'Failed', reason: 'Aborted' }), canary(2), baseline(2)]],
  ])('%s', async (_sentence, objects) => {
    const scene = new Scene({
      deployments: objects,
      replicaSets: [replicaSet('v1', 10)],
      snapshots: [snapshot(replicaSet('v1', 10))],
    })
    scene.settle()
    expect((await scene.look()).writes).toContain('delete deployments/shop-baseline')
    expect(scene.cluster.names('deployments')).not.toContain('shop-baseline')
    expect(aboutBaseline((await scene.look()).writes)).toEqual([])
  })

  test('after a restart of the controller too: it knows where there is work', () => {
    const scene = new Scene({ deployments: [shop(), baseline(2)], replicaSets: [replicaSet('v1', 10)] })
    expect(scene.caches.unsettled()).toEqual(['default/shop'])
  })
})

describe('a Deployment of the baseline’s name that is not ours', () => {
  const stranger = shop({ metadata: { name: 'shop-baseline', uid: 'stranger-uid' } })

  test.each([
    ['that we see', false],
    ['that we do not see until its name is taken', true],
  ])('%s is not touched, and the release goes on without one', async (_sentence, isLate) => {
    const scene = comparing({ stable: 10, reached: undefined }, [])
    scene.cluster.late = isLate
    scene.cluster.put('deployments', stranger)
    await scene.look().catch(() => {})
    scene.cluster.late = false
    await scene.look()
    expect(scene.state).toMatchObject({ phase: 'Progressing' })
    expect(scene.state?.baseline).toBeUndefined()
    expect(scene.cluster.events.filter(reason => reason === 'NoBaseline')).toHaveLength(1)
    expect(scene.cluster.get('deployments', 'shop-baseline')).toMatchObject({ spec: stranger.spec })
  })
})

test('with the webhook down goes only as far as it is covered', async () => {
  const scene = comparing({ requests: [{ command: 'abort', by: 'bob' }] })
  scene.cluster.webhook = 'down'
  const { writes } = await scene.lookInVain()
  expect(writes).not.toContain('delete deployments/shop-baseline')
  expect(scene.shop?.spec.replicas).toBe(9)
})
