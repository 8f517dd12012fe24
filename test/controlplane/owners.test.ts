/** Owners that go, come back or are others: the garbage collector and selectors, as only a real cluster has them. */
import { describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { controllerRevisions, deployments, pods, replicaSets } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { namespaces } from '../scenarios/kinds.ts'
import { APP, type AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { canaries, names, ready, stablePods, type View } from '../scenarios/view.ts'
import { dipUnder } from '../scenarios/watcher.ts'
import { NamedApp } from './named-app.ts'

const environment = useEnvironment()
const statefulSets: Resource<KubernetesObject & { status?: { readyReplicas?: number } }> = {
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',
  kind: 'StatefulSet',
}

/** v2 holds a quarter of 4 pods. */
async function running(options: AppOptions = {}): Promise<Shop> {
  const shop = await Shop.serving(environment, { steps: '25% for 1h', ...options })
  await shop.apply('v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

function isEverythingGone(view: View): boolean {
  const { deployment, canary, pods, replicaSets, snapshots } = view
  return !deployment && !canary && pods.length + replicaSets.length + snapshots.length === 0
}

/** Creates the app as nobody has it recorded: `kubectl create`. */
async function createAgain(shop: Shop, version: string): Promise<void> {
  await shop.admin.create(deployments, shop.namespace, shop.manifest(version))
}

describe.concurrent('an orphaning deletion in mid-release', () => {
  test('of the app leaves every pod; the app made again takes them over, and nothing of ours is left', async () => {
    const shop = await running()
    const before = names(shop.now.pods)
    await shop.admin.remove(deployments, shop.ref, 'Orphan')
    const orphaned = await shop.until('only orphans', view => {
      const orphans = [...view.replicaSets, ...(view.canary ? [view.canary] : [])]
      const owners = orphans.flatMap(({ metadata }) => metadata.ownerReferences ?? [])
      return !view.deployment && !owners.some(({ name }) => name === APP)
    })
    expect(names(orphaned.pods)).toEqual(before)
    await createAgain(shop, 'v1')
    const end = await shop.servesAlone('v1', 4)
    const kept = names(stablePods(orphaned))
    expect(names(end.pods)).toEqual(expect.arrayContaining([...kept]))
    await shop.until('no snapshot', ({ snapshots }) => snapshots.length === 0)
    expect(dipUnder(3, shop.watcher.history)).toBe('')
  })

  test('of the app, made again with the version that was tried: it rolls out, and the canary goes', async () => {
    const shop = await running()
    await shop.admin.remove(deployments, shop.ref, 'Orphan')
    await shop.until('no app', view => !view.deployment)
    await createAgain(shop, 'v2')
    await shop.servesAlone('v2', 4)
    await shop.until('no snapshot', ({ snapshots }) => snapshots.length === 0)
    expect(dipUnder(3, shop.watcher.history)).toBe('')
  })

  test("of the canary: stable's controller adopts its ReplicaSet, which goes, and a canary comes", async () => {
    const shop = await running()
    const tried = shop.now.replicaSets.find(({ metadata }) => metadata.name.startsWith(`${APP}-canary`))
    const name = tried?.metadata.name
    await shop.admin.remove(deployments, shop.canaryRef, 'Orphan')
    await shop.until('adopted by the app', view => {
      const adopted = view.replicaSets.find(({ metadata }) => metadata.name === name)
      return adopted?.metadata.ownerReferences?.some(({ name }) => name === APP) ?? false
    })
    await shop.until('3 of v1 and a canary', view => {
      const serving = stablePods(view).filter(({ version }) => version === 'v1')
      const adopted = view.replicaSets.find(({ metadata }) => metadata.name === name)
      return (
        serving.length === 3 &&
        view.pods.length === 4 &&
        canaries(view).length === 1 &&
        adopted?.spec.replicas === 0
      )
    })
    await shop.command('promote')
    await shop.servesAlone('v2', 4)
    expect(dipUnder(3, shop.watcher.history)).toBe('')
  })
})

test('a snapshot that lost its owner is taken up again by the next start of the release', async () => {
  const shop = await running()
  await shop.command('abort')
  await shop.servesAlone('v1', 4)
  const [snapshot] = shop.now.snapshots
  const ref = { namespace: shop.namespace, name: snapshot?.metadata.name ?? '' }
  await shop.admin.patch(controllerRevisions, ref, 'merge', { metadata: { ownerReferences: null } })
  await shop.command('retry')
  await shop.stands(1, 'v2')
  const owned = await shop.admin.get(controllerRevisions, ref)
  expect(owned.metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: APP, controller: true }])
  await shop.command('promote')
  await shop.servesAlone('v2', 4)
  await shop.until('no snapshot', ({ snapshots }) => snapshots.length === 0)
})

describe.concurrent('in mid-release', () => {
  test('a deletion of the app in the foreground takes everything with it', async () => {
    const shop = await running()
    await shop.admin.remove(deployments, shop.ref, 'Foreground')
    await shop.until('everything gone', isEverythingGone)
  })

  test('the app deleted and created again at once serves, without a canary of the former one', async () => {
    const shop = await running()
    const { uid } = (await shop.stored()).metadata
    await shop.admin.remove(deployments, shop.ref)
    await createAgain(shop, 'v3')
    const end = await shop.servesAlone('v3', 4)
    expect(end.deployment?.metadata.uid).not.toBe(uid)
    expect(end.state?.phase).not.toBe('Failed')
    await shop.until('no snapshot', ({ snapshots }) => snapshots.length === 0)
  })

  test('the app deleted, created and changed at once gets a canary of its own', async () => {
    const shop = await running()
    const former = shop.now
    await shop.admin.remove(deployments, shop.ref)
    await createAgain(shop, 'v1')
    // As soon as there is something to protect: the garbage collector may not have come to the former canary yet.
    const known = new Set(names(former.pods))
    await shop.until('a new pod of v1', view =>
      stablePods(view).some(pod => pod.ready && !known.has(pod.name)),
    )
    await shop.patch({ spec: { template: shop.manifest('v3').spec.template } })
    const trying = await shop.until('a canary of v3', view =>
      canaries(view).some(({ version, ready }) => version === 'v3' && ready),
    )
    expect(trying.canary?.metadata.uid).not.toBe(former.canary?.metadata.uid)
    await shop.command('promote')
    await shop.servesAlone('v3', 4)
  })

  test('a deletion of the namespace takes everything with it, and the controller has nothing more to do there', async () => {
    const shop = await running()
    await shop.admin.remove(namespaces, { namespace: '', name: shop.namespace })
    await shop.until('everything gone', isEverythingGone)
    const writes = shop.writes().length
    const failures = () =>
      environment.logs(shop.namespace).filter(({ msg }) => /could not work on/.test(msg)).length
    const failed = failures()
    await shop.watcher.quiet(2000)
    expect(shop.writes()).toHaveLength(writes)
    expect(failures()).toBe(failed)
  })
})

describe.concurrent('side by side in one namespace', () => {
  test('two apps whose names begin alike and whose labels are the same have a canary each', async () => {
    const namespace = await environment.namespace()
    const options = { replicas: 4, steps: '25% for 1h' }
    const apps = ['web', 'web-eu'].map(name => new NamedApp(environment, namespace, name, options))
    await Promise.all(apps.map(app => app.serve('v1')))
    await Promise.all(apps.map(app => app.setVersion('v2')))
    for (const app of apps) {
      await app.stands()
      await app.until('3 and 1', ({ stable, tried }) => stable.v1 === 3 && tried.v2 === 1 && !stable.v2)
    }
    await apps[0]?.command('abort')
    await apps[1]?.command('promote')
    await apps[0]?.servesAlone('v1')
    await apps[1]?.servesAlone('v2')
  })

  test("a StatefulSet with the app's selector neither takes the snapshot nor is counted", async () => {
    const shop = await Shop.serving(environment, { steps: '25% for 1h' })
    const labels = { app: APP }
    const containers = [{ name: 'db', image: 'db:v9' }]
    await shop.admin.create(statefulSets, shop.namespace, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db' },
      spec: {
        replicas: 1,
        serviceName: 'db',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    })
    await shop.until('the database serves', view => ready(view, 'v9') === 1)
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    await shop.until('3 of v1, 1 of v2', view => ready(view, 'v1') === 3 && ready(view, 'v2') === 1)
    const revisions = await shop.admin.list(controllerRevisions, shop.namespace)
    const owners = revisions.map(({ metadata }) =>
      metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`),
    )
    expect(owners.flat().sort()).toEqual(['Deployment shop', 'StatefulSet db'])
    await shop.command('promote')
    await shop.phase('Succeeded', 'v2')
    await shop.until(
      '4 of v2, none of v1',
      view => ready(view, 'v2') === 4 && ready(view, 'v1') === 0 && !view.canary,
    )
    expect(ready(shop.now, 'v9')).toBe(1)
  })

  test('apps with names of 63 and of 200 characters have canaries whose names are cut', async () => {
    const namespace = await environment.namespace()
    const lengths = [63, 200]
    const apps = lengths.map(
      length =>
        new NamedApp(environment, namespace, 'long'.repeat(60).slice(0, length), {
          replicas: 2,
          steps: '50% for 1s',
        }),
    )
    await Promise.all(apps.map(app => app.serve('v1')))
    await Promise.all(apps.map(app => app.setVersion('v2')))
    const seen = await Promise.all(apps.map(app => app.stands()))
    const canaryNames = seen.map(({ canary }) => canary?.metadata.name ?? '')
    expect(canaryNames.map(({ length }) => length)).toEqual([63, 63])
    expect(new Set(canaryNames).size).toBe(2)
    await Promise.all(apps.map(app => app.servesAlone('v2')))
  })
})

/** Without a webhook no scenario beside it could go on. */
describe('while the webhook is down', () => {
  test('a deletion of the app in the foreground in mid-release takes everything with it', async () => {
    const shop = await running()
    await environment.webhook.stop()
    try {
      await shop.admin.remove(deployments, shop.ref, 'Foreground')
      await shop.until('everything gone', isEverythingGone)
    } finally {
      await environment.webhook.start()
    }
    expect(await shop.admin.list(pods, shop.namespace)).toEqual([])
    expect(await shop.admin.list(replicaSets, shop.namespace)).toEqual([])
  })
})
