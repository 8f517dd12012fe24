/** Load balancers that take pods past their Service: the AWS Load Balancer Controller's TargetGroupBinding. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { cronJobs, targetGroupBindings } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { smoke } from './smoke.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

const kinds: Resource<KubernetesObject> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
}

const { group, version, plural, kind } = targetGroupBindings
const KIND = { namespace: '', name: `${plural}.${group}` }

/** As far as we read it. */
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: KIND.name },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: 'targetgroupbinding' },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}

beforeAll(async () => {
  await environment.as('admin').create(kinds, '', DEFINITION)
  // The controller looks for a kind that it did not find when it starts, and every few minutes.
  await environment.controller.kill()
  await environment.controller.start()
}, 60_000)

afterAll(() => environment.as('admin').remove(kinds, KIND))

/** v1, whose pods are targets of a load balancer by their addresses. */
async function balanced(settings: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const shop = await Shop.serving(environment, {
    steps: 'test, 25% for 1s',
    podLabels: { production: 'true' },
    settings: { test: 'cronjob/shop-smoke', ...settings },
  })
  await shop.admin.create(cronJobs as Resource<KubernetesObject>, shop.namespace, smoke(0))
  await shop.expose({ production: 'true' })
  await shop.admin.create(targetGroupBindings as Resource<KubernetesObject>, shop.namespace, {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name: 'shop-targets' },
    spec: { serviceRef: { name: 'shop' }, targetType: 'ip' },
  })
  return shop
}

describe('behind a TargetGroupBinding', () => {
  test('a release that isolates its canary by the gate fails, and the message names the other way', async () => {
    const shop = await balanced()
    await shop.apply('v2')
    await shop.phase('Failed', 'v2')
    expect(shop.now.state).toMatchObject({ reason: 'NotIsolated' })
    expect(shop.now.state?.message).toMatch(
      /TargetGroupBinding shop-targets takes the pods of Service shop .*canaryhook\.dev\/isolate/,
    )
    await shop.until('no canary', ({ canary }) => canary === undefined)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('a release that isolates it by a label is tested and promoted', async () => {
    const shop = await balanced({ isolate: 'production' })
    await shop.apply('v2')
    await shop.event(/Normal TestPassed/)
    await shop.phase('Succeeded', 'v2')
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})
