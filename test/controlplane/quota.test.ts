/** A namespace without room: what a release may have of it, and what it tells. */
import { describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { canaries, condition, names, ready, stablePods, type View } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'

const environment = useEnvironment()
const quotas: Resource<KubernetesObject> = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
}
const limitRanges: Resource<KubernetesObject> = {
  group: '',
  version: 'v1',
  plural: 'limitranges',
  kind: 'LimitRange',
}

const TEN = { replicas: 10, steps: '50% for 1h' } as const

async function limit(shop: Shop, hard: Readonly<Record<string, string>>): Promise<void> {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'tight' }, spec: { hard } }
  await shop.admin.create(quotas, shop.namespace, quota)
}

async function raise(shop: Shop, hard: Readonly<Record<string, string>>): Promise<void> {
  await shop.admin.patch(quotas, { namespace: shop.namespace, name: 'tight' }, 'merge', { spec: { hard } })
}

/** v2 holds a half of 10 pods, and 12 are allowed; a rolling update of the app may have 13. */
async function halfWay(options: AppOptions = {}, tried: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.serving(environment, { ...TEN, ...options })
  await limit(shop, { pods: '12' })
  await shop.apply('v2', tried)
  await shop.stands(1, 'v2')
  await shop.until('5 and 5', view => ready(view, 'v1') === 5 && ready(view, 'v2') === 5)
  return shop
}

function stalledMessage(view: View): string {
  return condition(view, 'Stalled')?.message ?? ''
}

describe.concurrent('12 pods allowed for 10 replicas and a maxSurge of 3', () => {
  test('are enough for a step to a half, and for the promotion', async () => {
    const shop = await halfWay()
    await shop.command('promote')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 10)
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('are enough to end with 10 of v1 when the release is aborted at a half', async () => {
    const shop = await halfWay()
    await shop.command('abort')
    await shop.servesAlone('v1', 10)
    expect(shop.now.state?.phase).toBe('Failed')
    expect(dipUnder(10, shop.watcher.history)).toBe('')
  })

  test('are enough to end with 10 of v1 when v2 crashes at a half', async () => {
    const shop = await halfWay(
      { settings: { 'max-restarts': '0' } },
      { behaviour: { 'restart-after': '15s' } },
    )
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 10)
  })
})

describe.concurrent('no room', () => {
  test('for the CPU of a canary at the start fails the release in the words of the quota', async () => {
    const container = { resources: { requests: { cpu: '100m' } } }
    const shop = await Shop.serving(environment, { ...TEN, container, settings: { deadline: '5s' } })
    const before = names(shop.now.pods)
    await limit(shop, { 'requests.cpu': '1' })
    await shop.apply('v2')
    const end = await shop.phase('Failed', 'v2')
    expect(stalledMessage(end)).toMatch(
      /exceeded quota: tight, requested: requests.cpu=100m, used: requests.cpu=1, limited: requests.cpu=1/,
    )
    await shop.servesAlone('v1', 10)
    expect(names(shop.now.pods)).toEqual(before)
  })

  test('for the second step fails the release there, and the pods of the first make place', async () => {
    const options = { replicas: 4, steps: '25% for 2s, 75% for 1h', settings: { deadline: '5s' } }
    const shop = await Shop.serving(environment, options)
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.until('3 and 1', view => stablePods(view).length === 3 && canaries(view).length === 1)
    await limit(shop, { pods: '4' })
    const failed = await shop.phase('Failed', 'v2')
    expect(failed.state?.step).toBe(1)
    expect(stalledMessage(failed)).toMatch(/exceeded quota: tight/)
    const both = await shop.until('told why v1 is not back', view =>
      /until the former version is back/.test(stalledMessage(view)),
    )
    expect([ready(both, 'v1'), ready(both, 'v2')]).toEqual([3, 1])
    await raise(shop, { pods: '5' })
    await shop.servesAlone('v1', 4)
    await shop.until('told no longer', view => !/until the former version is back/.test(stalledMessage(view)))
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('until somebody raises the quota before the deadline delays the release, and no more', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1s', settings: { deadline: '40s' } })
    await limit(shop, { pods: '4' })
    await shop.apply('v2')
    await shop.until(
      'a canary without pods',
      view => view.canary !== undefined && canaries(view).length === 0,
    )
    await shop.until(
      'refused',
      ({ canary }) =>
        canary?.status?.conditions?.some(
          ({ type, message }) => type === 'ReplicaFailure' && /tight/.test(message ?? ''),
        ) ?? false,
    )
    await raise(shop, { pods: '5' })
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('for one more Deployment is told, and the canary is made when there is', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1s', settings: { deadline: '5s' } })
    await limit(shop, { 'count/deployments.apps': '1' })
    await shop.apply('v2')
    const failed = await shop.phase('Failed', 'v2')
    expect(stalledMessage(failed)).toMatch(/exceeded quota: tight, requested: count\/deployments.apps=1/)
    await shop.command('retry')
    await shop.phase('Progressing', 'v2')
    await raise(shop, { 'count/deployments.apps': '2' })
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
  })
})

describe.concurrent('a LimitRange', () => {
  test('that fills in requests and limits of pods makes no other version of any template', async () => {
    const shop = await Shop.open(environment, { steps: '25% for 1s' })
    const defaults = { type: 'Container', default: { cpu: '200m' }, defaultRequest: { cpu: '100m' } }
    await range(shop, defaults)
    await shop.apply('v1')
    await shop.servesAlone('v1', 4)
    await shop.apply('v2')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(shop.now.events.filter(text => /CanaryStarted/.test(text))).toHaveLength(1)
  })

  test('that refuses what the new version wants fails its release in the words of Kubernetes', async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1s', settings: { deadline: '5s' } })
    await range(shop, { type: 'Container', max: { cpu: '1' } })
    await shop.apply('v2', { container: { resources: { limits: { cpu: '2' } } } })
    const failed = await shop.phase('Failed', 'v2')
    expect(stalledMessage(failed)).toMatch(/maximum cpu usage per Container is 1, but limit is 2/)
    await shop.servesAlone('v1', 4)
  })

  async function range(shop: Shop, limits: unknown): Promise<void> {
    const object = {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'range' },
      spec: { limits: [limits] },
    }
    await shop.admin.create(limitRanges, shop.namespace, object)
  }
})
