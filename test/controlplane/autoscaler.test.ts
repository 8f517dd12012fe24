/** A real autoscaler. Without metrics it still keeps to its bounds, which is enough to make it scale. */
import { describe, expect, test } from 'vitest'
import { horizontalPodAutoscalers } from '../../src/cluster/resources.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { Shop } from '../scenarios/shop.ts'
import { canaries, ready, stablePods } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'

const environment = useEnvironment()
const APP = { replicas: 4, steps: '50% for 1h' }

async function autoscale(shop: Shop, minReplicas: number, maxReplicas: number): Promise<void> {
  await shop.admin.create(horizontalPodAutoscalers, shop.namespace, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'shop', namespace: shop.namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
      minReplicas,
      maxReplicas,
    },
  })
}

async function bound(shop: Shop, minReplicas: number, maxReplicas: number): Promise<void> {
  const body = { spec: { minReplicas, maxReplicas } }
  await shop.admin.patch(horizontalPodAutoscalers, shop.ref, 'merge', body)
}

const serves = (stable: number, canary: number) => (view: Shop['now']) =>
  stablePods(view).length === stable && canaries(view).length === canary && ready(view) === stable + canary

function sizes({ watcher }: Shop): readonly number[] {
  const all = watcher.history.map(({ replicas }) => replicas)
  return all.filter((size, index) => size !== all[index - 1])
}

describe.concurrent('an autoscaler of Kubernetes', () => {
  test('scales in mid-release and in its promotion, and nobody puts its sizes back', async () => {
    const shop = await Shop.serving(environment, APP)
    await autoscale(shop, 1, 50)
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await bound(shop, 6, 50)
    await shop.until('6 canaries beside 6 pods', serves(6, 6))
    await bound(shop, 1, 3)
    await shop.until('3 canaries beside 3 pods', serves(3, 3))
    await bound(shop, 5, 50)
    await shop.command('promote')
    await shop.servesAlone('v2', 5)
    expect(sizes(shop)).toEqual([4, 6, 3, 5])
    expect(dipUnder(3, shop.watcher.history)).toBe('')
  })

  test('that comes in mid-release scales stable from its full size', async () => {
    const shop = await Shop.serving(environment, { replicas: 10, steps: '30% for 1h' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.until('3 canaries beside 7 pods', serves(7, 3))
    await autoscale(shop, 12, 50)
    await shop.until('5 canaries beside 12 pods', serves(12, 5))
    await shop.command('abort')
    await shop.servesAlone('v1', 12)
    expect(sizes(shop).filter(size => size !== 10)).toEqual([7, 12])
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('that kubectl autoscale makes is noticed', async () => {
    const shop = await Shop.serving(environment, APP)
    const { code, stderr } = await shop.kubectl(['autoscale', 'deployment', 'shop', '--min=1', '--max=50'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await shop.apply('v2')
    const view = await shop.until('surge', ({ state }) => state?.surge !== undefined)
    expect(view.state?.surge).toBe('HorizontalPodAutoscaler shop scales it')
  })
})
