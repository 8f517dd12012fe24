/** Fresh pods of the version that serves beside the canary, so that like is compared with like. */
import { describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { cronJobs, deployments } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from './environment.ts'
import type { AppOptions } from './manifest.ts'
import { Shop } from './shop.ts'
import { smoke } from './smoke.ts'
import { baselinePods, canaries, ready, stablePods, type View } from './view.ts'
import { crowdOver, dipUnder } from './watcher.ts'

const environment = useEnvironment()

async function comparing(options: AppOptions): Promise<Shop> {
  const settings = { baseline: 'true', ...options.settings }
  return Shop.serving(environment, { ...options, settings })
}

/** Pods that serve: of stable, of the canary, of the baseline. */
function served(view: View): readonly number[] {
  return [stablePods, canaries, baselinePods].map(of => of(view).filter(pod => pod.ready).length)
}

function stand(shop: Shop, ...counts: readonly [number, number, number]): Promise<View> {
  const check = (view: View) => served(view).join() === counts.join() && allThere(view, counts)
  return shop.until(`${counts.join(' + ')} pods serve`, check)
}

function allThere({ pods }: View, counts: readonly number[]): boolean {
  return pods.length === counts.reduce((sum, count) => sum + count, 0)
}

async function approve(shop: Shop): Promise<void> {
  await shop.until('somebody is waited for', ({ state }) => state?.step === 1)
  await shop.command('approve')
}

async function gone(shop: Shop): Promise<void> {
  await shop.until('the baseline is gone', view => !view.baseline && baselinePods(view).length === 0)
}

describe.concurrent('a baseline', () => {
  test('of ten replicas 20% are two canary and two baseline pods, until the release is promoted', async () => {
    const shop = await comparing({ replicas: 10, steps: '20%, approve' })
    await shop.expose()
    await shop.apply('v2')
    const view = await stand(shop, 6, 2, 2)
    expect(canaries(view).map(({ version }) => version)).toEqual(['v2', 'v2'])
    expect(baselinePods(view).map(({ version }) => version)).toEqual(['v1', 'v1'])
    const { byVersion } = await shop.traffic(400)
    const share = (100 * (byVersion.v2 ?? 0)) / 400
    expect(Math.abs(share - 20)).toBeLessThanOrEqual(5)
    expect(crowdOver(13, shop.watcher.history)).toBe('')

    await approve(shop)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 10)
    await gone(shop)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('of three replicas it comes on top', async () => {
    const shop = await comparing({ replicas: 3, steps: '33%, approve' })
    await shop.apply('v2')
    await stand(shop, 2, 1, 1)
    await approve(shop)
    await shop.servesAlone('v2', 3)
    await gone(shop)
    expect(dipUnder(3, shop.watcher.history)).toBe('')
  })

  test('goes with a canary that is taken away, and stable keeps serving', async () => {
    const shop = await comparing({ replicas: 10, steps: '20%, approve' })
    await shop.apply('v2')
    await stand(shop, 6, 2, 2)
    await shop.command('abort')
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 10)
    await gone(shop)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('beside a canary that never gets ready takes nothing from stable', async () => {
    const shop = await comparing({ replicas: 10, steps: '20%', settings: { deadline: '4s' } })
    await shop.apply('v2', { behaviour: { ready: 'never' }, settings: { baseline: 'true', deadline: '4s' } })
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 10)
    await gone(shop)
    expect(shop.now.state?.message).toMatch(/0 of 2 canary pods/)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('comes back when somebody deletes it', async () => {
    const shop = await comparing({ replicas: 10, steps: '20%, approve' })
    await shop.apply('v2')
    const { baseline } = await stand(shop, 6, 2, 2)
    await shop.admin.remove(deployments, { namespace: shop.namespace, name: 'shop-baseline' })
    const uid = baseline?.metadata.uid
    await shop.until(
      'another baseline',
      view => view.baseline !== undefined && view.baseline.metadata.uid !== uid,
    )
    await stand(shop, 6, 2, 2)
    await approve(shop)
    await shop.servesAlone('v2', 10)
  })

  test('a third version gets one of its own', async () => {
    const shop = await comparing({ replicas: 10, steps: '20%, approve' })
    await shop.apply('v2')
    await stand(shop, 6, 2, 2)
    await shop.apply('v3')
    await shop.until('v3 is compared', view => view.version === 'v3' && canaries(view)[0]?.version === 'v3')
    const view = await stand(shop, 6, 2, 2)
    expect(baselinePods(view).map(({ version }) => version)).toEqual(['v1', 'v1'])
    expect(ready(view, 'v3')).toBe(2)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('is done without where its name is taken, and that Deployment is not touched', async () => {
    const shop = await comparing({ replicas: 10, steps: '20%, approve' })
    const stranger = shop.manifest('v9', { replicas: 1, steps: null, settings: {} })
    const labels = { app: 'stranger' }
    await shop.admin.create(deployments, shop.namespace, {
      ...stranger,
      metadata: { name: 'shop-baseline' },
      spec: {
        ...stranger.spec,
        selector: { matchLabels: labels },
        template: { ...stranger.spec.template, metadata: { labels } },
      },
    })
    await shop.apply('v2')
    await shop.event(/Warning NoBaseline: a Deployment of the baseline's name exists/)
    await approve(shop)
    expect(canaries(shop.now)).toHaveLength(2)
    await shop.phase('Succeeded', 'v2')
    const kept = await shop.admin.get(deployments, { namespace: shop.namespace, name: 'shop-baseline' })
    expect(kept.spec.replicas).toBe(1)
  })

  test('is as alone as the canary while that is tested, and takes requests with it', async () => {
    const shop = await comparing({
      replicas: 10,
      steps: 'test, 20%, approve',
      settings: { test: 'cronjob/shop-smoke' },
    })
    await shop.admin.create(cronJobs as Resource<KubernetesObject>, shop.namespace, smoke('never'))
    await shop.apply('v2')
    await shop.until('it is tested', view => view.state?.tested === true && baselinePods(view).length === 1)
    expect(served(shop.now)).toEqual([10, 0, 0])
    await shop.command('skip')
    await stand(shop, 6, 2, 2)
    await shop.command('abort')
    await shop.servesAlone('v1', 10)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })
})
