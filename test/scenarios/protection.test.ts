import { describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import { STATE, STEPS } from '../../src/core/annotations.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { FIELD_MANAGER } from '../../src/core/names.ts'
import { Refusal } from './api-client.ts'
import { useEnvironment } from './environment.ts'
import { APP } from './manifest.ts'
import { Shop } from './shop.ts'
import { canaries, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

const SMALL = { replicas: 4, steps: '25% for 1h' }

async function running(): Promise<Shop> {
  const shop = await Shop.serving(environment, SMALL)
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

/** The release goes on as if nothing had been asked for. */
async function expectUndisturbed(shop: Shop): Promise<void> {
  const stored = await shop.stored()
  expect(stored.spec).toMatchObject({ paused: true, replicas: 3 })
  expect(shop.now.state).toMatchObject({ phase: 'Progressing', step: 0 })
  expect(canaries(shop.now)).toHaveLength(1)
  expect(stablePods(shop.now).every(({ version }) => version === 'v1')).toBe(true)
}

describe.concurrent('wrong annotations', () => {
  test('are denied in one answer with every error, and nothing is stored', async () => {
    const shop = await Shop.serving(environment, { replicas: 1 })
    const before = await shop.stored()
    const refusal = await shop
      .apply('v2', {
        steps: '10%, 500% for 5 m',
        settings: { deadline: 'soon', 'max-restart': '3', metrics: '[]' },
      })
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refusal)
    const { message } = refusal as Refusal
    for (const error of [
      `Deployment ${shop.namespace}/${APP} was not stored`,
      'step 2: weight 500% is not between 1% and 99%',
      '"5 m" is not a duration',
      'canaryhook.dev/deadline: "soon"',
      'did you mean canaryhook.dev/max-restarts?',
      'canaryhook.dev/metrics: analysis of metrics is not available yet',
    ]) {
      expect(message).toContain(error)
    }
    expect(await shop.stored()).toEqual(before)
  })

  test('are denied when the Deployment is created', async () => {
    const shop = await Shop.open(environment)
    await expect(shop.apply('v1', { steps: 'ten percent' })).rejects.toThrow(
      /was not stored: its annotations have errors/,
    )
    expect(await shop.admin.list(deployments, shop.namespace)).toEqual([])
  })
})

describe.concurrent('the state', () => {
  test('that somebody edits is put back, with a warning', async () => {
    const shop = await running()
    const state = (await shop.stored()).metadata.annotations?.[STATE]
    for (const edit of ['{}', state?.replace('Progressing', 'Succeeded') ?? '', null]) {
      const { object, warnings } = await shop.annotate({ [STATE]: edit }, 'alice')
      expect(JSON.parse(object.metadata.annotations?.[STATE] ?? 'null')).toEqual(JSON.parse(state ?? ''))
      if (edit !== null) expect(warnings.join('\n')).toMatch(/canaryhook\.dev\/state is kept by Canaryhook/)
    }
    await expectUndisturbed(shop)
  })

  test('that a new Deployment brings along is left out, and its pods start', async () => {
    const source = await running()
    const { annotations } = (await source.stored()).metadata
    const shop = await Shop.open(environment, SMALL)
    const copy = shop.manifest('v2')
    const body = {
      ...copy,
      metadata: {
        ...copy.metadata,
        annotations: { ...copy.metadata.annotations, [STATE]: annotations?.[STATE] },
      },
      spec: { ...copy.spec, paused: true },
    }
    const { object, warnings } = await shop.admin.create(deployments, shop.namespace, body)
    expect(warnings.join('\n')).toMatch(/state was left out: it belongs to another object/)
    expect(object.metadata.annotations).not.toHaveProperty(STATE)
    await shop.servesAlone('v2', 4)
  })

  test('of a failed release in a new Deployment is warned about loudly', async () => {
    const source = await running()
    await source.command('abort')
    await source.phase('Failed', 'v2')
    const state = (await source.stored()).metadata.annotations?.[STATE] ?? ''
    const shop = await Shop.open(environment, { ...SMALL, annotations: { [STATE]: state } })
    const { warnings } = await shop.apply('v2')
    expect(warnings.join('\n')).toMatch(/ATTENTION: .*FAILED its release/)
    await shop.servesAlone('v2', 4)
  })

  test('is written by nobody who only calls himself the controller', async () => {
    const shop = await running()
    const state = JSON.stringify({ ...shop.now.state, phase: 'Promoting' })
    const body = { metadata: { annotations: { [STATE]: state, 'example.com/manager': FIELD_MANAGER } } }
    const { warnings } = await shop.patch(body, 'alice', { fieldManager: FIELD_MANAGER })
    expect(warnings.join('\n')).toMatch(/canaryhook\.dev\/state is kept by Canaryhook/)
    await expectUndisturbed(shop)
  })
})

describe.concurrent('in mid-release', () => {
  test('paused: false does not ship the new version, and the warning names the command that does', async () => {
    const shop = await running()
    const { warnings } = await shop.patch({ spec: { paused: false } })
    expect(warnings.join('\n')).toMatch(/command=promote/)
    await expectUndisturbed(shop)
  })

  test('taking paused away does not ship it either', async () => {
    const shop = await running()
    const { object } = await shop.patch({ spec: { paused: null } })
    expect(object.spec.paused).toBe(true)
    await expectUndisturbed(shop)
  })

  test('a replace of the whole object without state and paused does not disturb', async () => {
    const shop = await running()
    const stored = await shop.stored()
    const { metadata, spec } = shop.manifest('v2')
    const { uid, namespace } = stored.metadata
    const whole = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...metadata, namespace, uid },
      spec,
    } as Deployment
    await shop.admin.replace(deployments, whole)
    await expectUndisturbed(shop)
  })

  test('a changed plan counts for the next release, with a warning', async () => {
    const shop = await running()
    const { warnings } = await shop.annotate({ [STEPS]: '50%' })
    expect(warnings.join('\n')).toMatch(
      /plan of the running release is fixed: changes count for the next one/,
    )
    await expectUndisturbed(shop)
  })

  test('opting out ends the release first, and the former version serves', async () => {
    const shop = await running()
    const { warnings } = await shop.annotate({ [STEPS]: null }, 'alice')
    expect(warnings.join('\n')).toMatch(/steps is gone: the release is aborted and the former version serves/)
    await shop.phase('Failed', 'v2')
    await shop.servesAlone('v1', 4)
    await shop.event(/aborted by alice \(canaryhook\.dev\/steps was removed\)/)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
    await shop.apply('v3', { steps: null })
    await shop.servesAlone('v3', 4)
    await shop.until('no snapshot', ({ snapshots }) => snapshots.length === 0)
    expect(canaries(shop.now)).toEqual([])
  })
})

describe.concurrent('a dry run', () => {
  test('of a release gives the same answer and changes nothing', async () => {
    const shop = await Shop.serving(environment, SMALL)
    const before = await shop.stored()
    const { object, warnings } = await shop.apply('v2', {}, { dryRun: true })
    expect(object.spec.paused).toBe(true)
    expect(warnings.join('\n')).toMatch(/canary 25%/)
    expect(await shop.stored()).toEqual(before)
    const real = await shop.apply('v2')
    expect(real.warnings).toEqual(warnings)
  })

  test('of wrong annotations is denied like the real one', async () => {
    const shop = await Shop.serving(environment, SMALL)
    await expect(shop.apply('v2', { steps: '0%' }, { dryRun: true })).rejects.toThrow(/was not stored/)
  })
})
