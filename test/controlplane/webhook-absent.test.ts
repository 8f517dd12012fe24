/** The webhook is down, hangs, or is not registered: what people can still do, and what becomes of releases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import { ownsSpec } from '../../src/core/ownership.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { APP, type AppOptions } from '../scenarios/manifest.ts'
import { eventually, refusalOf, withHangingWebhook, withoutRegistration } from '../scenarios/registration.ts'
import { Shop } from '../scenarios/shop.ts'
import { ready, stablePods } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { ownersOf } from './ownership.ts'

const environment = useEnvironment()

const helm = { fieldManager: 'helm' }

/** v1 on 4 pods, applied by Helm 4. */
async function serving(options: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.open(environment, { replicas: 4, steps: '50% for 1h', ...options })
  await applyByHelm(shop, 'v1')
  await shop.servesAlone('v1', 4)
  shop.watcher.restart()
  return shop
}

/** The same by kubectl apply. */
async function applied(): Promise<Shop> {
  const shop = await Shop.open(environment, { replicas: 4, steps: '50% for 1h' })
  await shop.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(shop.manifest('v1')) })
  await shop.servesAlone('v1', 4)
  return shop
}

async function applyByHelm(shop: Shop, version: string, changes?: AppOptions): Promise<void> {
  const manifest = shop.manifest(version, changes)
  const { object } = await shop.admin.apply(deployments, shop.namespace, manifest, helm)
  shop.watcher.absorb(object)
}

/** v2 at 50%. */
async function running(): Promise<Shop> {
  const shop = await serving()
  await applyByHelm(shop, 'v2')
  await shop.stands(1, 'v2')
  await shop.until('2 stable pods', view => stablePods(view).length === 2)
  return shop
}

function isGone(shop: Shop) {
  return shop.until('gone', view => !view.deployment && !view.canary && view.pods.length === 0)
}

/** What of the spec we were made an owner of is given up. */
async function expectNothingOwned(shop: Shop): Promise<void> {
  await shop.until('nothing of the spec is ours', view => !!view.deployment && !ownsSpec(view.deployment))
}

describe('while the webhook is down', () => {
  let plain: Shop
  let annotated: Shop
  let released: Shop
  let failing: Shop

  beforeAll(async () => {
    const unannotated = Shop.serving(environment, { steps: null, replicas: 1 })
    const bad = serving({ settings: { 'max-restarts': '0' } })
    ;[plain, annotated, released, failing] = await Promise.all([unannotated, applied(), running(), bad])
    await applyByHelm(failing, 'v2', { behaviour: { 'restart-after': '4s' } })
    await failing.stands(1, 'v2')
    await environment.webhook.stop()
  }, 60_000)
  afterAll(() => environment.webhook.start())

  test('kubectl says which webhook did not answer, and nothing is stored', async () => {
    const before = await annotated.stored()
    const stdin = JSON.stringify(annotated.manifest('v2'))
    const refused = [
      await annotated.kubectl(['apply', '-f', '-'], { stdin }),
      await annotated.kubectl(['set', 'image', 'deployment', APP, `${APP}=shop:v2`]),
      await annotated.kubectl(['rollout', 'restart', 'deployment', APP]),
      await annotated.kubectl(['annotate', 'deployment', APP, 'example.com/who=me']),
    ]
    for (const { code, stderr } of refused) {
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /Internal error occurred: failed calling webhook "deployments\.canaryhook\.dev": failed to call webhook: Post "https:\S+\/mutate\?timeout=5s": .*connection refused\n$/,
      )
    }
    expect(await annotated.stored()).toEqual(before)
  })

  test('a Deployment without annotations of ours is applied and created', async () => {
    await plain.apply('v2')
    await plain.servesAlone('v2', 1)
    const other = await Shop.serving(environment, { steps: null, replicas: 1 })
    expect(ready(other.now, 'v1')).toBe(1)
  })

  test('kubectl scale passes, and so do writes of the status', async () => {
    expect((await annotated.kubectl(['scale', 'deployment', APP, '--replicas=5'])).code).toBe(0)
    await annotated.servesAlone('v1', 5)
    const conditions = [{ type: 'Seen', status: 'True', reason: 'Test', message: 'by a test' }]
    await annotated.patch({ status: { conditions } }, 'admin', { subresource: 'status' })
    expect((await annotated.stored()).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Seen' }),
    )
  })

  test('a canary that fails is taken back all the same, at no time with fewer pods than plan', async () => {
    await failing.until('v1 on 4 pods', view => ready(view, 'v1') === 4 && view.state?.phase === 'Failed')
    await failing.until('no canary', view => view.canary === undefined)
    expect(dipUnder(2, failing.watcher.history)).toBe('')
  })

  test('kubectl delete passes, also in the foreground and in the middle of a release', async () => {
    const ran = await released.kubectl(['delete', 'deployment', APP, '--cascade=foreground', '--timeout=20s'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    await isGone(released)
    expect((await annotated.kubectl(['delete', 'deployment', APP])).code).toBe(0)
    await isGone(annotated)
  })

  test('the size of a failed release, which is scaled past the webhook, still belongs to who applied it', async () => {
    await environment.webhook.start()
    await expectNothingOwned(failing)
    await applyByHelm(failing, 'v3')
    expect(ownersOf(await failing.stored(), 'spec.replicas')).toEqual(['helm Apply'])
  })
})

describe('while the webhook hangs', () => {
  test('the apply is refused after 5 seconds, and everything else is as when it is down', async () => {
    const [plain, shop, failing] = await Promise.all([
      Shop.serving(environment, { steps: null, replicas: 1 }),
      serving(),
      // Back in one go: each try waits 5 seconds for the webhook.
      Shop.serving(environment, {
        steps: '50% for 1h',
        settings: { 'max-restarts': '0' },
        rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 },
      }),
    ])
    await failing.apply('v2', { behaviour: { 'restart-after': '5s' } })
    await failing.stands(1, 'v2')
    await withHangingWebhook(environment.as('admin'), async () => {
      let took = 0
      let said = ''
      await eventually('an apply hangs', async () => {
        const began = Date.now()
        const manifest = shop.manifest('v2')
        const options = { ...helm, dryRun: true }
        said = await refusalOf(shop.admin.apply(deployments, shop.namespace, manifest, options))
        took = Date.now() - began
        return said !== ''
      })
      expect(said).toMatch(
        /failed calling webhook "deployments\.canaryhook\.dev": .*context deadline exceeded/,
      )
      expect(took).toBeGreaterThan(4500)
      expect(took).toBeLessThan(8000)
      await plain.apply('v2')
      await plain.servesAlone('v2', 1)
      await shop.scale(5)
      await shop.servesAlone('v1', 5)
      await shop.admin.remove(deployments, shop.ref, 'Foreground')
      await isGone(shop)
    })
  })
})

describe('while the webhook is not registered', () => {
  test('the controller carries a release on by itself, and later ones are as ever', async () => {
    const shop = await serving()
    const timed = {
      ...shop.manifest('v2').metadata,
      annotations: { 'canaryhook.dev/steps': '25% for 3s, 50% for 1s' },
    }
    const manifest = { ...shop.manifest('v2'), metadata: timed }
    shop.watcher.restart()
    await shop.admin.apply(deployments, shop.namespace, manifest, helm)
    await shop.stands(1, 'v2')
    await withoutRegistration(environment.as('admin'), async () => {
      await shop.patch({ spec: { paused: false } })
      await shop.until('paused again', ({ paused }) => paused)
      await shop.phase('Succeeded', 'v2')
      await shop.servesAlone('v2', 4)
      await expectNothingOwned(shop)
    })
    expect(dipUnder(3, shop.watcher.history)).toBe('')
    await applyByHelm(shop, 'v3')
    await shop.stands(1, 'v3')
    expect(ownersOf(await shop.stored(), 'spec.replicas')).toEqual(['helm Apply'])
  })
})
