import { describe, expect, test } from 'vitest'
import { deployments, replicaSets } from '../../src/cluster/resources.ts'
import { useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { canaries, names, ourConditions, ready, stablePods } from './view.ts'
import { dipUnder, mostPods } from './watcher.ts'

const environment = useEnvironment()

describe.concurrent('a release survives', () => {
  test('that somebody deletes its canary: it comes back', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 3s' })
    await shop.apply('v2')
    const { canary } = await shop.stands(1, 'v2')
    await shop.admin.remove(deployments, shop.canaryRef)
    await shop.until(
      'another canary',
      view => view.canary?.metadata.uid !== canary?.metadata.uid && ready(view, 'v2') === 1,
    )
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
  })

  test('that somebody orphans its canary: its pods are taken over or replaced, none is left behind', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 3s' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.admin.remove(deployments, shop.canaryRef, 'Orphan')
    await shop.until('a canary again', view => view.canary !== undefined && ready(view, 'v2') >= 1)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    const left = shop.now.replicaSets.filter(({ spec }) => (spec.replicas ?? 1) > 0)
    expect(left).toHaveLength(1)
  })

  test("that somebody deletes the former version's ReplicaSet: it is made again", async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 4s' })
    const [former] = shop.now.replicaSets
    const name = former?.metadata.name ?? ''
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.admin.remove(replicaSets, { namespace: shop.namespace, name })
    const mended = await shop.until(
      'v1 on 3 new pods',
      view =>
        ready(view, 'v1') === 3 &&
        view.replicaSets.some(
          ({ metadata }) => metadata.name === name && metadata.uid !== former?.metadata.uid,
        ),
    )
    expect(stablePods(mended).every(({ version }) => version === 'v1')).toBe(true)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
  })

  test('that the app is deleted: nothing of ours is left', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1h' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.admin.remove(deployments, shop.ref)
    await shop.until(
      'everything gone',
      view =>
        !view.deployment &&
        !view.canary &&
        view.pods.length === 0 &&
        view.snapshots.length === 0 &&
        view.replicaSets.length === 0,
    )
  })
})

describe.concurrent('another version in mid-release', () => {
  test('takes the place of the one that was tried, with a canary of its own', async () => {
    const shop = await Shop.serving(environment, { replicas: 10, steps: '30% for 2s' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.apply('v3')
    const running = await shop.stands(1, 'v3')
    expect(canaries(running).map(({ version }) => version)).toEqual(['v3', 'v3', 'v3'])
    await shop.servesAlone('v3', 10)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
    expect(mostPods(shop.watcher.history)).toBeLessThanOrEqual(13)
  })

  test('applied at 90% of the second, takes no ready pod under 10', async () => {
    const shop = await Shop.serving(environment, { replicas: 10, steps: '90% for 2s' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.apply('v3')
    await shop.stands(1, 'v3')
    await shop.servesAlone('v3', 10)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
    expect(mostPods(shop.watcher.history)).toBeLessThanOrEqual(13)
  })

  test('applied while the second is rolled out, is tried beside the mix that serves', async () => {
    const shop = await Shop.serving(environment, { steps: '50%', behaviour: { ready: '300ms' } })
    await shop.apply('v2')
    await shop.phase('Promoting', 'v2')
    await shop.until('v2 on stable', view => stablePods(view).some(({ version }) => version === 'v2'))
    await shop.apply('v3', { steps: '25% for 1s' })
    await shop.stands(1, 'v3')
    await shop.phase('Succeeded', 'v3')
    await shop.servesAlone('v3', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('that is the one which serves ends the release, and none of its pods restarts', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1h' })
    await shop.apply('v2')
    const running = await shop.stands(1, 'v2')
    await shop.until('3 stable pods', view => stablePods(view).length === 3)
    await shop.apply('v1')
    await shop.phase('Reverted', 'v1')
    const end = await shop.servesAlone('v1', 4)
    const kept = names(end.pods).filter(name => names(stablePods(running)).includes(name))
    expect(kept).toHaveLength(3)
    expect(end.paused).toBe(false)
    await shop.until(
      'nothing of ours',
      view => view.snapshots.length === 0 && ourConditions(view).length === 0,
    )
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})
