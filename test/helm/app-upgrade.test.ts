/** helm upgrade of an app whose releases are canary releases, with Helm's two ways to apply. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ownControlPlane } from '../controlplane/planes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { names, ourConditions, ready, stablePods } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { HelmShop, type ShopValues } from './app-shop.ts'
import { Helm } from './helm.ts'

const environment = useEnvironment()
const BAD: ShopValues = { behaviour: { ready: 'never' }, settings: { deadline: '2s' } }
const CLIENT_SIDE = ['--server-side=false']

let helm: Helm
beforeAll(async () => {
  helm = await Helm.open(inject('helm'), ownControlPlane().kubeconfigs.admin)
})
afterAll(() => helm.close())

describe.concurrent.each([
  ['server-side apply', []],
  ['client-side apply', CLIENT_SIDE],
])('helm upgrade with %s', (_way, flags) => {
  test.each<readonly [string, ShopValues]>([
    ['with replicas in the chart', { replicas: 4 }],
    ['with replicas left to others', { replicas: null }],
    ['in surge mode', { settings: { capacity: 'surge' } }],
  ])('meets no conflict before, during and after releases, %s', async (_sentence, values) => {
    const app = await HelmShop.serving(environment, helm, values, flags)
    const { shop } = app
    const settings = { ...values.settings, ...BAD.settings }
    const again = (version: string, changes: ShopValues = {}) => app.upgrade(version, changes)
    await again('v1')

    await app.upgrade('v2')
    await again('v2')
    await shop.stands(1, 'v2')
    await again('v2')
    await shop.command('skip')
    await shop.stands(2, 'v2')
    await again('v2')
    await shop.command('promote')
    await again('v2')
    await app.servesAlone('v2', 4)
    await shop.phase('Succeeded', 'v2')
    await again('v2')

    await app.upgrade('v3', { ...BAD, settings })
    await shop.phase('Failed', 'v3')
    await again('v3', { ...BAD, settings })
    await app.servesAlone('v2', 4)
    const held = names(stablePods(shop.now))
    await again('v3', { ...BAD, settings })
    expect(shop.now).toMatchObject({ paused: true, version: 'v3' })
    await again('v2')
    await shop.phase('Reverted', 'v2')
    await shop.until('un-paused', ({ paused }) => !paused)
    await again('v2')
    await app.servesAlone('v2', 4)
    expect(names(stablePods(shop.now))).toEqual(held)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test.each(['watcher', 'legacy'])('--wait=%s takes a canary release that runs for ready', async strategy => {
    const app = await HelmShop.serving(environment, helm, {}, flags)
    const began = Date.now()
    await app.upgrade('v2', {}, [`--wait=${strategy}`, '--timeout=60s'])
    const took = Date.now() - began
    process.stdout.write(`helm upgrade --wait=${strategy} ${flags}: ${took} ms\n`)
    expect(await app.status()).toBe('deployed')
    expect(['Pending', 'Progressing']).toContain(app.shop.now.state?.phase)
  })

  test('a second upgrade while a release runs gives the new version a canary of its own', async () => {
    const app = await HelmShop.serving(environment, helm, {}, flags)
    const { shop } = app
    await app.upgrade('v2')
    await shop.stands(1, 'v2')
    await app.upgrade('v3')
    await shop.stands(1, 'v3')
    await shop.until('3 of v1 and 1 of v3', view => ready(view, 'v1') === 3 && ready(view, 'v3') === 1)
    expect(ready(shop.now, 'v2')).toBe(0)
    await shop.command('promote')
    await app.servesAlone('v3', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('helm rollback in mid-release ends it on the same pods', async () => {
    const app = await HelmShop.serving(environment, helm, {}, flags)
    const { shop } = app
    await app.upgrade('v2')
    await shop.stands(1, 'v2')
    await shop.until('3 of v1', view => ready(view, 'v1') === 3)
    const served = names(stablePods(shop.now))
    await app.helm('rollback', '1', '--wait', '--timeout=60s')
    await shop.phase('Reverted', 'v1')
    await app.servesAlone('v1', 4)
    await shop.until('un-paused', ({ paused, snapshots }) => !paused && snapshots.length === 0)
    expect(names(shop.now.pods)).toEqual(expect.arrayContaining([...served]))
    expect(ourConditions(shop.now)).toEqual([])
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('helm uninstall in mid-release leaves nothing', async () => {
    const app = await HelmShop.serving(environment, helm, {}, flags)
    const { shop } = app
    await app.upgrade('v2')
    await shop.stands(1, 'v2')
    await app.helm('uninstall', '--wait', '--timeout=60s')
    await app.leavesNothing()
  })
})

describe.concurrent('helm upgrade', () => {
  test('without the hook sees no canary fail, and has nothing to roll back', async () => {
    const app = await HelmShop.serving(environment, helm)
    await app.upgrade('v2', BAD, ['--rollback-on-failure', '--timeout=60s'])
    expect(await app.status()).toBe('deployed')
    await app.shop.phase('Failed', 'v2')
    await app.servesAlone('v1', 4)
  })

  test('conflicts with kubectl scale where the chart says replicas, release or not; forced it goes on', async () => {
    const app = await HelmShop.serving(environment, helm)
    const { shop } = app
    expect((await shop.kubectl(['scale', 'deployment/shop', '--replicas=5'])).code).toBe(0)
    const refused = await app.tryUpgrade('v1')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(
      /conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
    )
    await app.upgrade('v2', {}, ['--force-conflicts'])
    await shop.stands(1, 'v2')
    await app.upgrade('v2')
    await shop.command('promote')
    await app.servesAlone('v2', 4)
  })
})
