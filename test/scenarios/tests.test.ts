/** Quality gates that run by themselves: the canary alone, and test Jobs before and after a weight. */
import { describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { cronJobs, jobs, services } from '../../src/cluster/resources.ts'
import type { Job, KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from './environment.ts'
import type { AppOptions } from './manifest.ts'
import { Shop } from './shop.ts'
import { smoke } from './smoke.ts'
import { canaries, ready, type View } from './view.ts'
import { dipUnder, mostPods } from './watcher.ts'

const environment = useEnvironment()

async function serving(exitCode: number | 'never', options: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.serving(environment, {
    steps: 'test, 25% for 1s, 50%',
    ...options,
    settings: { test: 'cronjob/shop-smoke', ...options.settings },
  })
  await shop.admin.create(cronJobs as Resource<KubernetesObject>, shop.namespace, smoke(exitCode))
  await shop.expose()
  return shop
}

async function jobsOf(shop: Shop): Promise<readonly Job[]> {
  return shop.admin.list(jobs, shop.namespace)
}

/** Ready for the Services of the app: nobody is sent to others. */
const readyCanaries = (view: View) => canaries(view).filter(pod => pod.ready).length

describe('a release that begins with a test', () => {
  test('serves nobody until the test has passed, then goes on as any other', async () => {
    const shop = await serving(0)
    await shop.apply('v2')
    await shop.event(/Normal TestPassed: step 1 of 3 \(test\): cronjob\/shop-smoke passed/)
    const before = shop.watcher.history.filter(view => view.state?.step === 0)
    expect(before.some(view => canaries(view).length === 1)).toBe(true)
    expect(before.filter(view => readyCanaries(view) > 0)).toEqual([])
    expect(mostPods(before)).toBe(5)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
    const left = await shop.admin.list(services, shop.namespace)
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['shop'])
  })

  test('that fails is taken away in seconds, and kubectl describe tells its last words', async () => {
    const shop = await serving(3)
    await shop.apply('v2')
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 4)
    expect(shop.watcher.history.filter(view => readyCanaries(view) > 0)).toEqual([])
    const told = /step 1 of 3 \(test\): cronjob\/shop-smoke failed: .*exit code 3.*ends with 3/
    await shop.event(told)
    expect((await shop.kubectl(['describe', 'deployment', 'shop'])).stdout).toMatch(told)
  })

  test('gets no request through the Service of the app', async () => {
    const shop = await serving('never')
    await shop.apply('v2')
    await shop.until('it is tested', ({ state }) => state?.tested === true)
    const { byVersion } = await shop.traffic(200)
    expect(Object.keys(byVersion)).toEqual(['v1'])
    await shop.command('abort')
    await shop.servesAlone('v1', 4)
    await expect.poll(() => jobsOf(shop)).toEqual([])
  })

  test('that somebody deletes is started once more, and then fails the release', async () => {
    const shop = await serving('never')
    await shop.apply('v2')
    for (const attempt of [1, 2]) {
      await shop.until(
        `attempt ${attempt}`,
        ({ state }) => (state?.attempt ?? 1) === attempt && state?.tested === true,
      )
      const [job] = await jobsOf(shop)
      await shop.admin.remove(jobs, { namespace: shop.namespace, name: job?.metadata.name ?? '' })
    }
    await shop.phase('Failed', 'v2')
    expect(shop.now.state?.message).toMatch(/was deleted twice/)
  })

  test('is cancelled when another version comes', async () => {
    const shop = await serving('never')
    await shop.apply('v2')
    await shop.until('it is tested', ({ state }) => state?.tested === true)
    const [first] = await jobsOf(shop)
    await shop.apply('v3')
    await shop.until('v3 is tested', ({ state, version }) => version === 'v3' && state?.tested === true)
    const now = await jobsOf(shop)
    expect(now).toHaveLength(1)
    expect(now[0]?.metadata.uid).not.toBe(first?.metadata.uid)
  })

  test('whose CronJob is missing fails at the deadline, with its name', async () => {
    const shop = await serving(0, { settings: { test: 'cronjob/other', deadline: '3s' } })
    await shop.apply('v2')
    await shop.phase('Failed', 'v2')
    expect(shop.now.state?.message).toMatch(/cronjob\/other does not exist/)
  })

  test('waits for a person after it, still alone', async () => {
    const shop = await serving(0, { steps: 'test, approve, 50%' })
    await shop.apply('v2')
    await shop.until('it waits for approval', ({ state }) => state?.step === 1)
    expect(readyCanaries(shop.now)).toBe(0)
    await shop.command('approve')
    await shop.phase('Succeeded', 'v2')
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('is refused where a Service would send requests to pods that are not ready', async () => {
    const shop = await serving('never')
    await shop.admin.create(services as Resource<KubernetesObject>, shop.namespace, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'all' },
      spec: { selector: { app: 'shop' }, publishNotReadyAddresses: true, ports: [{ port: 80 }] },
    })
    await shop.apply('v2')
    await shop.phase('Failed', 'v2')
    expect(shop.now.state).toMatchObject({ reason: 'NotIsolated' })
    expect(shop.now.state?.message).toMatch(/Service all/)
  })
})

describe('isolation by a label', () => {
  test('leaves it out of the pods that are tested, so that no Service of the app finds them', async () => {
    const shop = await Shop.serving(environment, {
      steps: 'test, 50% for 2s',
      podLabels: { production: 'true' },
      settings: { test: 'cronjob/shop-smoke', isolate: 'production' },
    })
    await shop.admin.create(cronJobs as Resource<KubernetesObject>, shop.namespace, smoke('never'))
    await shop.expose({ production: 'true' })
    await shop.apply('v2')
    await shop.until('it is tested', ({ state }) => state?.tested === true)
    expect(readyCanaries(shop.now)).toBe(1)
    expect(Object.keys((await shop.traffic(100)).byVersion)).toEqual(['v1'])
    await shop.command('skip')
    await shop.stands(2, 'v2')
    expect(Object.keys((await shop.traffic(200)).byVersion).sort()).toEqual(['v1', 'v2'])
    await shop.phase('Succeeded', 'v2')
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})

describe('a test after a weight', () => {
  test('runs with the canary in production, and the release goes on when it has passed', async () => {
    const shop = await serving(0, { steps: '25%, test, 50%' })
    await shop.apply('v2')
    await shop.event(/TestPassed: step 2 of 3/)
    await shop.phase('Succeeded', 'v2')
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('takes the canary away when it fails', async () => {
    const shop = await serving(1, { steps: '25%, test, 50%' })
    await shop.apply('v2')
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 4)
    expect(shop.now.state).toMatchObject({ reason: 'TestFailed', step: 1 })
    expect(ready(shop.now, 'v1')).toBe(4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})
