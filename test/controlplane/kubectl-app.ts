/** An app that people apply with the real kubectl. */
import type { Environment, Ran } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { ready, stablePods } from '../scenarios/view.ts'

/** A version whose canary never gets ready, and is soon rejected for it. */
export const BAD = { behaviour: { ready: 'never' }, settings: { deadline: '2s' } }

export function apply(shop: Shop, version: string, changes?: AppOptions): Promise<Ran> {
  return shop.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(shop.manifest(version, changes)) })
}

/** v1 serves on 4 pods. */
export async function serving(environment: Environment, options: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.open(environment, { replicas: 4, steps: '25% for 1h', ...options })
  await apply(shop, 'v1')
  await shop.servesAlone('v1', 4)
  shop.watcher.restart()
  return shop
}

/** v2's canary stands beside 3 pods of v1, and would for an hour. */
export async function running(environment: Environment, options: AppOptions = {}): Promise<Shop> {
  const shop = await serving(environment, options)
  await apply(shop, 'v2')
  await shop.stands(1, 'v2')
  await shop.until('3 of v1', view => ready(view, 'v1') === 3 && stablePods(view).length === 3)
  return shop
}
