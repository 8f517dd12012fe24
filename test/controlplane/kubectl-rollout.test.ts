/** What `kubectl rollout` says and does while a release runs, fails or is promoted. */
import { describe, expect, test } from 'vitest'
import { type Ran, useEnvironment } from '../scenarios/environment.ts'
import { APP } from '../scenarios/manifest.ts'
import type { Shop } from '../scenarios/shop.ts'
import { asStored, names, ready, stablePods } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { apply, BAD, running, serving } from './kubectl-app.ts'

const environment = useEnvironment()

function rollout(shop: Shop, verb: string, ...flags: readonly string[]): Promise<Ran> {
  return shop.kubectl(['rollout', verb, `deployment/${APP}`, ...flags])
}

/** v2 was released, after v1. */
async function released(): Promise<Shop> {
  const shop = await running(environment)
  await shop.command('promote')
  await shop.phase('Succeeded', 'v2')
  await shop.servesAlone('v2', 4)
  shop.watcher.restart()
  return shop
}

describe.concurrent('kubectl rollout status', () => {
  test('waits while a release runs, and says how many pods are not updated', async () => {
    const shop = await running(environment)
    const now = await rollout(shop, 'status', '--watch=false')
    expect(now).toEqual({
      code: 0,
      stdout:
        'Waiting for deployment "shop" rollout to finish: 0 out of 3 new replicas have been updated...\n',
      stderr: '',
    })
    const waited = await rollout(shop, 'status', '--timeout=1s')
    expect(waited).toMatchObject({ code: 1, stderr: 'error: timed out waiting for the condition\n' })
  })

  test('tells of a promotion as of any rollout, and ends when it is complete', async () => {
    const shop = await running(environment, { behaviour: { ready: '500ms' } })
    const followed = rollout(shop, 'status', '--timeout=40s')
    await shop.command('promote')
    const { code, stdout } = await followed
    expect(code).toBe(0)
    expect(
      stdout
        .split('\n')
        .filter(line => line !== '')
        .at(-1),
    ).toBe('deployment "shop" successfully rolled out')
    await shop.servesAlone('v2', 4)
    expect(await rollout(shop, 'status')).toEqual({
      code: 0,
      stdout: 'deployment "shop" successfully rolled out\n',
      stderr: '',
    })
  })

  test('fails while a rejected version is held, and no longer when the former one was applied', async () => {
    const shop = await serving(environment)
    await apply(shop, 'v2', BAD)
    const failure = {
      code: 1,
      stdout: '',
      stderr: 'error: deployment "shop" exceeded its progress deadline\n',
    }
    expect((await rollout(shop, 'status', '--timeout=40s')).stderr).toBe(failure.stderr)
    expect(await rollout(shop, 'status')).toEqual(failure)
    expect(await rollout(shop, 'status', '--watch=false')).toEqual(failure)
    await apply(shop, 'v1')
    // Asked before the controller has looked, kubectl would still fail: stalled.test.ts measures how long.
    await shop.phase('Reverted', 'v1')
    expect(await rollout(shop, 'status', '--timeout=40s')).toMatchObject({ code: 0, stderr: '' })
  })
})

describe.concurrent('kubectl refuses', () => {
  const refusals: readonly (readonly [string, string])[] = [
    [
      'undo',
      `error: you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again\n`,
    ],
    [
      'restart',
      `error: deployments.apps "shop" can't restart paused deployment (run rollout resume first)\n`,
    ],
    ['pause', 'error: deployments.apps "shop" is already paused\n'],
  ]

  async function expectRefusals(shop: Shop): Promise<void> {
    const before = asStored(await shop.stored())
    for (const [verb, stderr] of refusals) {
      expect(await rollout(shop, verb)).toEqual({ code: 1, stdout: '', stderr })
    }
    expect(asStored(await shop.stored())).toEqual(before)
  }

  test('undo, restart and pause while a release runs', async () => {
    const shop = await released()
    await apply(shop, 'v3')
    await shop.stands(1, 'v3')
    await shop.until('3 replicas', ({ replicas }) => replicas === 3)
    await expectRefusals(shop)
  })

  test('the same while a rejected version is held', async () => {
    const shop = await released()
    await apply(shop, 'v3', BAD)
    await shop.phase('Failed', 'v3')
    await shop.servesAlone('v2', 4)
    await expectRefusals(shop)
  })

  test('undo of the first version, since there is nothing before it', async () => {
    const shop = await running(environment)
    expect(await rollout(shop, 'undo')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: no rollout history found for deployment "shop"\n',
    })
  })
})

describe.concurrent('kubectl rollout resume', () => {
  test.each(['running', 'held'])('does not ship a version that is %s', async phase => {
    const shop = phase === 'running' ? await running(environment) : await serving(environment)
    if (phase === 'held') {
      await apply(shop, 'v2', BAD)
      await shop.phase('Failed', 'v2')
      await shop.servesAlone('v1', 4)
    }
    const before = names(stablePods(shop.now))
    const { code, stdout, stderr } = await rollout(shop, 'resume')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'deployment.apps/shop resumed\n' })
    expect(stderr).toMatch(
      /^Warning: canaryhook: a release holds this Deployment: it stays paused; .*command=promote\n$/,
    )
    await shop.watcher.quiet(1000)
    expect(shop.now.paused).toBe(true)
    expect(names(stablePods(shop.now))).toEqual(before)
  })
})

describe.concurrent('kubectl rollout pause', () => {
  test('does not stop a promotion, and is answered with a warning', async () => {
    const shop = await running(environment, { behaviour: { ready: '1s' } })
    await shop.command('promote')
    await shop.phase('Promoting', 'v2')
    const { code, stderr } = await rollout(shop, 'pause')
    expect(code).toBe(0)
    expect(stderr).toBe(
      'Warning: canaryhook: the accepted version is being rolled out: spec.paused was put back\n',
    )
    await shop.servesAlone('v2', 4)
  })

  test('without a release lets nothing start until resume', async () => {
    const shop = await serving(environment)
    await rollout(shop, 'pause')
    const applied = await apply(shop, 'v2')
    expect(applied.stderr).toMatch(/paused by you: the canary release starts when you resume it/)
    await shop.watcher.quiet(700)
    expect(shop.now.canary).toBeUndefined()
    const resumed = await rollout(shop, 'resume')
    expect(resumed.stderr).toMatch(/canary 25%/)
    await shop.stands(1, 'v2')
  })
})

describe.concurrent('kubectl rollout undo', () => {
  test.each([
    ['to the version before', []],
    ['to a revision by its number', ['--to-revision=1']],
  ])('%s is a release with a canary', async (_sentence, flags) => {
    const shop = await released()
    const { code, stdout, stderr } = await rollout(shop, 'undo', ...flags)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'deployment.apps/shop rolled back\n' })
    expect(stderr).toMatch(/^Warning: canaryhook: canary 25% → full[^\n]*\n$/)
    await shop.stands(1, 'v1')
    await shop.until('3 of v2 and 1 canary', view => ready(view, 'v2') === 3 && ready(view, 'v1') === 1)
    await shop.command('promote')
    await shop.phase('Succeeded', 'v1')
    await shop.servesAlone('v1', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})

describe.concurrent('kubectl rollout', () => {
  test('history knows a version when it is promoted, and not one that was rejected', async () => {
    const revisions = async (shop: Shop) => {
      const { stdout } = await rollout(shop, 'history')
      return [...stdout.matchAll(/^(\d+) /gm)].map(match => match[1])
    }
    const shop = await serving(environment)
    await apply(shop, 'v2', BAD)
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 4)
    expect(await revisions(shop)).toEqual(['1'])
    await apply(shop, 'v3')
    await shop.stands(1, 'v3')
    expect(await revisions(shop)).toEqual(['1'])
    await shop.command('promote')
    await shop.phase('Succeeded', 'v3')
    expect(await revisions(shop)).toEqual(['1', '2'])
  })

  test('restart without a release replaces the pods without a canary, and says so', async () => {
    const shop = await serving(environment)
    const before = names(shop.now.pods)
    const { code, stderr } = await rollout(shop, 'restart')
    expect(code).toBe(0)
    expect(stderr).toBe(
      'Warning: canaryhook: a restart is not a canary: the pods of the version that serves are replaced\n',
    )
    await shop.until(
      'new pods',
      view => ready(view) === 4 && !names(view.pods).some(name => before.includes(name)),
    )
    expect(shop.watcher.history.every(({ canary }) => canary === undefined)).toBe(true)
  })
})
