/** Previews: an Ingress to the canary, for as long as its release runs. */
import { describe, expect, test } from 'vitest'
import { cronJobs, ingresses, services } from '../../src/cluster/resources.ts'
import type { CronJob, Ingress } from '../../src/core/kubernetes.ts'
import { useEnvironment } from './environment.ts'
import type { AppOptions } from './manifest.ts'
import { Shop } from './shop.ts'
import { smoke } from './smoke.ts'
import { canaries } from './view.ts'

const environment = useEnvironment()

/** By the name of the namespace, so that no two apps of a cluster have the same. */
const hostOf = ({ namespace }: Shop) => `${namespace}.example`

function ingress(shop: Shop, name: string, host: string): Ingress {
  const backend = { service: { name: 'shop', port: { number: 80 } } }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, annotations: { 'example.com/issuer': 'x' } },
    spec: {
      ingressClassName: 'public',
      tls: [{ hosts: [`*.${hostOf(shop)}`, hostOf(shop)], secretName: 'web' }],
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  }
}

/** v1 serves behind a Service and an Ingress. */
async function serving(options: AppOptions): Promise<Shop> {
  const shop = await Shop.serving(environment, options)
  await shop.expose()
  await shop.admin.create(ingresses, shop.namespace, ingress(shop, 'web', hostOf(shop)))
  return shop
}

/** The next version, with a preview that only this namespace has. */
const withPreview = (shop: Shop, preview = `host=new.${hostOf(shop)}`): AppOptions => ({
  settings: { preview },
})

async function names(shop: Shop): Promise<readonly string[]> {
  const all = await Promise.all([
    shop.admin.list(services, shop.namespace),
    shop.admin.list(ingresses, shop.namespace),
  ])
  return all.flat().map(({ metadata }) => metadata.name)
}

const previewOf = (shop: Shop): Promise<Ingress> => shop.admin.get(ingresses, shop.canaryRef)

/** Waits for the Ingress. */
async function previewed(shop: Shop): Promise<Ingress> {
  await expect
    .poll(() => names(shop), { timeout: 30_000 })
    .toEqual(['shop', 'shop-canary', 'shop-canary', 'web'])
  return previewOf(shop)
}

/** Which versions answer through the Service that an Ingress leads to. */
async function versionsBehind(shop: Shop, { spec }: Ingress): Promise<readonly string[]> {
  const { service } = spec.rules?.[0]?.http?.paths[0]?.backend ?? {}
  const { byVersion } = await environment.traffic(shop.namespace, service?.name ?? '', 50)
  return Object.keys(byVersion)
}

const ONLY_THE_APP = ['shop', 'web']

describe('a preview', () => {
  test('by host leads to the canary as the Ingress of the app leads to the app, and goes after promotion', async () => {
    const shop = await serving({ steps: '25%, approve, 50%' })
    await shop.apply('v2', withPreview(shop))
    await shop.until('it waits for approval', ({ state }) => state?.step === 1)
    const made = await previewed(shop)
    const host = `new.${hostOf(shop)}`
    expect(made.metadata).not.toHaveProperty('annotations')
    expect(made.spec).toMatchObject({
      ingressClassName: 'public',
      tls: [{ hosts: [host], secretName: 'web' }],
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix' }] } }],
    })
    await shop.event(new RegExp(`Normal Previewed: .* https://${host}/$`))
    expect(await versionsBehind(shop, made)).toEqual(['v2'])
    await shop.command('approve')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(await names(shop)).toEqual(ONLY_THE_APP)
  })

  test('by path shows a canary that users do not meet yet, and goes when the release is aborted', async () => {
    const settings = { test: 'cronjob/shop-smoke' }
    const shop = await serving({ steps: 'test, approve, 50%', settings })
    await shop.admin.create(cronJobs, shop.namespace, smoke(0) as CronJob)
    await shop.apply('v2', { settings: { ...settings, preview: 'path=/canary' } })
    await shop.until('it waits for approval', ({ state }) => state?.step === 1)
    const made = await previewed(shop)
    expect(made.spec.rules).toMatchObject([{ host: hostOf(shop), http: { paths: [{ path: '/canary' }] } }])
    expect(canaries(shop.now).filter(pod => pod.ready)).toEqual([])
    expect(await versionsBehind(shop, made)).toEqual(['v2'])
    expect(Object.keys((await shop.traffic(50)).byVersion)).toEqual(['v1'])
    await shop.command('abort')
    await shop.servesAlone('v1', 4)
    expect(await names(shop)).toEqual(ONLY_THE_APP)
  })

  test('of a version that fails goes with its canary', async () => {
    const shop = await serving({ steps: '25%' })
    const bad = { behaviour: { ready: 'never' }, settings: { preview: 'path=/canary', deadline: '5s' } }
    await shop.apply('v2', bad)
    await previewed(shop)
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 4)
    expect(await names(shop)).toEqual(ONLY_THE_APP)
  })

  test('that somebody deletes is made again', async () => {
    const shop = await serving({ steps: '25%, approve' })
    await shop.apply('v2', withPreview(shop))
    const first = await previewed(shop)
    await shop.admin.remove(ingresses, shop.canaryRef)
    await expect.poll(async () => (await previewed(shop)).metadata.uid).not.toBe(first.metadata.uid)
  })

  test('whose name is taken is done without: that Ingress is untouched, and an Event tells', async () => {
    const shop = await serving({ steps: '25% for 1s' })
    const another = ingress(shop, 'shop-canary', `other.${hostOf(shop)}`)
    const { object: before } = await shop.admin.create(ingresses, shop.namespace, another)
    await shop.apply('v2', withPreview(shop))
    await shop.event(/Warning NoPreview: .* an Ingress shop-canary exists and was not made by Canaryhook/)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(await previewOf(shop)).toEqual(before)
    expect(shop.now.events.filter(text => text.includes('NoPreview'))).toHaveLength(1)
  })

  test('at an address of users is not made', async () => {
    const shop = await serving({ steps: '25% for 1s' })
    await shop.apply('v2', withPreview(shop, `host=${hostOf(shop)}`))
    await shop.event(/Warning NoPreview: .* Ingress web already has .*: users would meet the canary there/)
    await shop.phase('Succeeded', 'v2')
    expect(await names(shop)).not.toContain('shop-canary')
  })
})
