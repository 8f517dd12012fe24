import { describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import { STATE } from '../../src/core/annotations.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { ownsSpec } from '../../src/core/ownership.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { asStored, ready, stablePods, type View } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { fieldsOf, ownersOf } from './ownership.ts'

const environment = useEnvironment()

/** Each weight stands until somebody skips it; a rollout lasts long enough to be met in the middle. */
const HELD = { replicas: 4, steps: '25% for 1h, 50% for 1h', behaviour: { ready: '700ms' } }
const BAD = { behaviour: { ready: 'never' }, settings: { deadline: '2s' } }

/** Applies a manifest on the server. @throws with what the person reads, on a conflict too */
type Applies = (shop: Shop, version: string, changes?: AppOptions) => Promise<Deployment>

const byKubectl: Applies = async (shop, version, changes) => {
  const stdin = JSON.stringify(shop.manifest(version, changes))
  const ran = await shop.kubectl(
    ['apply', '--server-side', '-o', 'json', '--show-managed-fields', '-f', '-'],
    {
      stdin,
    },
  )
  if (ran.code !== 0) throw new Error(ran.stderr)
  const applied = JSON.parse(ran.stdout) as Deployment
  shop.watcher.absorb(applied)
  return applied
}

/** As Helm 4 and Argo CD do, which do not need kubectl. */
function by(fieldManager: string, force = false): Applies {
  return async (shop, version, changes) => {
    const manifest = shop.manifest(version, changes)
    const options = { fieldManager, force }
    const { object } = await shop.admin.apply(deployments, shop.namespace, manifest, options)
    shop.watcher.absorb(object)
    return object
  }
}

/** v1 on all its pods, put there by this tool. */
async function serving(apply: Applies, options: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.open(environment, { ...HELD, ...options })
  await apply(shop, 'v1')
  await shop.servesAlone('v1', shop.manifest('v1').spec.replicas ?? 1)
  shop.watcher.restart()
  return shop
}

/** v2 at 25%. */
async function running(apply: Applies, options: AppOptions = {}): Promise<Shop> {
  const shop = await serving(apply, options)
  await apply(shop, 'v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

/** What ownership has to say at any time when this manager applied last. */
function expectOwnership(object: Deployment, manager: string): void {
  expect(ownersOf(object, 'spec.replicas')).toEqual([manager])
  expect(ownersOf(object, 'spec.paused')).toEqual([])
  const rest = fieldsOf(object, 'canaryhook').filter(field => !/^status: status\.conditions\b/.test(field))
  for (const field of rest) {
    expect(field.replace('status: ', '')).toBe(`metadata.annotations.${STATE}`)
  }
}

describe.concurrent.each([
  ['kubectl apply --server-side', byKubectl, 'kubectl Apply'],
  ['a manager such as Helm 4', by('helm'), 'helm Apply'],
])('%s', (_tool, apply, manager) => {
  test('meets no conflict in any phase of good and bad releases, and stays the owner of replicas', async () => {
    const shop = await serving(apply)
    const again = async (version: string, changes?: AppOptions) => {
      expectOwnership(await apply(shop, version, changes), manager)
      await shop.watcher.quiet(300)
      expectOwnership(await shop.stored(), manager)
    }
    await again('v1')
    expect((await shop.stored()).metadata.generation).toBe(1)

    await apply(shop, 'v2')
    await again('v2')
    await shop.stands(1, 'v2')
    await shop.until('3 of v1 and 1 canary', view => ready(view, 'v1') === 3 && ready(view, 'v2') === 1)
    expectOwnership(await shop.stored(), manager)
    expect(shop.now).toMatchObject({ replicas: 3, paused: true })
    await shop.command('skip')
    await shop.stands(2, 'v2')
    await shop.until('2 of v1 and 2 canaries', view => ready(view, 'v1') === 2 && ready(view, 'v2') === 2)
    await shop.command('skip')
    await shop.phase('Promoting', 'v2')
    expectOwnership(await apply(shop, 'v2'), manager)
    expect(shop.now.state?.phase).toBe('Promoting')
    await shop.servesAlone('v2', 4)
    await shop.phase('Succeeded', 'v2')
    const released = asStored(await shop.stored())
    await again('v2')
    expect(asStored(await shop.stored())).toEqual(released)

    await apply(shop, 'v3', BAD)
    await shop.phase('Failed', 'v3')
    await again('v3', BAD)
    await shop.servesAlone('v2', 4)
    const held = asStored(await shop.stored())
    await again('v3', BAD)
    await again('v3', BAD)
    expect(asStored(await shop.stored())).toEqual(held)
    await again('v3', { ...BAD, replicas: 5 })
    await shop.servesAlone('v2', 5)
    await again('v2', { replicas: 5 })
    await shop.phase('Reverted', 'v2')
    await shop.until('un-paused', ({ paused }) => !paused)
    await again('v2')
    await shop.servesAlone('v2', 4)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('is not refused at a weight however often; its replicas are left alone from the second time', async () => {
    const shop = await running(apply)
    expectOwnership(await apply(shop, 'v2'), manager)
    expect(shop.now).toMatchObject({ replicas: 3, paused: true })
    for (let time = 2; time <= 5; time += 1) expectOwnership(await apply(shop, 'v2'), manager)
    await shop.event(/Normal Surge: .*spec\.replicas was put back to 4 2 times/)
    await shop.until('4 of v1 beside 1 canary', view => ready(view, 'v1') === 4 && ready(view, 'v2') === 1)
    expectOwnership(await apply(shop, 'v2'), manager)
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
    expectOwnership(await apply(shop, 'v2'), manager)
  })

  test('a field that the manifest no longer has goes, also in the middle of a release', async () => {
    const shop = await serving(apply)
    const withFlag = { container: { env: [{ name: 'FLAG', value: 'on' }] } }
    await apply(shop, 'v2', withFlag)
    await shop.stands(1, 'v2')
    expect(shop.now.canary?.spec.template.spec?.containers?.[0]?.env).toEqual(withFlag.container.env)
    const applied = await apply(shop, 'v2')
    expect(applied.spec.template.spec?.containers?.[0]).not.toHaveProperty('env')
    await shop.until('a canary without it', ({ canary }) => {
      const [container] = canary?.spec.template.spec?.containers ?? []
      return container !== undefined && container.env === undefined
    })
    await shop.stands(1, 'v2')
    await shop.until('3 stable pods', view => ready(view, 'v1') === 3)
    expect(dipUnder(4, shop.watcher.history)).toBe('')
  })

  test('replicas that leave the manifest are what Kubernetes makes of that: 1', async () => {
    const shop = await running(apply)
    expect((await apply(shop, 'v2', { replicas: null })).spec.paused).toBe(true)
    await shop.until('a total of 1', ({ state }) => state?.total === 1)
    await shop.command('promote')
    await shop.servesAlone('v2', 1)
  })
})

describe.concurrent('on-failure: restore', () => {
  const owns = ({ deployment }: View) => deployment !== undefined && ownsSpec(deployment)

  test('leaves the template to who applied it: the next version meets no conflict', async () => {
    const settings = { 'on-failure': 'restore' }
    const helm = by('helm')
    const shop = await serving(helm, { settings })
    await helm(shop, 'v2', { ...BAD, settings: { ...settings, ...BAD.settings } })
    await shop.phase('Reverted', 'v1')
    await shop.servesAlone('v1', 4)
    await shop.until('nothing of the spec is ours', view => !owns(view))
    expectOwnership(await helm(shop, 'v3'), 'helm Apply')
    await shop.stands(1, 'v3')
  })
})

describe.concurrent('several tools', () => {
  const argo = by('argocd-controller', true)

  test('Argo CD takes over from Helm in the middle of a release by force', async () => {
    const shop = await running(by('helm'))
    expectOwnership(await argo(shop, 'v2'), 'argocd-controller Apply')
    expect(shop.now).toMatchObject({ replicas: 3, paused: true })
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
    expectOwnership(await argo(shop, 'v2'), 'argocd-controller Apply')
    await by('helm')(shop, 'v2')
    expect(ownersOf(await shop.stored(), 'spec.replicas')).toEqual(['argocd-controller Apply', 'helm Apply'])
    await argo(shop, 'v3')
    await shop.stands(1, 'v3')
  })

  test('one that does not force is refused while a release keeps a replica count that another one owns', async () => {
    const shop = await running(by('helm'))
    const refused = byKubectl(shop, 'v2')
    await expect(refused).rejects.toThrow(
      'Apply failed with 1 conflict: conflict with "helm": .spec.replicas',
    )
    await shop.command('abort')
    await shop.servesAlone('v1', 4)
    await byKubectl(shop, 'v2')
  })

  test('one that does not force is never refused in surge mode', async () => {
    const shop = await serving(by('helm'), { settings: { capacity: 'surge' } })
    await by('helm')(shop, 'v2')
    await shop.stands(1, 'v2')
    await byKubectl(shop, 'v2')
    expect(ownersOf(await shop.stored(), 'spec.replicas')).toEqual(['helm Apply', 'kubectl Apply'])
  })
})

describe.concurrent('from client-side to server-side apply', () => {
  const clientSide = (shop: Shop, version: string) =>
    shop.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(shop.manifest(version)) })

  async function runningClientSide(options: AppOptions = {}): Promise<Shop> {
    const shop = await Shop.open(environment, { ...HELD, ...options })
    await clientSide(shop, 'v1')
    await shop.servesAlone('v1', 4)
    await clientSide(shop, 'v2')
    await shop.stands(1, 'v2')
    return shop
  }

  async function expectMigrated(shop: Shop): Promise<void> {
    expectOwnership(await shop.stored(), 'kubectl Apply')
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
    await byKubectl(shop, 'v3')
    await shop.stands(1, 'v3')
    expectOwnership(await byKubectl(shop, 'v3'), 'kubectl Apply')
  }

  test('needs force in the middle of a release that changed replicas, and does no harm', async () => {
    const shop = await runningClientSide()
    await shop.until('3 replicas', ({ replicas }) => replicas === 3)
    await expect(byKubectl(shop, 'v2')).rejects.toThrow(
      'conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    )
    const stdin = JSON.stringify(shop.manifest('v2'))
    const forced = await shop.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin })
    expect(forced.code).toBe(0)
    expect((await shop.stored()).spec).toMatchObject({ replicas: 3, paused: true })
    await byKubectl(shop, 'v2')
    await expectMigrated(shop)
  })

  test('needs no force in surge mode', async () => {
    const shop = await runningClientSide({ settings: { capacity: 'surge' } })
    await byKubectl(shop, 'v2')
    await expectMigrated(shop)
  })
})
