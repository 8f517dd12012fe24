/** What people change with kubectl and Helm while a release runs: what of it counts, and what is put back. */
import { describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import { STATE, STEPS } from '../../src/core/annotations.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { APP, type AppOptions, dropped, merged } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { asStored, canaries, names, ready, stablePods } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { apply, BAD, running, serving } from './kubectl-app.ts'
import { ownersOf } from './ownership.ts'

const environment = useEnvironment()

function container({ spec }: Deployment) {
  return spec.template.spec?.containers?.[0]
}

describe.concurrent('a release starts by', () => {
  test.each<readonly [string, readonly string[]]>([
    ['kubectl set image', ['set', 'image', `deployment/${APP}`, `${APP}=shop:v2`]],
    ['kubectl set env', ['set', 'env', `deployment/${APP}`, 'FLAG=on']],
    ['kubectl set resources', ['set', 'resources', `deployment/${APP}`, '--requests=cpu=10m']],
    [
      'kubectl patch with a strategic merge',
      [
        'patch',
        'deployment',
        APP,
        '-p',
        `{"spec":{"template":{"spec":{"containers":[{"name":"${APP}","image":"shop:v2"}]}}}}`,
      ],
    ],
    [
      'kubectl patch with a merge patch',
      [
        'patch',
        'deployment',
        APP,
        '--type=merge',
        '-p',
        '{"spec":{"template":{"metadata":{"annotations":{"flag":"on"}}}}}',
      ],
    ],
    [
      'kubectl patch with a JSON patch',
      [
        'patch',
        'deployment',
        APP,
        '--type=json',
        '-p',
        '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"shop:v2"}]',
      ],
    ],
  ])('%s', async (_verb, args) => {
    const shop = await serving(environment)
    const { code, stderr } = await shop.kubectl(args)
    expect(code).toBe(0)
    expect(stderr).toMatch(/^Warning: canaryhook: canary 25%/)
    const { template } = (await shop.stored()).spec
    await shop.until('a canary of it', ({ canary }) => canary !== undefined)
    await shop.until('it stands', ({ state }) => state?.reached !== undefined)
    expect(shop.now.canary && container(shop.now.canary)).toEqual(template.spec?.containers?.[0])
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('kubectl edit', async () => {
    const shop = await serving(environment)
    const { code, stderr } = await shop.kubectl(['edit', 'deployment', APP], {
      editor: 'sed -i s/shop:v1/shop:v2/',
    })
    expect(code).toBe(0)
    expect(stderr).toMatch(/Warning: canaryhook: canary 25%/)
    await shop.stands(1, 'v2')
  })

  test('kubectl replace with the object as it was read', async () => {
    const shop = await serving(environment)
    const read = await shop.kubectl(['get', 'deployment', APP, '-o', 'json'])
    const stdin = read.stdout.replaceAll('shop:v1', 'shop:v2')
    expect(await shop.kubectl(['replace', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
    await shop.stands(1, 'v2')
  })
})

describe.concurrent('in the middle of a release', () => {
  test('kubectl apply again and again changes nothing but, from the second time, the size of stable', async () => {
    const shop = await running(environment)
    const first = await apply(shop, 'v2')
    expect(first).toMatchObject({ code: 0 })
    await shop.watcher.quiet(500)
    expect(shop.now).toMatchObject({ replicas: 3, paused: true })
    for (let time = 2; time <= 5; time += 1) expect((await apply(shop, 'v2')).code).toBe(0)
    await shop.until('4 of v1 beside 1 canary', view => ready(view, 'v1') === 4 && ready(view, 'v2') === 1)
    expect(canaries(shop.now)).toHaveLength(1)
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
    await shop.phase('Succeeded', 'v2')
    const before = asStored(await shop.stored())
    expect((await apply(shop, 'v2')).code).toBe(0)
    expect(asStored(await shop.stored())).toEqual(before)
  })

  test('kubectl replace of the manifest keeps the release; an outdated read is a conflict', async () => {
    const shop = await running(environment)
    const old = await shop.kubectl(['get', 'deployment', APP, '-o', 'json'])
    await shop.annotate({ 'example.com/team': 'shop' })
    const refused = await shop.kubectl(['replace', '-f', '-'], { stdin: old.stdout })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/Conflict.*the object has been modified/s)
    const stdin = JSON.stringify(shop.manifest('v2'))
    const replaced = await shop.kubectl(['replace', '-f', '-'], { stdin })
    expect(replaced.code).toBe(0)
    expect(replaced.stderr).toMatch(/^Warning: canaryhook: a release holds this Deployment: it stays paused/)
    const { metadata, spec } = await shop.stored()
    expect(spec).toMatchObject({ paused: true, replicas: 3 })
    expect(metadata.annotations).toHaveProperty(STATE)
    await shop.watcher.quiet(500)
    expect(names(canaries(shop.now))).toHaveLength(1)
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
  })

  test('kubectl edit of replicas is the new total', async () => {
    const shop = await running(environment)
    await shop.kubectl(['edit', 'deployment', APP], { editor: `sed -i 's/^  replicas: 3$/  replicas: 8/'` })
    await shop.until('6 of v1 and 2 canaries', view => ready(view, 'v1') === 6 && ready(view, 'v2') === 2)
  })

  test('kubectl edit of the state is put back, and a warning says so', async () => {
    const shop = await running(environment)
    const before = (await shop.stored()).metadata.annotations?.[STATE]
    const { code, stderr } = await shop.kubectl(['edit', 'deployment', APP], {
      editor: `sed -i 's/"step":0/"step":1/'`,
    })
    expect(code).toBe(0)
    expect(stderr).toMatch(/canaryhook\.dev\/state is kept by Canaryhook: your change of it was put back/)
    expect((await shop.stored()).metadata.annotations?.[STATE]).toBe(before)
  })

  test('kubectl set env ends the canary of before and starts another', async () => {
    const shop = await running(environment)
    expect((await shop.kubectl(['set', 'env', `deployment/${APP}`, 'FLAG=on'])).code).toBe(0)
    await shop.until('a canary with it', ({ canary, state }) => {
      const [env] = ((canary && container(canary)?.env) ?? []) as readonly { name: string }[]
      return env?.name === 'FLAG' && state?.reached !== undefined
    })
    await shop.until('3 of v1', view => ready(view, 'v1') === 3)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('kubectl scale up and down is the new total, to 0 ends it, and back brings the former version', async () => {
    const shop = await running(environment)
    const scale = (replicas: number) => shop.kubectl(['scale', 'deployment', APP, `--replicas=${replicas}`])
    await scale(8)
    await shop.until('6 of v1 and 2 canaries', view => ready(view, 'v1') === 6 && ready(view, 'v2') === 2)
    await scale(4)
    await shop.until('a total of 4', ({ state }) => state?.total === 4)
    await shop.until('3 of v1 and 1 canary', view => ready(view, 'v1') === 3 && ready(view, 'v2') === 1)
    await scale(0)
    await shop.phase('Failed', 'v2')
    await shop.until('no pods', view => view.pods.length === 0 && !view.canary)
    await scale(4)
    await shop.servesAlone('v1', 4)
    expect(shop.now).toMatchObject({ paused: true, state: { reason: 'ScaledToZero' } })
  })

  test('kubectl annotate and label of other things are stored and change nothing of the release', async () => {
    const shop = await running(environment)
    const before = (await shop.stored()).metadata.annotations?.[STATE]
    const ran = [
      await shop.kubectl(['annotate', 'deployment', APP, 'example.com/team=shop']),
      await shop.kubectl(['label', 'deployment', APP, 'tier=front']),
    ]
    expect(ran.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(2).fill({ code: 0, stderr: '' }))
    const { metadata } = await shop.stored()
    expect(metadata.annotations).toMatchObject({ [STATE]: before, 'example.com/team': 'shop' })
    expect(metadata.labels).toMatchObject({ tier: 'front' })
  })

  test('kubectl annotate that takes the steps away aborts it', async () => {
    const shop = await running(environment)
    const { stderr } = await shop.kubectl(['annotate', 'deployment', APP, `${STEPS}-`])
    expect(stderr).toMatch(/Warning: canaryhook: .*the release is aborted and the former version serves/)
    await shop.servesAlone('v1', 4)
  })
})

/** `helm upgrade` of a chart whose Deployment says `paused: false`. */
type Upgrades = (shop: Shop, version: string, changes?: AppOptions) => Promise<unknown>

/** Helm 3: the difference of manifests, laid over what is stored, as a strategic merge patch. */
function helm3(): Upgrades {
  let former: Deployment | undefined
  return async (shop, version, changes) => {
    const wanted = chart(shop, version, changes)
    former ??= chart(shop, 'v1')
    await shop.patch(merged(wanted, dropped(former, wanted) ?? {}), 'admin', { fieldManager: 'helm' })
    former = wanted
  }
}

/** Helm 4: server-side apply. */
function helm4(): Upgrades {
  return (shop, version, changes) =>
    shop.admin.apply(deployments, shop.namespace, chart(shop, version, changes), { fieldManager: 'helm' })
}

function chart(shop: Shop, version: string, changes: AppOptions = {}): Deployment {
  return shop.manifest(version, { ...changes, spec: { paused: false } })
}

describe.concurrent('a chart with paused: false', () => {
  test.each([
    ['Helm 3', helm3],
    ['Helm 4', helm4],
  ])('of %s ships nothing past its canary', async (_name, helm) => {
    const upgrade = helm()
    const shop = await Shop.open(environment, { replicas: 4, steps: '25% for 1h' })
    await shop.admin.apply(deployments, shop.namespace, chart(shop, 'v1'), { fieldManager: 'helm' })
    await shop.servesAlone('v1', 4)
    const v1 = names(shop.now.pods)
    shop.watcher.restart()
    await upgrade(shop, 'v2')
    await shop.stands(1, 'v2')
    await upgrade(shop, 'v2')
    await shop.until('3 of v1 and 1 canary', view => ready(view, 'v1') === 3 && ready(view, 'v2') === 1)
    expect(shop.now.paused).toBe(true)
    await upgrade(shop, 'v3', BAD)
    await shop.phase('Failed', 'v3')
    await upgrade(shop, 'v3', BAD)
    await shop.servesAlone('v1', 4)
    expect(shop.now.paused).toBe(true)
    const others = shop.watcher.history.flatMap(view => stablePods(view).filter(pod => pod.version !== 'v1'))
    expect(others).toEqual([])
    expect(names(shop.now.pods).filter(name => v1.includes(name)).length).toBeGreaterThanOrEqual(3)

    await upgrade(shop, 'v4')
    await shop.stands(1, 'v4')
    await shop.command('promote')
    await shop.servesAlone('v4', 4)
    await upgrade(shop, 'v4')
    expect(ownersOf(await shop.stored(), 'spec.paused').filter(owner => !owner.startsWith('helm '))).toEqual(
      [],
    )
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })
})
