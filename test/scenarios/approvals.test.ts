import { describe, expect, test } from 'vitest'
import { STATE } from '../../src/core/annotations.ts'
import { type User, useEnvironment } from './environment.ts'
import { Shop } from './shop.ts'
import { canaries, condition, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

/** alice changed the template, and the release waits at the second of three steps. bob is of the group sre. */
async function waitingFor(approve: string, author: User = 'alice'): Promise<Shop> {
  const steps = `25%, ${approve}, 50% for 1h`
  const shop = await Shop.serving(environment, { replicas: 4, steps })
  await shop.apply('v2', {}, { by: author })
  await shop.until('it waits', ({ state }) => state?.step === 1)
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

/** Nothing came of what was asked for: it waits with the canary it has. */
async function expectWaiting(shop: Shop): Promise<void> {
  await shop.watcher.quiet(500)
  expect(shop.now.state).toMatchObject({ phase: 'Progressing', step: 1 })
  expect(shop.now.state).not.toHaveProperty('requests')
  expect(canaries(shop.now)).toHaveLength(1)
}

async function says(shop: Shop, pattern: RegExp): Promise<void> {
  const isSaid = (message = '') => pattern.test(message)
  await shop.until(`Reconciling says ${pattern}`, view => isSaid(condition(view, 'Reconciling')?.message))
}

describe.concurrent('approve by other', () => {
  test('takes somebody who is not the author of the change', async () => {
    const shop = await waitingFor('approve by other')
    await says(shop, /waiting for approval by somebody other than alice since .*command=approve/)
    await expect(shop.command('approve', 'alice')).rejects.toThrow(
      'canaryhook.dev/command=approve was not carried out: step 2 of 3 (approve by other) is not yours to approve: you are the author of the change; it takes somebody other than alice, who types command=approve',
    )
    await expectWaiting(shop)
    const { warnings } = await shop.command('approve', 'bob')
    expect(warnings.join('\n')).toMatch(/approve: step 2 of 3 approved, the release goes on/)
    await shop.stands(3, 'v2')
    await shop.event(/Approved: approved by bob/)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('cannot be skipped or promoted past by the author, but by another', async () => {
    const shop = await waitingFor('approve by other')
    await expect(shop.command('skip', 'alice')).rejects.toThrow(
      /step 2 of 3 \(approve by other\) is not yours to skip: you are the author of the change/,
    )
    await expect(shop.command('promote', 'alice')).rejects.toThrow(
      /step 2 of 3 \(approve by other\) cannot be left out: you are the author of the change/,
    )
    const template = shop.manifest('v3').spec.template
    const metadata = { annotations: { 'canaryhook.dev/command': 'promote' } }
    await expect(shop.patch({ metadata, spec: { template } }, 'alice')).rejects.toThrow(/cannot be left out/)
    await expectWaiting(shop)
    await shop.command('promote', 'bob')
    await shop.phase('Succeeded', 'v2')
    await shop.servesAlone('v2', 4)
  })

  test('still looks at who made the change when another one retries', async () => {
    const shop = await waitingFor('approve by other')
    await shop.command('abort', 'alice')
    await shop.phase('Failed', 'v2')
    await shop.command('retry', 'bob')
    await shop.event(/Retried: retried by bob/)
    await shop.until('it waits again', ({ state }) => state?.phase === 'Progressing' && state.step === 1)
    await expect(shop.command('approve', 'alice')).rejects.toThrow(/you are the author of the change/)
    await shop.command('approve', 'bob')
    await shop.stands(3, 'v2')
  })
})

test.concurrent('approve by group takes a member of it', async () => {
  const shop = await waitingFor('approve by group:sre', 'admin')
  await expect(shop.command('approve', 'alice')).rejects.toThrow(
    /you are not in the group sre; it takes somebody of the group sre, who types command=approve/,
  )
  await expectWaiting(shop)
  await shop.command('approve', 'bob')
  await shop.stands(3, 'v2')
  await shop.event(/Approved: approved by bob/)
})

describe.concurrent('approve by 2', () => {
  test('takes two different people', async () => {
    const shop = await waitingFor('approve by 2')
    const first = await shop.command('approve', 'alice')
    expect(first.warnings.join('\n')).toMatch(/approved by 1 of 2, somebody else has to as well/)
    await shop.event(/Approved: approved by alice \(1 of 2\)/)
    await says(shop, /waiting for approval by 2 people \(1 of 2: alice\) since/)
    await expect(shop.command('approve', 'alice')).rejects.toThrow(
      'you approved already: 1 of 2, somebody else has to',
    )
    await expectWaiting(shop)
    await shop.command('approve', 'bob')
    await shop.stands(3, 'v2')
    await shop.event(/Approved: approved by bob \(2 of 2\)/)
    expect(shop.now.state).not.toHaveProperty('approvals')
  })

  test('believes nobody who writes an approval into the state by hand', async () => {
    const shop = await waitingFor('approve by 2')
    await shop.command('approve', 'bob')
    await shop.event(/Approved: approved by bob \(1 of 2\)/)
    const stored = (await shop.stored()).metadata.annotations?.[STATE] ?? ''
    for (const forged of [
      { approvals: ['bob', 'eve'] },
      { requests: [{ command: 'approve', by: 'eve', step: 1 }] },
      { step: 2 },
    ]) {
      const text = JSON.stringify({ ...JSON.parse(stored), ...forged })
      const { object, warnings } = await shop.annotate({ [STATE]: text }, 'alice')
      expect(JSON.parse(object.metadata.annotations?.[STATE] ?? 'null')).toEqual(JSON.parse(stored))
      expect(warnings.join('\n')).toMatch(/canaryhook\.dev\/state is kept by Canaryhook/)
    }
    await expectWaiting(shop)
    expect(shop.now.state?.approvals).toEqual(['bob'])
  })

  test('is skipped and promoted past by nobody', async () => {
    const shop = await waitingFor('approve by 2')
    for (const word of ['skip', 'promote']) {
      await expect(shop.command(word, 'bob')).rejects.toThrow(
        /one person alone cannot approve it; it takes 2/,
      )
    }
    await expectWaiting(shop)
  })
})

test.concurrent('approve for 2s fails the release when nobody came', async () => {
  const shop = await Shop.serving(environment, { replicas: 4, steps: '25%, approve for 2s' })
  await shop.apply('v2')
  await shop.phase('Failed', 'v2')
  await shop.servesAlone('v1', 4)
  const stalled = await shop.until('Stalled', view => condition(view, 'Stalled') !== undefined)
  expect(condition(stalled, 'Stalled')).toMatchObject({
    reason: 'NotApproved',
    message: 'step 2 of 2 (approve for 2s): nobody approved within 2s',
  })
  await shop.event(/CanaryFailed: rolling back: .*nobody approved within 2s/)
  expect(dipUnder(4, shop.watcher.history)).toBe('')
})

test.concurrent('a template whose plan takes another is not shipped with command=promote by its author', async () => {
  const shop = await Shop.serving(environment, { replicas: 1, steps: '25%, approve by other' })
  const template = shop.manifest('v2').spec.template
  const metadata = { annotations: { 'canaryhook.dev/command': 'promote' } }
  await expect(shop.patch({ metadata, spec: { template } }, 'alice')).rejects.toThrow(
    /command=promote was not carried out: step 2 of 2 \(approve by other\) cannot be left out/,
  )
  await shop.servesAlone('v1', 1)
})
