import { describe, expect, test } from 'vitest'
import { STATE } from '../../src/core/annotations.ts'
import { useEnvironment } from './environment.ts'
import { keepingRegistration } from './registration.ts'
import { Shop } from './shop.ts'
import { runUninstall } from './uninstaller.ts'
import { canaries, condition, names, ready, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

/** A release at its second step whose state a newer version of Canaryhook wrote. */
async function upgraded(): Promise<{ readonly shop: Shop; readonly text: string }> {
  const shop = await Shop.serving(environment, { replicas: 4, steps: '25%, 50% for 1h' })
  await shop.apply('v2')
  await shop.stands(2, 'v2')
  const stored = JSON.parse((await shop.stored()).metadata.annotations?.[STATE] ?? '')
  const text = JSON.stringify({ ...stored, version: 2, pace: 'by metrics' })
  // Past the webhook, as the newer controller does it too.
  await shop.patch({ metadata: { annotations: { [STATE]: text } } }, 'admin', { subresource: 'status' })
  await shop.until('it is told', view => condition(view, 'Stalled')?.reason === 'StateUnreadable')
  shop.watcher.restart()
  return { shop, text }
}

describe('the state of a newer version', () => {
  test('is refused by an older controller, which says so and leaves everything as it is', async () => {
    const { shop, text } = await upgraded()
    await shop.watcher.quiet(500)
    const writes = shop.writes().length
    const pods = names(canaries(shop.now))
    expect(condition(shop.now, 'Stalled')?.message).toBe(
      `the annotation ${STATE} cannot be read: it was written by another version of Canaryhook ` +
        '(state version 2, this one knows 1); nothing is done until it can be read',
    )
    await shop.scale(3)
    await shop.until('3 pods of v1', view => stablePods(view).length === 3)
    await shop.scale(2)
    await shop.until('2 pods of v1', view => stablePods(view).length === 2)
    await shop.watcher.quiet(1000)
    expect(shop.writes()).toHaveLength(writes)
    expect((await shop.stored()).metadata.annotations?.[STATE]).toBe(text)
    expect(names(canaries(shop.now))).toEqual(pods)
    expect(ready(shop.now, 'v1')).toBe(2)
  })

  test('is not damaged by an older webhook: other changes pass, a new version waits for the upgrade', async () => {
    const { shop, text } = await upgraded()
    await shop.annotate({ team: 'checkout' })
    await shop.annotate({ [STATE]: '{"version":1}' })
    await expect(shop.apply('v3')).rejects.toThrow(
      /state version 2, this one knows 1\); finish the upgrade of Canaryhook, or give the release up: kubectl annotate deployment shop canaryhook\.dev\/state-/,
    )
    await expect(shop.command('promote')).rejects.toThrow(/finish the upgrade of Canaryhook/)
    const { metadata, spec } = await shop.stored()
    expect(metadata.annotations).toMatchObject({ team: 'checkout', [STATE]: text })
    expect(spec.paused).toBe(true)
    expect(ready(shop.now, 'v1')).toBe(2)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('is taken away by an uninstall: the version that serves comes back whole, and stays', async () => {
    const { shop } = await upgraded()
    await keepingRegistration(environment, async () => {
      const kubeconfig = await environment.uninstallKubeconfig()
      const { code, stdout } = await runUninstall(kubeconfig, { namespaces: [shop.namespace] })
      expect(code, stdout).toBe(0)
    })
    await shop.servesAlone('v1', 4)
    expect(shop.now).toMatchObject({ version: 'v1', paused: false, snapshots: [], canary: undefined })
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})
