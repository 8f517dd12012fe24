import { describe, expect, test } from 'vitest'
import { pods } from '../../src/cluster/resources.ts'
import { COMMAND } from '../../src/core/annotations.ts'
import { RESTARTED_AT } from '../../src/core/template.ts'
import { useEnvironment } from './environment.ts'
import { APP, TEN } from './manifest.ts'
import { Shop } from './shop.ts'
import { canaries, condition, names, ourConditions, ready, stablePods } from './view.ts'
import { dipUnder, mostPods } from './watcher.ts'

const environment = useEnvironment()

describe.concurrent('a release', () => {
  test('creating an annotated Deployment makes no canary', async () => {
    const shop = await Shop.serving(environment)
    expect(shop.now.canary).toBeUndefined()
    expect(shop.now.state).toBeUndefined()
    expect(shop.now.events).toEqual([])
  })

  test('v2 gets a canary of 1 in 10, and stable goes to 9 only when it is ready', async () => {
    const shop = await Shop.serving(environment, { ...TEN, behaviour: { ready: '500ms' } })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    const smaller = await shop.until('9 stable pods', view => stablePods(view).length === 9)
    expect(canaries(smaller).map(({ version, ready }) => ({ version, ready }))).toEqual([
      { version: 'v2', ready: true },
    ])
    const first = shop.watcher.history.find(({ replicas }) => replicas === 9)
    expect(first && ready(first, 'v2')).toBe(1)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('ends with v2 on all pods and nothing of ours left', async () => {
    const shop = await Shop.serving(environment, TEN)
    await shop.apply('v2')
    const end = await shop.phase('Succeeded', 'v2')
    expect(end.paused).toBe(false)
    await shop.servesAlone('v2', 10)
    await shop.until('no snapshot', ({ snapshots }) => snapshots.length === 0)
    await shop.until('no condition of ours', view => ourConditions(view).length === 0)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
    expect(mostPods(shop.watcher.history)).toBeLessThanOrEqual(13)
  })
})

describe.concurrent('a plan', () => {
  test('gives each weight its share of the measured traffic, without an error', async () => {
    const shop = await Shop.serving(environment, { replicas: 10, steps: '10% for 3s, 50% for 3s' })
    await shop.expose()
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.until('9 stable pods', view => stablePods(view).length === 9)
    expect(Math.abs((await share(shop, 'v2')) - 10)).toBeLessThanOrEqual(3)
    await shop.stands(2, 'v2')
    await shop.until('5 stable pods', view => stablePods(view).length === 5)
    expect(Math.abs((await share(shop, 'v2')) - 50)).toBeLessThanOrEqual(3)
  })

  test('with an approval waits for a person', async () => {
    const shop = await Shop.serving(environment, { steps: '25%, approve, 50%' })
    await shop.apply('v2')
    const waiting = await shop.until('the approval is waited for', view =>
      /waiting for approval since/.test(condition(view, 'Reconciling')?.message ?? ''),
    )
    expect(canaries(waiting)).toHaveLength(1)
    await shop.command('approve', 'alice')
    await shop.event(/approved by alice/)
    await shop.phase('Succeeded', 'v2')
  })

  test('with a ramp goes up by its increment', async () => {
    const shop = await Shop.serving(environment, { steps: '25%..75% by 25% for 1s' })
    await shop.apply('v2')
    await shop.phase('Succeeded', 'v2')
    const weights = shop.watcher.history.flatMap(({ state }) =>
      state?.reached && state.stable !== undefined ? [4 - state.stable] : [],
    )
    expect([...new Set(weights)]).toEqual([1, 2, 3])
  })

  test('can name a number of pods instead of a share', async () => {
    const shop = await Shop.serving(environment, { steps: '2 pods for 1s' })
    await shop.apply('v2')
    expect(canaries(await shop.stands(1, 'v2'))).toHaveLength(2)
    await shop.until('2 stable pods', view => stablePods(view).length === 2)
  })
})

describe.concurrent('the capacity', () => {
  test('surge leaves the size of stable alone', async () => {
    const shop = await Shop.serving(environment, { settings: { capacity: 'surge' } })
    await shop.apply('v2')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(shop.watcher.history.every(({ replicas }) => replicas === 4)).toBe(true)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('is surge when the new template names another ConfigMap, since the old one may be pruned', async () => {
    const settings = (name: string) => ({ container: { envFrom: [{ configMapRef: { name } }] } })
    const shop = await Shop.serving(environment, { ...settings('shop-a'), replicas: 4, steps: '50% for 1s' })
    await shop.apply('v2', settings('shop-b'))
    const { state } = await shop.stands(1, 'v2')
    expect(state?.surge).toMatch(/ConfigMaps or Secrets/)
    await shop.phase('Succeeded', 'v2')
    expect(shop.watcher.history.every(({ replicas }) => replicas === 4)).toBe(true)
  })

  test('of one replica is one canary beside it, and a warning tells the real share', async () => {
    const shop = await Shop.serving(environment, {
      replicas: 1,
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    })
    const { warnings } = await shop.apply('v2')
    expect(warnings.join('\n')).toMatch(/50%/)
    const standing = await shop.stands(1, 'v2')
    expect([stablePods(standing).length, canaries(standing).length]).toEqual([1, 1])
    await shop.servesAlone('v2', 1)
    expect(dipUnder(1, shop.watcher.history)).toBe('')
  })

  test('with maxSurge 0 is never more than the replicas, and never less than maxUnavailable allows', async () => {
    const rollingUpdate = { maxSurge: 0, maxUnavailable: 2 }
    const shop = await Shop.serving(environment, { rollingUpdate, steps: '50% for 1s' })
    await shop.apply('v2')
    const standing = await shop.stands(1, 'v2')
    expect([stablePods(standing).length, canaries(standing).length]).toEqual([2, 2])
    await shop.servesAlone('v2', 4)
    expect(mostPods(shop.watcher.history)).toBeLessThanOrEqual(4)
    expect(dipUnder(2, shop.watcher.history)).toBe('')
  })

  test('of 3 replicas with one of them unready still has room for a canary', async () => {
    const shop = await Shop.serving(environment, { replicas: 3 })
    await shop.admin.patch(
      pods,
      { namespace: shop.namespace, name: shop.now.pods[0]?.name ?? '' },
      'strategic',
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      { subresource: 'status' },
    )
    await shop.until('2 of 3 ready', view => ready(view) === 2)
    await shop.apply('v2')
    await shop.until('a canary', view => canaries(view).length === 1)
  })
})

describe.concurrent('no canary', () => {
  test('with 0 replicas, and a warning says why', async () => {
    const shop = await Shop.open(environment, { replicas: 0 })
    await shop.apply('v1')
    const { warnings } = await shop.apply('v2')
    expect(warnings.join('\n')).toMatch(/no canary: with 0 replicas/)
    expect((await shop.stored()).spec.paused).toBeUndefined()
  })

  test('for a restart: the pods are replaced', async () => {
    const shop = await Shop.serving(environment, { replicas: 2 })
    const before = names(shop.now.pods)
    const annotations = { [RESTARTED_AT]: '2026-01-01T00:00:00Z' }
    const { warnings } = await shop.patch({ spec: { template: { metadata: { annotations } } } })
    expect(warnings.join('\n')).toMatch(/a restart is not a canary/)
    const after = await shop.until(
      'two other pods',
      view =>
        ready(view) === 2 && view.pods.length === 2 && !names(view.pods).some(name => before.includes(name)),
    )
    expect(after.state).toBeUndefined()
  })

  test('with promote in the same patch', async () => {
    const shop = await Shop.serving(environment, { replicas: 2 })
    const { warnings } = await shop.patch({
      metadata: { annotations: { [COMMAND]: 'promote' } },
      spec: { template: { spec: { containers: [{ name: APP, image: 'shop:v2' }] } } },
    })
    expect(warnings.join('\n')).toMatch(/shipped without a canary, as you asked/)
    await shop.servesAlone('v2', 2)
    expect(shop.watcher.history.every(({ canary }) => canary === undefined)).toBe(true)
    expect((await shop.stored()).metadata.annotations).not.toHaveProperty(COMMAND)
  })

  test('where nothing serves that could be protected: a fix ships at once, and an Event says so', async () => {
    const shop = await Shop.open(environment, { replicas: 2 })
    await shop.apply('v1', { behaviour: { ready: 'never' } })
    await shop.until('2 pods of v1', view => view.pods.length === 2)
    await shop.apply('v2')
    await shop.servesAlone('v2', 2)
    await shop.event(/Warning NoCanary: no pod of the former version is available/)
    expect(shop.watcher.history.every(({ canary }) => canary === undefined)).toBe(true)
  })

  test('while its user keeps the Deployment paused; resuming it is what starts the release', async () => {
    const shop = await Shop.serving(environment)
    await shop.patch({ spec: { paused: true } })
    const { warnings } = await shop.apply('v2')
    expect(warnings.join('\n')).toMatch(/paused by you: the canary release starts when you resume it/)
    expect(shop.now.state).toBeUndefined()
    const { object } = await shop.patch({ spec: { paused: false } })
    expect(object.spec.paused).toBe(true)
    await shop.stands(1, 'v2')
    expect(stablePods(shop.now).every(({ version }) => version === 'v1')).toBe(true)
  })

  test('with strategy Recreate, which is refused with the reason and what to do', async () => {
    const shop = await Shop.open(environment)
    await expect(shop.apply('v1', { strategy: 'Recreate' })).rejects.toThrow(
      /strategy Recreate says that two versions must not run side by side.*use strategy RollingUpdate/,
    )
  })
})

async function share(shop: Shop, version: string): Promise<number> {
  const traffic = await shop.traffic(200)
  expect(traffic.errors).toBe(0)
  return (100 * (traffic.byVersion[version] ?? 0)) / traffic.requests
}
