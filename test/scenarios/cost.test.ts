import { describe, expect, test } from 'vitest'
import { type Seen, useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { ourConditions } from './view.ts'

const environment = useEnvironment()

describe('what Canaryhook asks of the API server', () => {
  test('is at most 20 writes for a release of 4 weights, and no single object', async () => {
    const shop = await Shop.serving(environment, {
      replicas: 10,
      steps: '10% for 1s, 30% for 1s, 50% for 1s, 70% for 1s',
    })
    await shop.apply('v2')
    await shop.phase('Succeeded', 'v2', 30_000)
    await shop.servesAlone('v2', 10)
    await shop.until(
      'nothing of ours',
      view => view.snapshots.length === 0 && ourConditions(view).length === 0,
    )
    const line = ({ verb, resource, subresource, name, status }: Seen) =>
      [verb, resource, subresource, name, status].join(' ').replace(/ +/g, ' ')
    const requests = shop.writes()
    const story = requests.map(line).join('\n')
    // A refused one wrote nothing: somebody, such as the Deployment controller, had changed the object just then.
    const refused = requests.filter(({ status }) => status === 409)
    expect(requests.length - refused.length, story).toBeLessThanOrEqual(20)
    expect(refused.length, story).toBeLessThanOrEqual(4)
    expect(environment.requestsOf('controller').filter(({ verb }) => verb === 'get')).toEqual([])
  })

  test('is nothing while nothing happens', async () => {
    const shop = await Shop.serving(environment, { replicas: 2, steps: '50% for 1h' })
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.until('settled', view => view.pods.length === 2)
    await shop.watcher.quiet(500)
    const before = environment.requestsOf('controller').length
    await shop.watcher.quiet(2000)
    const since = environment.requestsOf('controller').slice(before)
    expect(since.filter(({ verb }) => verb !== 'watch')).toEqual([])
  })

  test('leaves Deployments without our annotation alone: the webhook is never asked', async () => {
    const before = await environment.reviews()
    const shop = await Shop.serving(environment, { steps: null, replicas: 2 })
    await shop.apply('v2', { steps: null })
    await shop.servesAlone('v2', 2)
    await shop.scale(3)
    await shop.servesAlone('v2', 3)
    expect(await environment.reviews()).toBe(before)
    expect(shop.writes()).toEqual([])
    expect(before).toBeGreaterThan(0)
  })
})
