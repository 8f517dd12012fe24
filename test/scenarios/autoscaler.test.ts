import { describe, expect, test } from 'vitest'
import { horizontalPodAutoscalers } from '../../src/cluster/resources.ts'
import { useEnvironment } from './environment.ts'
import type { AppOptions } from './manifest.ts'
import { Shop } from './shop.ts'
import { canaries, condition, ready, stablePods, type View } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

/** On the control plane it is a real one: without metrics it scales nothing by itself, within these bounds. */
async function autoscale(shop: Shop, name = 'web', target: object = {}): Promise<void> {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop', ...target }
  await shop.admin.create(horizontalPodAutoscalers, shop.namespace, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: shop.namespace },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 50 },
  })
}

/** v1 serves with an autoscaler on it; v2 stands at its first step. */
async function running(options: AppOptions = { replicas: 4, steps: '50% for 1h' }): Promise<Shop> {
  const shop = await Shop.serving(environment, options)
  await autoscale(shop)
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  return shop
}

/** The sizes that stable was given, one after the other. */
function sizes({ watcher }: Shop): readonly number[] {
  const all = watcher.history.map(({ replicas }) => replicas)
  return all.filter((size, index) => size !== all[index - 1])
}

const beside = (stable: number, canary: number) => (view: View) =>
  stablePods(view).length === stable &&
  ready(view, 'v1') === stable &&
  canaries(view).length === canary &&
  ready(view, 'v2') === canary

describe.concurrent('an autoscaler on the app', () => {
  test('keeps stable at its size: the canary is extra, and people are told why', async () => {
    const shop = await running()
    const view = await shop.until('4 canaries beside 4 pods', beside(4, 4))
    expect(view.state).toMatchObject({ total: 4, surge: 'HorizontalPodAutoscaler web scales it' })
    expect(condition(view, 'Reconciling')?.message).toBe(
      'step 1 of 1: canary 50% for 1h; surge mode: HorizontalPodAutoscaler web scales it',
    )
    await shop.event(/HorizontalPodAutoscaler web scales it/)
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
    expect(sizes(shop)).toEqual([4])
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('scales in mid-release: the canary goes with it, and nobody puts it back', async () => {
    const shop = await running()
    await shop.scale(6)
    await shop.until('6 canaries beside 6 pods', beside(6, 6))
    await shop.scale(3)
    const view = await shop.until('3 canaries beside 3 pods', beside(3, 3))
    expect(view.state).toMatchObject({ phase: 'Progressing', step: 0, total: 3 })
    await shop.command('promote')
    await shop.servesAlone('v2', 3)
    expect(sizes(shop)).toEqual([4, 6, 3])
  })

  test('scales while the new version is promoted', async () => {
    const shop = await running()
    await shop.command('promote')
    await shop.phase('Promoting', 'v2')
    await shop.scale(7)
    await shop.servesAlone('v2', 7)
    await shop.phase('Succeeded', 'v2')
    expect(sizes(shop)).toEqual([4, 7])
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('scales while the release fails, and while it is held', async () => {
    const shop = await running()
    await shop.command('abort')
    await shop.phase('Failed', 'v2')
    await shop.scale(6)
    await shop.servesAlone('v1', 6)
    await shop.scale(5)
    const end = await shop.servesAlone('v1', 5)
    expect(end).toMatchObject({ paused: true, version: 'v2' })
    await shop.command('retry')
    await shop.until('5 canaries beside 5 pods', beside(5, 5))
    expect(sizes(shop)).toEqual([4, 6, 5])
  })

  test('is there before the webhook or the controller knows: what it scaled meanwhile counts', async () => {
    const shop = await Shop.serving(environment, { replicas: 4, steps: '50% for 1h' })
    await autoscale(shop)
    await shop.apply('v2')
    await shop.scale(6)
    await shop.until('6 canaries beside 6 pods', beside(6, 6))
    expect(sizes(shop)).toEqual([4, 6])
  })
})

describe.concurrent('an autoscaler that scales to 0, as KEDA does', () => {
  test('rejects nothing: the release waits, and its step begins anew when pods come back', async () => {
    const shop = await running()
    await shop.scale(0)
    const empty = await shop.until('nothing runs', ({ pods, canary }) => pods.length === 0 && !canary)
    expect(empty).toMatchObject({ paused: true, version: 'v2' })
    const asleep = await shop.until('it is told', view =>
      /scaled to 0, begins anew with the first pod/.test(condition(view, 'Reconciling')?.message ?? ''),
    )
    expect(asleep.state).toMatchObject({ phase: 'Progressing', step: 0, total: 0 })
    expect(condition(asleep, 'Stalled')).toBeUndefined()
    await shop.scale(2)
    await shop.until('2 canaries beside 2 pods of v1', beside(2, 2))
    await shop.command('promote')
    await shop.servesAlone('v2', 2)
    expect(sizes(shop)).toEqual([4, 0, 2])
  })

  test('and back brings the version that served, also if the new one was deployed before', async () => {
    const shop = await Shop.serving(environment, { replicas: 3, steps: '30% for 1h' })
    await shop.apply('v2')
    await shop.command('promote')
    await shop.servesAlone('v2', 3)
    await shop.phase('Succeeded', 'v2')
    await autoscale(shop)
    await shop.apply('v1')
    await shop.stands(1, 'v1')
    await shop.scale(0)
    await shop.until('nothing runs', ({ pods, canary }) => pods.length === 0 && !canary)
    await shop.scale(3)
    await shop.until(
      '3 pods of v2 and a canary of v1',
      view =>
        stablePods(view).every(({ version }) => version === 'v2') &&
        ready(view, 'v2') === 3 &&
        ready(view, 'v1') === canaries(view).length &&
        canaries(view).length === 1,
    )
  })
})

describe.concurrent('an autoscaler that comes or goes in mid-release', () => {
  test('gets stable at its full size, and from there has it to itself', async () => {
    const shop = await Shop.serving(environment, { replicas: 10, steps: '30% for 1h' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.until('3 canaries beside 7 pods', beside(7, 3))
    await autoscale(shop)
    await shop.until('4 canaries beside 10 pods', beside(10, 4))
    await shop.event(/Surge: stable is left at its size from here: HorizontalPodAutoscaler web scales it/)
    await shop.until('stable is nobody’s but its own', ({ state }) => state?.stable === undefined)
    await shop.scale(12)
    await shop.until('5 canaries beside 12 pods', beside(12, 5))
    expect(sizes(shop)).toEqual([10, 7, 10, 12])
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('gone, the release ends as it began; the next one is an ordinary one', async () => {
    const shop = await running()
    await shop.admin.remove(horizontalPodAutoscalers, { namespace: shop.namespace, name: 'web' })
    await shop.scale(5)
    const view = await shop.until('5 canaries beside 5 pods', beside(5, 5))
    expect(view.state?.surge).toBeDefined()
    await shop.command('promote')
    await shop.servesAlone('v2', 5)
    await shop.phase('Succeeded', 'v2')
    await shop.apply('v3', { replicas: 5, steps: '40% for 1h' })
    const next = await shop.stands(1, 'v3')
    expect(next).toMatchObject({ replicas: 3, state: { stable: 3, total: 5 } })
  })
})

test('autoscalers of others change nothing: of the canary, of another kind, another group or namespace', async () => {
  const shop = await Shop.serving(environment, { replicas: 4, steps: '25% for 1h' })
  const elsewhere = await Shop.open(environment)
  await autoscale(elsewhere)
  await autoscale(shop, 'canary', { name: 'shop-canary' })
  await autoscale(shop, 'kind', { kind: 'StatefulSet' })
  await autoscale(shop, 'group', { apiVersion: 'example.com/v1' })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  const view = await shop.until('1 canary beside 3 pods', beside(3, 1))
  expect(view.state).toMatchObject({ total: 4, stable: 3 })
  expect(view.state?.surge).toBeUndefined()
})
