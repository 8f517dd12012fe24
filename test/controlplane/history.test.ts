/** What becomes of ReplicaSets while a Deployment is paused: Kubernetes looks after none of them. */
import { describe, expect, test } from 'vitest'
import { replicaSets } from '../../src/cluster/resources.ts'
import type { ReplicaSet } from '../../src/core/kubernetes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { canaries, ready, stablePods, type View } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'

const environment = useEnvironment()

/** v2 holds a quarter of 4 pods. */
async function running(options: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.serving(environment, { steps: '25% for 1h', ...options })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

/** v2 was rejected, v1 serves. */
async function held(options: AppOptions = {}): Promise<Shop> {
  const shop = await running(options)
  await shop.command('abort')
  await shop.phase('Failed', 'v2')
  await shop.servesAlone('v1', 4)
  return shop
}

async function releaseAtOnce(shop: Shop, version: string): Promise<void> {
  await shop.apply(version)
  await shop.stands(1, version)
  await shop.command('promote')
  await shop.phase('Succeeded', version)
  await shop.servesAlone(version, 4)
}

/** v1, then v2, then v1 again. */
async function again(): Promise<Shop> {
  const shop = await Shop.serving(environment, { steps: '25% for 1h' })
  await releaseAtOnce(shop, 'v2')
  await releaseAtOnce(shop, 'v1')
  shop.watcher.restart()
  return shop
}

async function removeSet(shop: Shop, set: ReplicaSet | undefined): Promise<void> {
  const name = set?.metadata.name ?? 'there is no such ReplicaSet'
  await shop.admin.remove(replicaSets, { namespace: shop.namespace, name })
}

function setOf(view: View, version: string): ReplicaSet | undefined {
  return view.replicaSets.find(
    ({ metadata, spec }) =>
      metadata.ownerReferences?.some(({ uid }) => uid === view.deployment?.metadata.uid) &&
      spec.template.spec?.containers?.[0]?.image?.endsWith(`:${version}`),
  )
}

function isMadeAgain(view: View, former: ReplicaSet | undefined): boolean {
  const found = view.replicaSets.find(({ metadata }) => metadata.name === former?.metadata.name)
  return found !== undefined && found.metadata.uid !== former?.metadata.uid
}

describe.concurrent("somebody deletes the former version's ReplicaSet", () => {
  test('in mid-release: it is made again with its share, and the release goes on', async () => {
    const shop = await running()
    const former = setOf(shop.now, 'v1')
    await removeSet(shop, former)
    const mended = await shop.until(
      'v1 on 3 pods',
      view => isMadeAgain(view, former) && ready(view, 'v1') === 3,
    )
    expect(canaries(mended).filter(pod => pod.ready)).toHaveLength(1)
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
  })

  test('while a rejected version is held: the former one serves again at full size', async () => {
    const shop = await held()
    const former = setOf(shop.now, 'v1')
    await removeSet(shop, former)
    await shop.until('made again', view => isMadeAgain(view, former))
    const end = await shop.servesAlone('v1', 4)
    expect(end).toMatchObject({ paused: true, version: 'v2', state: { phase: 'Failed' } })
    await shop.apply('v1')
    await shop.phase('Reverted', 'v1')
    await shop.servesAlone('v1', 4)
  })

  test('while the accepted version is rolled out: that one serves in the end, and its canary meanwhile', async () => {
    const shop = await Shop.serving(environment, { steps: '50%' })
    await shop.apply('v2', { behaviour: { ready: '2s' } })
    const promoting = await shop.phase('Promoting', 'v2')
    await removeSet(shop, setOf(promoting, 'v1'))
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(dipUnder(2, shop.watcher.history)).toBe('')
  })
})

describe.concurrent('with revisionHistoryLimit 0, which leaves no old ReplicaSet at 0 pods', () => {
  const KEEP_NONE = { spec: { revisionHistoryLimit: 0 } }

  test('a release fails, is tried again and promoted', async () => {
    const shop = await held(KEEP_NONE)
    await shop.command('retry')
    await shop.stands(1, 'v2')
    await shop.command('promote')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
    await shop.until('one ReplicaSet', ({ replicaSets }) => replicaSets.length === 1)
  })

  test('scaled to 0 and back while held, the former version serves, though its ReplicaSet was cleaned up', async () => {
    const shop = await held(KEEP_NONE)
    const former = setOf(shop.now, 'v1')
    await shop.scale(0)
    await shop.until('cleaned up', view => view.pods.length === 0 && setOf(view, 'v1') === undefined)
    await shop.scale(4)
    const end = await shop.servesAlone('v1', 4)
    expect(isMadeAgain(end, former)).toBe(true)
    await shop.command('retry')
    await shop.stands(1, 'v2')
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
  })

  test('scaled to 0 in mid-release and back, the former version serves', async () => {
    const shop = await running(KEEP_NONE)
    await shop.scale(0)
    await shop.phase('Failed', 'v2')
    await shop.until('cleaned up', view => view.pods.length === 0 && setOf(view, 'v1') === undefined)
    await shop.scale(4)
    await shop.servesAlone('v1', 4)
  })
})

describe.concurrent('with a history of v1, v2 and v1 again', () => {
  test('a release of v2 starts as any other, and is promoted on the ReplicaSet that it had', async () => {
    const shop = await again()
    const former = setOf(shop.now, 'v2')
    await releaseAtOnce(shop, 'v2')
    expect(setOf(shop.now, 'v2')?.metadata.uid).toBe(former?.metadata.uid)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test("v1's ReplicaSet deleted in a release of v3 is made again; v2, which Kubernetes wakes, goes", async () => {
    const shop = await again()
    await shop.apply('v3')
    await shop.stands(1, 'v3')
    await shop.until('3 stable pods', view => stablePods(view).length === 3)
    const former = setOf(shop.now, 'v1')
    await removeSet(shop, former)
    const end = await shop.until(
      'v1 on 3 pods, no v2',
      view => isMadeAgain(view, former) && ready(view, 'v1') === 3 && stablePods(view).length === 3,
    )
    expect(end.pods.some(({ version }) => version === 'v2')).toBe(false)
    await shop.command('promote')
    await shop.servesAlone('v3', 4)
  })
})
