/** Pods that somebody drains, that find no node, or that admission refuses, in mid-release. */
import { describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { pods } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { Refusal } from '../scenarios/api-client.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { namespaces } from '../scenarios/kinds.ts'
import { APP, type AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { canaries, condition, names, ready, stablePods, type View } from '../scenarios/view.ts'

const environment = useEnvironment()
const budgets: Resource<
  KubernetesObject & { status?: { disruptionsAllowed?: number; expectedPods?: number } }
> = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
}
const priorityClasses: Resource<KubernetesObject> = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  plural: 'priorityclasses',
  kind: 'PriorityClass',
}
describe.concurrent('a PodDisruptionBudget over the app', () => {
  async function running(spec: Readonly<Record<string, unknown>>, options: AppOptions = {}): Promise<Shop> {
    const shop = await Shop.serving(environment, { steps: '25% for 1h', ...options })
    await shop.admin.create(budgets, shop.namespace, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: APP },
      spec: { selector: { matchLabels: { app: APP } }, ...spec },
    })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    return shop
  }

  /** Asks for the eviction of a pod, as `kubectl drain` does. */
  async function evict(shop: Shop, name: string | undefined): Promise<void> {
    const { namespace } = shop
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
    const evictions = { ...pods, plural: `pods/${name}/eviction` }
    await shop.admin.create(evictions, namespace, eviction)
  }

  /** Again until the budget allows it, as `kubectl drain` does. */
  async function drain(shop: Shop, name: string | undefined): Promise<void> {
    await expect
      .poll(
        () =>
          evict(shop, name).then(
            () => 'evicted',
            (error: Error) => error.message,
          ),
        { timeout: 20_000 },
      )
      .toBe('evicted')
  }

  test('with maxUnavailable 1 lets canary and stable pods be drained one after another; all come back', async () => {
    const shop = await running({ maxUnavailable: 1 })
    await shop.until('3 and 1', view => stablePods(view).length === 3 && ready(view) === 4)
    for (const [drained] of [canaries(shop.now), stablePods(shop.now)]) {
      await drain(shop, drained?.name)
      await shop.until(
        'another in its place',
        view =>
          ready(view, 'v1') === 3 &&
          ready(view, 'v2') === 1 &&
          !names(view.pods).includes(drained?.name ?? ''),
      )
    }
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
  })

  test('with minAvailable as many as replicas lets nothing be drained, and a release through', async () => {
    const shop = await running({ minAvailable: 4 })
    await shop.until('3 and 1', view => stablePods(view).length === 3 && ready(view) === 4)
    await expect
      .poll(async () => (await shop.admin.get(budgets, shop.ref)).status?.disruptionsAllowed)
      .toBe(0)
    const [pod] = canaries(shop.now)
    const refusal = await evict(shop, pod?.name).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refusal)
    expect((refusal as Refusal).message).toMatch(/would violate the pod's disruption budget/)
    await shop.command('promote')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
  })

  test('with minAvailable as many as replicas lets one be drained where the canary comes on top', async () => {
    const shop = await running({ minAvailable: 4 }, { settings: { capacity: 'surge' } })
    await shop.until('4 and 1', view => stablePods(view).length === 4 && ready(view, 'v2') === 1)
    const [drained] = canaries(shop.now)
    await drain(shop, drained?.name)
    await shop.until(
      'another canary pod',
      view => ready(view, 'v2') === 1 && !names(view.pods).includes(drained?.name ?? ''),
    )
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
  })
})

describe.concurrent('the canary’s pods cannot be, and the release fails in the words of Kubernetes', () => {
  const SOON = { steps: '25% for 1h', settings: { deadline: '6s' } }

  async function rejected(shop: Shop, changes: unknown): Promise<View> {
    const before = names(shop.now.pods)
    await shop.patch({ spec: { template: changes } })
    const failed = await shop.until('Failed', ({ state }) => state?.phase === 'Failed')
    const end = await shop.servesAlone('v1', before.length)
    expect(names(end.pods)).toEqual(before)
    return failed
  }

  test('when no node has the label that they ask for', async () => {
    const shop = await Shop.serving(environment, SOON)
    const failed = await rejected(shop, { spec: { nodeSelector: { disk: 'fast' } } })
    expect(condition(failed, 'Stalled')?.message).toMatch(
      /cannot be scheduled: 0\/3 nodes are available: 3 node\(s\) didn't match Pod's node affinity\/selector/,
    )
  })

  test('when no node has the room, and a priority that lets them take it from nobody', async () => {
    const shop = await Shop.serving(environment, SOON)
    const name = `modest-${shop.namespace}`
    await shop.admin.create(priorityClasses, '', {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value: 1000,
      preemptionPolicy: 'Never',
    })
    const containers = [{ name: APP, resources: { requests: { cpu: '1000' } } }]
    const failed = await rejected(shop, { spec: { priorityClassName: name, containers } })
    await shop.admin.remove(priorityClasses, { namespace: '', name })
    expect(condition(failed, 'Stalled')?.message).toMatch(
      /cannot be scheduled: 0\/3 nodes are available: 3 Insufficient cpu.*preemption: not eligible due to preemptionPolicy=Never/,
    )
  })

  test('when they name a PriorityClass that there is not', async () => {
    const shop = await Shop.serving(environment, SOON)
    const failed = await rejected(shop, { spec: { priorityClassName: 'nobody-made-it' } })
    expect(condition(failed, 'Stalled')?.message).toMatch(
      /no PriorityClass with name nobody-made-it was found/,
    )
  })

  test('when the namespace enforces a Pod Security level that they are not of', async () => {
    const securityContext = {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    }
    const shop = await Shop.open(environment, { ...SOON, container: { securityContext } })
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await shop.admin.patch(namespaces, { namespace: '', name: shop.namespace }, 'merge', {
      metadata: { labels },
    })
    await shop.apply('v1')
    await shop.servesAlone('v1', 4)
    const containers = [{ name: APP, image: 'shop:v2', securityContext: { allowPrivilegeEscalation: true } }]
    const failed = await rejected(shop, { spec: { containers } })
    expect(condition(failed, 'Stalled')?.message).toMatch(
      /violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    )
  })
})
