/** Who never meets the webhook. One after another, since it counts requests and does not know namespaces. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { APP } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { ready } from '../scenarios/view.ts'

const environment = useEnvironment()

/** How often the webhook was asked meanwhile. */
async function reviewsOf(run: () => Promise<unknown>): Promise<number> {
  const before = await environment.reviews()
  await run()
  return (await environment.reviews()) - before
}

const SEEN = { type: 'Seen', status: 'True', reason: 'Test', message: 'by a test' }

async function writeStatus(shop: Shop, text: string): Promise<void> {
  const conditions = [{ ...SEEN, message: text }]
  await shop.patch({ status: { conditions } }, 'alice', { subresource: 'status' })
}

describe('a Deployment without annotations of ours', () => {
  const open = () => Shop.open(environment, { steps: null, replicas: 2 })

  test('is created, changed, scaled and deleted by client-side apply without a call', async () => {
    const shop = await open()
    const apply = (version: string) =>
      shop.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(shop.manifest(version)) })
    const calls = await reviewsOf(async () => {
      await apply('v1')
      await shop.servesAlone('v1', 2)
      await apply('v2')
      await shop.servesAlone('v2', 2)
      await shop.kubectl(['scale', 'deployment', APP, '--replicas=3'])
      await shop.servesAlone('v2', 3)
      await writeStatus(shop, 'by a test')
      await shop.kubectl(['annotate', 'deployment', APP, 'example.com/team=shop'])
      await shop.kubectl(['rollout', 'restart', `deployment/${APP}`])
      await shop.kubectl(['rollout', 'undo', `deployment/${APP}`])
      await shop.kubectl(['delete', 'deployment', APP, '--cascade=foreground'])
      await shop.until('gone', view => !view.deployment && view.pods.length === 0)
    })
    expect(calls).toBe(0)
  })

  test('is applied on the server without a call', async () => {
    const shop = await open()
    const apply = (version: string) =>
      shop.admin.apply(deployments, shop.namespace, shop.manifest(version), { fieldManager: 'helm' })
    const calls = await reviewsOf(async () => {
      await apply('v1')
      await shop.servesAlone('v1', 2)
      await apply('v2')
      await shop.servesAlone('v2', 2)
    })
    expect(calls).toBe(0)
  })
})

describe('a Deployment with canary releases', () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await Shop.serving(environment, { replicas: 2, steps: '50% for 1h' })
  }, 60_000)

  test('is scaled, and its status written, without a call', async () => {
    const calls = await reviewsOf(async () => {
      for (const replicas of [3, 1, 0, 2]) {
        await shop.kubectl(['scale', 'deployment', APP, `--replicas=${replicas}`])
        await shop.until(`${replicas} pods`, view => ready(view, 'v1') === replicas)
        await writeStatus(shop, `${replicas} pods were there`)
      }
    })
    expect(calls).toBe(0)
  })

  test('is looked at once for each write of its own, and so is its removal from our care', async () => {
    const shop = await Shop.serving(environment, { replicas: 2, steps: '50% for 1h' })
    // The API server asks again where a write of its own controllers came in between.
    const alone = async (write: () => Promise<unknown>) => {
      await shop.watcher.quiet(500)
      return reviewsOf(write)
    }
    expect(await alone(() => shop.annotate({ 'example.com/team': 'shop' }))).toBe(1)
    const dryRun = { dryRun: true } as const
    expect(await alone(() => shop.patch({ spec: { minReadySeconds: 1 } }, 'admin', dryRun))).toBe(1)
    expect(await alone(() => shop.annotate({ 'canaryhook.dev/steps': null }))).toBe(1)
  })

  test('is deleted without a call in every way', async () => {
    for (const policy of ['Background', 'Foreground', 'Orphan'] as const) {
      const going = await Shop.serving(environment, { replicas: 1, steps: '50% for 1h' })
      const calls = await reviewsOf(async () => {
        await going.admin.remove(deployments, going.ref, policy)
        await going.until('gone', view => view.deployment === undefined)
      })
      expect(calls).toBe(0)
    }
  })
})

test('other kinds never meet it, annotated or not', async () => {
  const shop = await Shop.open(environment)
  const statefulSets: Resource<KubernetesObject> = {
    group: 'apps',
    version: 'v1',
    plural: 'statefulsets',
    kind: 'StatefulSet',
  }
  const { strategy: _, ...spec } = shop.manifest('v1').spec
  const metadata = { name: APP, annotations: { 'canaryhook.dev/steps': 'wrong' } }
  const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec: { ...spec, serviceName: APP } }
  expect(await reviewsOf(() => shop.admin.create(statefulSets, shop.namespace, set))).toBe(0)
})
