import { describe, expect, test } from 'vitest'
import { COMMAND } from '../../src/core/annotations.ts'
import type { Answer } from './api-client.ts'
import { useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { asStored, canaries, condition, names, ready, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

/** v2's canary stands at the first step of a plan that would stay there. */
async function running(steps = '25% for 1h, 50% for 1h'): Promise<Shop> {
  const shop = await Shop.serving(environment, { replicas: 4, steps })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

async function failed(): Promise<Shop> {
  const shop = await running()
  await shop.command('abort')
  await shop.phase('Failed', 'v2')
  await shop.servesAlone('v1', 4)
  return shop
}

/** The answer says what the command did, and its annotation is not stored. */
function expectCarriedOut({ object, warnings }: Answer<{ metadata: object }>, says: RegExp): void {
  expect(warnings.join('\n')).toMatch(says)
  expect(object.metadata).not.toHaveProperty(['annotations', COMMAND])
}

describe.concurrent('the command', () => {
  test('abort takes the canary away and brings the former version back to its size', async () => {
    const shop = await running()
    expectCarriedOut(
      await shop.command('abort', 'alice'),
      /abort: release aborted: the canary goes, the former version serves on all 4 pods/,
    )
    await shop.phase('Failed', 'v2')
    const end = await shop.servesAlone('v1', 4)
    expect(end.paused).toBe(true)
    await shop.event(/rolling back: aborted by alice/)
    const stalled = await shop.until('Stalled', view => condition(view, 'Stalled') !== undefined)
    expect(condition(stalled, 'Stalled')).toMatchObject({ reason: 'Aborted', message: 'aborted by alice' })
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('approve goes on where an approval is waited for', async () => {
    const shop = await Shop.serving(environment, { replicas: 4, steps: '25%, approve, 50% for 1h' })
    await shop.apply('v2')
    await shop.until('it waits', ({ state }) => state?.step === 1)
    expectCarriedOut(await shop.command('approve', 'bob'), /approve: step 2 of 3 approved/)
    await shop.stands(3, 'v2')
    await shop.event(/Approved: approved by bob/)
  })

  test('pause holds a release where it is, and resume lets it go on', async () => {
    const shop = await Shop.serving(environment, { replicas: 4, steps: '25% for 1s, 50% for 1h' })
    await shop.apply('v2')
    expectCarriedOut(await shop.command('pause', 'alice'), /pause: the release stays where it is/)
    await shop.until('held', view => /paused by alice/.test(condition(view, 'Reconciling')?.message ?? ''))
    await shop.stands(1, 'v2')
    // Longer than the step would last.
    await shop.watcher.quiet(1500)
    expectCarriedOut(await shop.command('resume', 'bob'), /resume: the release goes on/)
    const held = shop.watcher.history.filter(({ state }) => state?.held)
    expect(held.every(({ state }) => state?.step === 0)).toBe(true)
    await shop.stands(2, 'v2')
    await shop.event(/Paused: paused by alice/)
    await shop.event(/Resumed: resumed by bob/)
  })

  test('skip leaves the rest of a step out', async () => {
    const shop = await running()
    expectCarriedOut(await shop.command('skip', 'alice'), /skip: step 1 of 2 \(25% for 1h\) skipped/)
    await shop.stands(2, 'v2')
    await shop.event(/Skipped: step skipped by alice/)
  })

  test('promote leaves all steps out', async () => {
    const shop = await running()
    expectCarriedOut(await shop.command('promote', 'alice'), /promote: the steps that are left are skipped/)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
    await shop.event(/promoted by alice/)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('retry tries a version that failed once more', async () => {
    const shop = await failed()
    expectCarriedOut(await shop.command('retry', 'bob'), /retry: the held version is released again/)
    const again = await shop.stands(1, 'v2')
    expect(condition(again, 'Stalled')).toBeUndefined()
    await shop.event(/Retried: retried by bob/)
  })

  test('promote rolls out a version that failed all the same', async () => {
    const shop = await failed()
    expectCarriedOut(await shop.command('promote', 'bob'), /promote: the version that failed is rolled out/)
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
  })
})

describe.concurrent('a command is refused with a sentence', () => {
  test('where there is no release', async () => {
    const shop = await Shop.serving(environment, { replicas: 1 })
    for (const word of ['abort', 'approve', 'pause', 'resume', 'retry', 'skip', 'promote']) {
      await expect(shop.command(word)).rejects.toThrow(
        `canaryhook.dev/command=${word} was not carried out: no release is running or held`,
      )
    }
  })

  test('that it is not one, with the one that was meant', async () => {
    const shop = await Shop.serving(environment, { replicas: 1 })
    await expect(shop.command('aprove')).rejects.toThrow(/"aprove" is not one of: .*did you mean approve\?/)
  })

  test('where it makes no sense while the canary runs', async () => {
    const shop = await running()
    const before = await shop.stored()
    const where = 'the release is at step 1 of 2 (25% for 1h)'
    await expect(shop.command('approve')).rejects.toThrow(`nothing waits for approval: ${where}`)
    await expect(shop.command('retry')).rejects.toThrow(`only a failed release can be retried: ${where}`)
    await expect(shop.command('resume')).rejects.toThrow(`it is not paused: ${where}`)
    expect(asStored(await shop.stored())).toEqual(asStored(before))
  })

  test('that the accepted version is being rolled out, and how to go back', async () => {
    const shop = await Shop.serving(environment, { replicas: 4, steps: '25%' })
    await shop.apply('v2', { behaviour: { ready: '2s' } })
    await shop.phase('Promoting', 'v2')
    await expect(shop.command('abort')).rejects.toThrow(
      'the release was accepted and is rolling out on every pod; to go back, apply the former manifest',
    )
  })

  test('where a failed release is held', async () => {
    const shop = await failed()
    await expect(shop.command('abort')).rejects.toThrow(/nothing to abort: the release failed and is held/)
    await expect(shop.command('skip')).rejects.toThrow(/no step to skip/)
  })
})

test.concurrent('a command in a manifest is ignored with a warning, and is not stored', async () => {
  const shop = await running()
  const pods = names(shop.now.pods)
  const { warnings } = await shop.apply('v2', { settings: { command: 'abort' } })
  expect(warnings.join('\n')).toMatch(/command=abort was ignored because it comes from a manifest/)
  expect((await shop.stored()).metadata.annotations).not.toHaveProperty(COMMAND)
  expect(shop.now.state?.requests).toBeUndefined()
  expect(names(shop.now.pods)).toEqual(pods)
  expect(ready(shop.now, 'v2')).toBe(canaries(shop.now).length)
})
