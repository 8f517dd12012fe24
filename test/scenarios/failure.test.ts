import { describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from './environment.ts'
import { APP, type AppOptions, TEN } from './manifest.ts'
import { Shop } from './shop.ts'
import { asStored, canaries, condition, names, ourConditions, ready, stablePods, type View } from './view.ts'
import { dipUnder, mostPods } from './watcher.ts'

const environment = useEnvironment()
const quotas: Resource<KubernetesObject> = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
}

/** A quota of this many pods, named tight. */
function tight(pods: number): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tight' },
    spec: { hard: { pods: String(pods) } },
  } as KubernetesObject
}

const SOON = { settings: { deadline: '4s' } }
/** The kubelet's reasons take a moment to come. */
const LATER = { settings: { deadline: '8s' } }
const NEVER_READY = { behaviour: { ready: 'never' } }

/** v1 serves, v2 is rejected. @returns the names of the pods that served before */
async function rejected(shop: Shop, changes: AppOptions = NEVER_READY): Promise<readonly string[]> {
  const before = names(shop.now.pods)
  await shop.apply('v2', changes)
  await shop.phase('Failed', 'v2')
  await shop.servesAlone('v1', before.length)
  return before
}

/** The condition, the Event and the log all say why. */
async function expectTold(shop: Shop, reason: string, why: RegExp): Promise<View> {
  const view = await shop.event(why)
  expect(view.events.filter(text => text.startsWith('Warning CanaryFailed: rolling back: '))).toHaveLength(1)
  expect(condition(view, 'Stalled')).toMatchObject({
    status: 'True',
    reason,
    message: expect.stringMatching(why),
  })
  expect(condition(view, 'Progressing')).toMatchObject({
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
  })
  expect(shop.logs().filter(line => /^halt /.test(line) && why.test(line))).toHaveLength(1)
  return view
}

describe.concurrent('a release fails', () => {
  test('when its canary is never ready: the same pods serve as before, and never fewer', async () => {
    const shop = await Shop.serving(environment, { ...TEN, ...SOON })
    const before = await rejected(shop)
    expect(names(shop.now.pods)).toEqual(before)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
    expect(mostPods(shop.watcher.history)).toBeLessThanOrEqual(13)
    expect(shop.now).toMatchObject({ paused: true, replicas: 10 })
    await expectTold(shop, 'DeadlineExceeded', /not ready within 4s: 0 of 1 canary pods are ready/)
  })

  test('when its canary keeps crashing, with how it crashed', async () => {
    const shop = await Shop.serving(environment, { settings: { 'max-restarts': '1' } })
    const before = await rejected(shop, { behaviour: { 'exit-code': '3' } })
    expect(names(shop.now.pods)).toEqual(before)
    await expectTold(shop, 'CanaryRestarted', /restarted 2 times \(at most 1 allowed\).*exit code 3/)
  })

  test('when it crashes while it serves, and stable is brought back before the canary goes', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1h', settings: { 'max-restarts': '0' } })
    await shop.apply('v2', { behaviour: { 'restart-after': '6s' } })
    await shop.stands(1, 'v2')
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 4)
    await expectTold(shop, 'CanaryRestarted', /restarted once \(at most 0 allowed\)/)
  })

  test('when its image cannot be pulled, at the deadline', async () => {
    const shop = await Shop.serving(environment, LATER)
    const before = await rejected(shop, { image: 'shop-does-not-exist:v2' })
    expect(names(shop.now.pods)).toEqual(before)
    await expectTold(shop, 'DeadlineExceeded', /(ErrImagePull|ImagePullBackOff): .*shop-does-not-exist:v2/)
  })

  test('at once when its image name is not one', async () => {
    const shop = await Shop.serving(environment, { settings: { deadline: '10m' } })
    await shop.apply('v2', { image: 'Shop:::v2' })
    await shop.until('Failed', ({ state }) => state?.phase === 'Failed')
    await shop.servesAlone('v1', 4)
    await expectTold(shop, 'InvalidImageName', /InvalidImageName: .*Shop:::v2/)
  })

  test('when a quota has no room for its canary', async () => {
    const shop = await Shop.serving(environment, LATER)
    await shop.admin.create(quotas, shop.namespace, tight(4))
    const before = await rejected(shop, {})
    expect(names(shop.now.pods)).toEqual(before)
    await expectTold(shop, 'DeadlineExceeded', /exceeded quota: tight/)
  })

  test('when its canary finds no node', async () => {
    const shop = await Shop.serving(environment, LATER)
    const before = await rejected(shop, { container: { resources: { requests: { cpu: '1000' } } } })
    expect(names(shop.now.pods)).toEqual(before)
    await expectTold(shop, 'DeadlineExceeded', /cannot be scheduled: .*Insufficient cpu/)
  })

  test('when the name of its canary belongs to somebody else, whose Deployment is not touched', async () => {
    const shop = await Shop.serving(environment)
    const stranger = {
      ...shop.manifest('other', { steps: null, replicas: 1 }),
      metadata: { name: `${APP}-canary` },
    }
    await shop.admin.create(deployments, shop.namespace, stranger)
    const { spec } = await shop.admin.get(deployments, shop.canaryRef)
    await shop.apply('v2')
    await shop.phase('Failed', 'v2')
    await expectTold(shop, 'NameTaken', /it was not made by Canaryhook/)
    expect((await shop.admin.get(deployments, shop.canaryRef)).spec).toEqual(spec)
  })
})

test.concurrent('when the rollout of an accepted version stalls, both serve, and retry goes on', async () => {
  const shop = await Shop.serving(environment, { steps: '25% for 1s', spec: { progressDeadlineSeconds: 3 } })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  await shop.admin.create(quotas, shop.namespace, tight(4))
  await shop.phase('Promoting', 'v2')
  const stalled = await shop.phase('Failed', 'v2')
  expect(stalled.state?.reason).toBe('PromotionStalled')
  expect([ready(stalled, 'v1'), ready(stalled, 'v2')]).toEqual([3, 1])
  await shop.event(/stalled, both versions serve/)
  await shop.admin.remove(quotas, { namespace: shop.namespace, name: 'tight' })
  await shop.command('retry')
  await shop.phase('Succeeded', 'v2')
  await shop.servesAlone('v2', 4)
  expect(dipUnder(4, shop.watcher.history)).toBe('')
})

describe.concurrent('after a release failed', () => {
  test('applying the rejected version again changes nothing', async () => {
    const shop = await Shop.serving(environment, SOON)
    const before = await rejected(shop)
    const writes = shop.writes().length
    const stored = await shop.stored()
    await shop.apply('v2', NEVER_READY)
    const again = await shop.stored()
    expect(asStored(again)).toEqual(asStored(stored))
    expect(names(shop.now.pods)).toEqual(before)
    expect(shop.writes()).toHaveLength(writes)
  })

  test('another version starts anew, and takes the verdict on the former one away', async () => {
    const shop = await Shop.serving(environment, SOON)
    await rejected(shop)
    await shop.apply('v3', { settings: {} })
    const running = await shop.stands(1, 'v3')
    expect(condition(running, 'Stalled')).toBeUndefined()
    await shop.phase('Succeeded', 'v3')
    await shop.servesAlone('v3', 4)
    expect(ourConditions(shop.now)).toEqual([])
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('applying the version that serves ends it, and no pod restarts', async () => {
    const shop = await Shop.serving(environment, SOON)
    const before = await rejected(shop)
    await shop.apply('v1')
    await shop.phase('Reverted', 'v1')
    const end = await shop.until(
      'nothing of ours left',
      view => !view.paused && view.snapshots.length === 0 && ourConditions(view).length === 0,
    )
    expect(names(end.pods)).toEqual(before)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('retry starts the same version again from its first step', async () => {
    const shop = await Shop.serving(environment, SOON)
    await rejected(shop)
    const { warnings } = await shop.command('retry', 'bob')
    expect(warnings).toContainEqual(expect.stringMatching(/retry: .*from the first step/))
    await shop.until(
      'a canary again',
      view => canaries(view).length === 1 && view.state?.phase === 'Progressing',
    )
    await shop.event(/retried by bob/)
    await shop.phase('Failed', 'v2')
  })

  test('with on-failure: restore the former template is put back and nothing restarts', async () => {
    const shop = await Shop.serving(environment, { settings: { deadline: '4s', 'on-failure': 'restore' } })
    const before = names(shop.now.pods)
    const { template } = (await shop.stored()).spec
    await shop.apply('v2', NEVER_READY)
    await shop.phase('Reverted', 'v1')
    await shop.servesAlone('v1', 4)
    expect(names(shop.now.pods)).toEqual(before)
    expect((await shop.stored()).spec.template).toEqual(template)
    expect(shop.now.paused).toBe(false)
  })
})
