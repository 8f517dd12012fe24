/** Beside a webhook of somebody else's that rewrites image tags to digests, before ours or after it. */
import { afterAll, describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import { templateHash } from '../../src/core/template.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { eventually } from '../scenarios/registration.ts'
import { Shop } from '../scenarios/shop.ts'
import { asStored, names, ready } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { type ImageWebhook, pinned, startImageWebhook } from './image-webhook.ts'

const environment = useEnvironment()
const started: ImageWebhook[] = []
afterAll(async () => {
  for (const webhook of started) await webhook.stop()
})

/** What scenarios take for the version: here the digest. */
const digest = (version: string) => pinned(`shop:${version}`).split(':').at(-1) ?? ''

/** v1 serves, with its image rewritten. @param prefix of the configuration's name: ours is zz-canaryhook */
async function serving(prefix: string, options: AppOptions = {}) {
  const shop = await Shop.open(environment, { replicas: 4, steps: '25% for 1s, 50% for 1s', ...options })
  const webhook = await startImageWebhook(shop.admin, `${prefix}-${shop.namespace}`, shop.namespace)
  started.push(webhook)
  await eventually('images are rewritten', async () => {
    const dryRun = { dryRun: true }
    const { object } = await shop.admin.create(deployments, shop.namespace, shop.manifest('v1'), dryRun)
    return JSON.stringify(object.spec).includes('sha256')
  })
  await shop.apply('v1')
  await shop.servesAlone(digest('v1'), 4)
  shop.watcher.restart()
  return { shop, webhook }
}

describe.concurrent('one that comes before ours', () => {
  test('a release runs as ever, and applying the same again is none', async () => {
    const { shop } = await serving('images')
    await shop.apply('v2')
    await shop.phase('Succeeded', digest('v2'))
    await shop.servesAlone(digest('v2'), 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
    const before = asStored(await shop.stored())
    const { warnings } = await shop.apply('v2')
    expect(warnings).toEqual([])
    expect(asStored(await shop.stored())).toEqual(before)
  })

  test('applying the same again at a weight changes nothing', async () => {
    const { shop } = await serving('images', { steps: '25% for 1h', settings: { capacity: 'surge' } })
    await shop.apply('v2')
    await shop.stands(1, digest('v2'))
    const before = asStored(await shop.stored())
    await shop.apply('v2')
    expect(asStored(await shop.stored())).toEqual(before)
  })

  test('a tag that stands for something else now is a new version', async () => {
    const { shop, webhook } = await serving('images', { steps: '25% for 1h' })
    webhook.rewrite = image => (image.includes('@') ? image : pinned(`${image} rebuilt`))
    await shop.apply('v1')
    await shop.stands(1, pinned('shop:v1 rebuilt').split(':').at(-1) ?? '')
    expect(ready(shop.now, digest('v1'))).toBeGreaterThanOrEqual(3)
  })
})

describe.concurrent('one that comes after ours', () => {
  test('what is stored in the end is what is released', async () => {
    const { shop } = await serving('zzz-images')
    await shop.apply('v2')
    const { canary } = await shop.stands(1, digest('v2'))
    expect(canary?.spec.template.spec?.containers?.[0]?.image).toBe(pinned('shop:v2'))
    await shop.phase('Succeeded', digest('v2'))
    await shop.servesAlone(digest('v2'), 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('applying what serves looks like a change to ours, and is settled without a restart', async () => {
    const { shop } = await serving('zzz-images')
    const before = names(shop.now.pods)
    await shop.apply('v1')
    await shop.phase('Reverted', digest('v1'))
    await shop.until('un-paused', ({ paused }) => !paused)
    expect(names(shop.now.pods)).toEqual(before)
    expect(shop.watcher.history.every(({ canary }) => canary === undefined)).toBe(true)
  })

  test('applying the same again at a weight starts the canary over, at no time with fewer pods', async () => {
    const { shop } = await serving('zzz-images', { steps: '25% for 1h, 50% for 1h' })
    await shop.apply('v2')
    await shop.stands(1, digest('v2'))
    await shop.command('skip')
    await shop.stands(2, digest('v2'))
    await shop.apply('v2')
    await shop.stands(1, digest('v2'))
    await shop.until('3 of v1 are left', now => ready(now, digest('v1')) === 3)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('a template that is changed while it is promoted is not shipped, but gets a canary', async () => {
    const behaviour = { ready: '700ms' }
    const { shop, webhook } = await serving('zzz-images', { steps: '50% for 2s', behaviour })
    await shop.apply('v2')
    await shop.stands(1, digest('v2'))
    const other = pinned('shop:other')
    webhook.rewrite = image => (image === pinned('shop:v2') ? other : pinned(image))
    await shop.event(/Normal TemplateChanged: the template was changed: starting over/)
    const version = digest('other')
    const { deployment, state } = await shop.stands(1, version)
    expect(state?.release).toBe(deployment && templateHash(deployment.spec.template))
    expect(shop.now.events.filter(text => /Promoted/.test(text))).toEqual([])
    await shop.phase('Succeeded', version)
    await shop.servesAlone(version, 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})
