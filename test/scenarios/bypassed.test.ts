import { describe, expect, test } from 'vitest'
import { useEnvironment } from './environment.ts'
import { withoutRegistration } from './registration.ts'
import { Shop } from './shop.ts'
import { names, ready, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

async function running(): Promise<Shop> {
  // Pods that take a while to start, so that no rollout is over before anybody can look.
  const behaviour = { ready: '500ms' }
  const shop = await Shop.serving(environment, { replicas: 4, steps: '25% for 1h', behaviour })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

describe('when the webhook is not asked', () => {
  test('what somebody does to the spec is repaired', async () => {
    const shop = await running()
    const before = names(stablePods(shop.now))
    await withoutRegistration(shop.admin, async () => {
      await shop.patch({ spec: { paused: false } })
      await shop.until('paused again', ({ paused }) => paused)
      await shop.until('one canary, v1 on stable', view => ready(view, 'v1') === 3 && ready(view, 'v2') === 1)
      expect(names(stablePods(shop.now)).filter(pod => before.includes(pod)).length).toBeGreaterThanOrEqual(2)
    })
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
  })

  test('a release that fails is taken back all the same, and annotated changes wait', async () => {
    const plain = await Shop.serving(environment, { steps: null, replicas: 1 })
    const shop = await Shop.serving(environment, {
      replicas: 4,
      steps: '50% for 1h',
      settings: { 'max-restarts': '0' },
    })
    await shop.apply('v2', { behaviour: { 'restart-after': '6s' } })
    await shop.stands(1, 'v2')
    await environment.webhook.stop()
    try {
      await expect(shop.apply('v3')).rejects.toThrow(/failed calling webhook/)
      await plain.apply('v2', { steps: null })
      await plain.servesAlone('v2', 1)
      await shop.until('v1 on 4 pods', view => ready(view, 'v1') === 4 && view.state?.phase === 'Failed')
      // Stable's own half never goes; the canary's is what crashes.
      expect(dipUnder(2, shop.watcher.history)).toBe('')
      await shop.until('no canary', ({ canary }) => canary === undefined, 20_000)
    } finally {
      await environment.webhook.start()
    }
    await shop.apply('v1')
    await shop.phase('Reverted', 'v1')
    await shop.servesAlone('v1', 4)
  })

  test('scaling passes, and is the new total', async () => {
    const shop = await running()
    await environment.webhook.stop()
    try {
      await shop.scale(8)
      await shop.until('8 replicas', ({ replicas }) => replicas === 8)
    } finally {
      await environment.webhook.start()
    }
    await shop.until('total 8', ({ state }) => state?.total === 8)
    await shop.command('promote')
    await shop.servesAlone('v2', 8)
  })
})
