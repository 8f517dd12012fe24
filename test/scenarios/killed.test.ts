import { expect, test } from 'vitest'
import { useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { names, ourConditions, type View } from './view.ts'
import { dipUnder, mostPods } from './watcher.ts'

const environment = useEnvironment()

const SMALL = { replicas: 2, steps: '50%', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
const NEVER_READY = { behaviour: { ready: 'never' }, settings: { deadline: '1s' } }

/** As many as a release of this plan takes. */
const WRITES = 10

/**
 * The first app's controller is killed right after its first write for it, the next one's after its second,
 * and so on. All are released at the same time, so that each is also cut off at moments of chance, by the
 * deaths meant for others.
 */
test('a controller that is killed after any of its writes ends every release the same way when it is back', async () => {
  const open = () => Shop.serving(environment, SMALL)
  const good = await Promise.all(Array.from({ length: WRITES }, open))
  const bad = await Promise.all(Array.from({ length: WRITES / 2 }, open))
  const before = new Map(bad.map(shop => [shop, names(shop.now.pods)]))
  await Promise.all(good.map(shop => shop.apply('v2')))
  await Promise.all(bad.map(shop => shop.apply('v2', NEVER_READY)))

  let deaths = 0
  for (const [index, shop] of interleaved(good, bad)) {
    const trap = environment.controller.killAfterWrites(shop.namespace, index + 1)
    const isOver = good.includes(shop) ? succeeded : rejected
    // It may be dead before it is ready: that is no failure to start.
    const over = environment.controller.start().then(() => isOver(shop))
    over.catch(() => {})
    await Promise.race([trap.dead, over])
    if (await trap.disarm()) deaths += 1
  }
  await environment.controller.start()
  expect(deaths).toBeGreaterThan(WRITES)

  for (const shop of good) {
    await succeeded(shop)
    await shop.servesAlone('v2', 2)
    expect(ourConditions(shop.now)).toEqual([])
  }
  for (const shop of bad) {
    await rejected(shop)
    const end = await shop.servesAlone('v1', 2)
    expect(names(end.pods)).toEqual(before.get(shop))
  }
  for (const shop of [...good, ...bad]) {
    expect(dipUnder(2, shop.watcher.history)).toBe('')
    expect(mostPods(shop.watcher.history)).toBeLessThanOrEqual(3)
  }
})

/** Each shop with the number of its writes to wait for; those of both lists with few writes first. */
function interleaved(good: readonly Shop[], bad: readonly Shop[]): readonly (readonly [number, Shop])[] {
  return good.flatMap((shop, index) => [
    [index, shop] as const,
    ...bad.slice(index, index + 1).map(other => [index, other] as const),
  ])
}

function succeeded(shop: Shop): Promise<View> {
  const over = ({ state, snapshots }: View) => state?.phase === 'Succeeded' && snapshots.length === 0
  return shop.until('v2 succeeded and nothing of ours is left', over, 60_000)
}

function rejected(shop: Shop): Promise<View> {
  const over = ({ state, canary }: View) => state?.phase === 'Failed' && !canary
  return shop.until('v2 failed and its canary is gone', over, 60_000)
}

test('while no controller runs, the former version serves and nothing ships', async () => {
  const shop = await Shop.serving(environment, SMALL)
  const before = names(shop.now.pods)
  await environment.controller.kill()
  const { warnings } = await shop.apply('v2')
  expect(warnings.join('\n')).toMatch(/canary 50%/)
  expect(shop.now).toMatchObject({ paused: true, state: { phase: 'Pending' } })
  expect(names(shop.now.pods)).toEqual(before)
  await environment.controller.start()
  await shop.servesAlone('v2', 2)
})
