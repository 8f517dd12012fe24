/** helm upgrade that waits for the end of the canary release, with the hook of the example chart. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { jobs } from '../../src/cluster/resources.ts'
import { ownControlPlane } from '../controlplane/planes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { condition, names, ourConditions, ready, stablePods } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { HelmShop, type ShopValues } from './app-shop.ts'
import { Helm } from './helm.ts'
import { type PodPlayer, startPodPlayer } from './pod-player.ts'

const environment = useEnvironment()
const SHORT: ShopValues = { steps: '25% for 2s, 50% for 1s', waits: true }
const LONG: ShopValues = { steps: '25% for 1h', waits: true }
const BAD: ShopValues = { behaviour: { ready: 'never' }, settings: { deadline: '2s' } }
const REASON = 'DeadlineExceeded: step 1 of 2 (25% for 2s): not ready within 2s: 0 of 1 canary pods are ready'

let helm: Helm
let player: PodPlayer
beforeAll(async () => {
  const { admin } = ownControlPlane().kubeconfigs
  helm = await Helm.open(inject('helm'), admin)
  player = await startPodPlayer({ cluster: environment.cluster, kubeconfig: admin })
})
afterAll(async () => {
  await player?.stop()
  await helm?.close()
})

const serving = (values: ShopValues, flags: readonly string[] = []) =>
  HelmShop.serving(environment, helm, values, flags)

describe.concurrent('helm upgrade with the hook', () => {
  test.each([
    ['server-side', []],
    ['client-side', ['--server-side=false']],
  ])('ends when the release is promoted (%s apply), and leaves no Job', async (_way, flags) => {
    const app = await serving(SHORT, flags)
    const { shop } = app
    const upgrading = app.upgrade('v2', {}, ['--wait'])
    await shop.stands(1, 'v2')
    expect(await app.status()).toBe('pending-upgrade')
    const { stdout } = await upgrading
    expect(stdout).toContain('STATUS: deployed')
    expect(['Promoting', 'Succeeded']).toContain(shop.now.state?.phase)
    expect(ready(shop.now, 'v1')).toBe(0)
    await app.servesAlone('v2', 4)
    expect(await shop.admin.list(jobs, shop.namespace)).toEqual([])
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('fails when the release fails, with the reason in what it prints and in the Job’s pod', async () => {
    const app = await serving(SHORT)
    const { shop } = app
    const before = names(shop.now.pods)
    const { code, stderr } = await app.tryUpgrade('v2', BAD)
    expect(code).toBe(1)
    // Helm quotes what the hook said.
    expect(stderr).toContain('error: deployment \\"shop\\" exceeded its progress deadline')
    expect(stderr).toContain(REASON)
    expect(stderr).toMatch(/UPGRADE FAILED: post-upgrade hooks failed: .*shop-released/)
    expect(await app.status()).toBe('failed')
    const { stdout: said } = await shop.kubectl([
      'get',
      'pods',
      '--selector=job-name=shop-released',
      '--output=jsonpath={.items[*].status.containerStatuses[0].state.terminated.message}',
    ])
    expect(said).toContain(REASON)
    expect((await shop.kubectl(['logs', 'job/shop-released'])).stdout).toContain(REASON)
    await app.servesAlone('v1', 4)
    expect(names(shop.now.pods)).toEqual(expect.arrayContaining([...before]))

    // The next one clears the failed Job away, and waits again.
    await app.upgrade('v3')
    await app.servesAlone('v3', 4)
    expect(await app.status()).toBe('deployed')
  })

  test('that rolls back on failure ends with the former version on the same pods and nothing of ours', async () => {
    const app = await serving(SHORT)
    const { shop } = app
    const before = names(shop.now.pods)
    const { code, stderr } = await app.tryUpgrade('v2', BAD, ['--rollback-on-failure', '--timeout=100s'])
    expect(code).toBe(1)
    expect(stderr).toContain(REASON)
    expect(stderr).toContain('rolled back due to rollback-on-failure being set')
    expect(await app.status()).toBe('deployed')
    await shop.phase('Reverted', 'v1')
    await shop.until('nothing of ours', ({ paused, canary, snapshots, deployment }) => {
      const conditions = deployment?.status?.conditions ?? []
      return !paused && !canary && snapshots.length === 0 && conditions.length === 2
    })
    await app.servesAlone('v1', 4)
    expect(ourConditions(shop.now)).toEqual([])
    expect(condition(shop.now, 'Progressing')).toMatchObject({ status: 'True' })
    expect(names(shop.now.pods)).toEqual(before)
    expect(await shop.admin.list(jobs, shop.namespace)).toEqual([])
    await app.upgrade('v3')
    await app.servesAlone('v3', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('refuses a second one while it waits; an abort ends it, and then a fix can be shipped', async () => {
    const app = await serving(LONG)
    const { shop } = app
    const upgrading = app.tryUpgrade('v2')
    await shop.stands(1, 'v2')
    const second = await app.tryUpgrade('v3')
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('another operation (install/upgrade/rollback) is in progress')
    await shop.command('abort', 'alice')
    const { code, stderr } = await upgrading
    expect(code).toBe(1)
    expect(stderr).toContain('Aborted: aborted by alice')
    await app.upgrade('v3', { steps: '50%' })
    await app.servesAlone('v3', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('that runs out of its own time fails, and the release goes on; afterwards the same one is a success', async () => {
    const app = await serving(LONG)
    const { shop } = app
    const { code, stderr } = await app.tryUpgrade('v2', {}, ['--timeout=6s'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/post-upgrade hooks failed: .*status: InProgress/)
    expect(await app.status()).toBe('failed')
    expect(shop.now.state).toMatchObject({ phase: 'Progressing' })
    await shop.command('promote')
    await shop.phase('Succeeded', 'v2')
    await app.servesAlone('v2', 4)
    const released = shop.now.deployment?.metadata.generation
    await app.upgrade('v2')
    expect(await app.status()).toBe('deployed')
    expect((await shop.stored()).metadata.generation).toBe(released)
  })

  test('of the rejected version, once more, fails at once; retried with more time it can be promoted', async () => {
    const app = await serving(SHORT)
    const { shop } = app
    const late: ShopValues = { behaviour: { ready: '4s' }, settings: { deadline: '2s' } }
    expect((await app.tryUpgrade('v2', late)).code).toBe(1)
    await app.servesAlone('v1', 4)
    shop.watcher.restart()
    const again = await app.tryUpgrade('v2', late)
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('DeadlineExceeded')
    expect(shop.watcher.history.filter(({ canary }) => canary !== undefined)).toEqual([])
    await shop.annotate({ 'canaryhook.dev/deadline': '60s' })
    await shop.command('retry')
    await shop.phase('Succeeded', 'v2')
    await app.upgrade('v2', { ...late, settings: { deadline: '60s' } })
    expect(await app.status()).toBe('deployed')
  })

  test('that is killed leaves a release that goes on, and helm rollback ends both', async () => {
    const app = await serving(LONG)
    const { shop } = app
    expect((await app.killedUpgrade('v2', shop.stands(1, 'v2'))).code).toBeNull()
    expect(await app.status()).toBe('pending-upgrade')
    expect(shop.now.state).toMatchObject({ phase: 'Progressing' })
    await app.helm('rollback', '1', '--timeout=60s')
    await app.servesAlone('v1', 4)
    expect(await app.status()).toBe('deployed')
  })

  test('helm rollback with the hook ends when the former version serves alone', async () => {
    const app = await serving(LONG)
    const { shop } = app
    const failing = app.tryUpgrade('v2', {}, ['--timeout=4s'])
    await shop.stands(1, 'v2')
    await failing
    await app.helm('rollback', '1', '--timeout=60s')
    // The API server says it: the watch may be behind Helm.
    expect((await shop.stored()).spec.template.spec?.containers?.[0]?.image).toMatch(/:v1$/)
    await app.servesAlone('v1', 4)
    // The hook's own pod goes a moment after its Job.
    await shop.until('4 pods', view => stablePods(view).length === 4)
  })

  test('helm uninstall after it gave up waiting leaves nothing but its own Job', async () => {
    const app = await serving(LONG)
    const { shop } = app
    await app.tryUpgrade('v2', {}, ['--timeout=5s'])
    await app.helm('uninstall', '--timeout=60s')
    await app.leavesNothing()
    // Helm never removes what a failed hook left; it goes when its time to live is over.
    expect((await shop.admin.list(jobs, shop.namespace)).map(({ metadata }) => metadata.name)).toEqual([
      'shop-released',
    ])
  })
})
