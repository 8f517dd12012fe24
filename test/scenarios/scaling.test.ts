import { describe, expect, test } from 'vitest'
import { useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { canaries, names, ready, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

/** v2 holds a tenth of 10 pods. */
async function running(): Promise<Shop> {
  const shop = await Shop.serving(environment, { replicas: 10, steps: '10% for 1h' })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('9 stable pods', view => stablePods(view).length === 9)
  return shop
}

describe.concurrent('scaling in mid-release', () => {
  test('to 20 is the new total, and the canary grows with it', async () => {
    const shop = await running()
    await shop.scale(20)
    const scaled = await shop.until(
      '18 stable pods and 2 canaries',
      view => view.replicas === 18 && ready(view, 'v1') === 18 && ready(view, 'v2') === 2,
    )
    expect(scaled.state?.total).toBe(20)
    expect(canaries(scaled)).toHaveLength(2)
    await shop.command('promote')
    await shop.servesAlone('v2', 20)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('up, and the release then fails: the former version serves at the new size', async () => {
    const shop = await running()
    await shop.scale(12)
    await shop.until('11 stable pods', view => stablePods(view).length === 11)
    await shop.command('abort')
    await shop.servesAlone('v1', 12)
  })

  test('by a manifest that names the total again is put back', async () => {
    const shop = await running()
    const { object } = await shop.apply('v2', { annotations: { 'example.com/touched': 'yes' } })
    expect(object.spec).toMatchObject({ replicas: 9, paused: true })
    expect(shop.now.state).toMatchObject({ total: 10, stable: 9, putBacks: 1 })
    expect(shop.now.state?.surge).toBeUndefined()
  })

  test('back to the total twice leaves stable at its size from there', async () => {
    const shop = await running()
    await shop.scale(10)
    await shop.until('put back', ({ state, replicas }) => state?.putBacks === 1 && replicas === 9)
    await shop.scale(10)
    const surge = await shop.until(
      'surge',
      ({ state, replicas }) => state?.surge !== undefined && replicas === 10,
    )
    expect(surge.state?.surge).toMatch(/put back to 10/)
    await shop.event(/stable is left at its size from here/)
    await shop.command('promote')
    await shop.servesAlone('v2', 10)
  })

  test('to 0 ends the release, held at 0; back at 10 the former version serves', async () => {
    const shop = await running()
    await shop.scale(0)
    await shop.phase('Failed', 'v2')
    const empty = await shop.until('no pods', view => view.pods.length === 0 && !view.canary)
    expect(empty.state).toMatchObject({ reason: 'ScaledToZero', total: 0 })
    await shop.scale(10)
    const end = await shop.servesAlone('v1', 10)
    expect(end).toMatchObject({ paused: true, version: 'v2' })
  })
})

describe.concurrent('scaling a failed release that is held', () => {
  async function held(): Promise<Shop> {
    const shop = await running()
    await shop.command('abort')
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 10)
    return shop
  }

  test('to 0 and back to 10 serves the former version', async () => {
    const shop = await held()
    await shop.scale(0)
    await shop.until('no pods', view => view.pods.length === 0)
    await shop.scale(10)
    await shop.servesAlone('v1', 10)
    await shop.until('held at 10', ({ state }) => state?.phase === 'Failed' && state.total === 10)
  })

  test('to 0 and back serves the former version even if the rejected one was deployed before', async () => {
    const shop = await Shop.serving(environment, { replicas: 3, steps: '30% for 1h' })
    await shop.apply('v2')
    await shop.command('promote')
    await shop.servesAlone('v2', 3)
    await shop.apply('v1')
    await shop.stands(1, 'v1')
    await shop.command('abort')
    await shop.servesAlone('v2', 3)
    await shop.scale(0)
    await shop.until('no pods', view => view.pods.length === 0)
    await shop.scale(3)
    await shop.servesAlone('v2', 3)
  })

  test('to 12 keeps the pods that serve and adds 2', async () => {
    const shop = await held()
    const before = names(shop.now.pods)
    await shop.scale(12)
    const end = await shop.servesAlone('v1', 12)
    expect(names(end.pods)).toEqual(expect.arrayContaining([...before]))
  })
})

// Not beside others: they have the same controller.
describe('scaling a failed release that is held, while the controller is away', () => {
  test.each([2, 4, 10])(
    'to 0 and back to %s wakes another version; the right one takes over from it',
    async replicas => {
      const shop = await Shop.serving(environment, { replicas, steps: '50% for 1h' })
      // The ReplicaSet of v2 is the newer one of those that Kubernetes may wake.
      for (const version of ['v2', 'v1']) {
        await shop.apply(version)
        await shop.stands(1, version)
        await shop.command('promote')
        await shop.phase('Succeeded', version)
        await shop.servesAlone(version, replicas)
      }
      await shop.apply('v3')
      await shop.stands(1, 'v3')
      await shop.command('abort')
      await shop.servesAlone('v1', replicas)
      await shop.scale(0)
      await shop.until('no pods', ({ pods }) => pods.length === 0)
      await environment.controller.kill()
      await shop.scale(replicas)
      await shop.until('v2 awake', view => ready(view, 'v2') === replicas)
      shop.watcher.restart()
      const before = shop.writes().length
      await environment.controller.start()
      const end = await shop.servesAlone('v1', replicas)
      expect(end).toMatchObject({ paused: true, version: 'v3' })
      // One pod more than is covered may go where the Deployment controller would put everything back else.
      expect(dipUnder(replicas - 1, shop.watcher.history)).toBe('')
      const mends = shop
        .writes()
        .slice(before)
        .filter(({ resource }) => resource === 'replicasets')
      expect(mends.length).toBeLessThan(40)
    },
  )
})
