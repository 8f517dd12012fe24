import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import {
  controllerRevisions,
  cronJobs,
  deployments,
  ingresses,
  jobs,
  services,
} from '../../src/cluster/resources.ts'
import { STATE } from '../../src/core/annotations.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { OF_LABEL } from '../../src/core/names.ts'
import { makeSnapshot } from '../../src/core/objects.ts'
import { type LeaseTiming, startCandidate } from './candidate.ts'
import { useEnvironment } from './environment.ts'
import { namespaces } from './kinds.ts'
import type { AppOptions } from './manifest.ts'
import { eventually, isAsked, keepingRegistration } from './registration.ts'
import { Shop } from './shop.ts'
import { smoke } from './smoke.ts'
import { type KillPoint, runUninstall, type UninstallOptions, type UninstallRun } from './uninstaller.ts'
import { ourConditions, type PodView, ready, stablePods } from './view.ts'
import { crowdOver, dipUnder } from './watcher.ts'

const environment = useEnvironment()
beforeAll(async () => {
  // Where the Lease is.
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'canaryhook' } }
  await environment
    .as('admin')
    .create(namespaces, '', namespace)
    .catch((error: { readonly status?: number }) => {
      if (error.status !== 409) throw error
    })
})

afterEach(async () => {
  await environment.controller.start()
})

const SHORT: LeaseTiming = { leaseDuration: 3000, renewDeadline: 2000, retryPeriod: 400 }

/**
 * Each run goes on from where the one before was killed. The state and what the webhook would have made of it are two
 * writes of a controller where no webhook is asked, so some runs come further than one write.
 */
const KILL_POINTS: readonly KillPoint[] = [
  { write: 1, when: 'after' },
  { write: 2, when: 'before' },
  { write: 2, when: 'after' },
]

/** Four pods each, and something that only its user wrote. */
const APP: AppOptions = { replicas: 4, steps: '25%, 50% for 1h', annotations: { team: 'checkout' } }

/** The same with a test's Job, a Service and a baseline beside it. */
const TESTED: AppOptions = {
  ...APP,
  steps: 'test, 25%, approve, 50%',
  settings: { test: 'cronjob/shop-smoke', baseline: 'true' },
}

/** What is left of an app that somebody deleted and told its objects to stay. */
const ORPHAN = unowned(makeSnapshot({ metadata: { name: 'gone' } }, []))

function unowned<T extends KubernetesObject>(object: T): T {
  const { ownerReferences: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** One of everything that an uninstall may find. */
interface Apps {
  readonly running: Shop
  readonly failed: Shop
  readonly waiting: Shop
  readonly promoted: Shop
  readonly pending: Shop
  readonly resting: Shop
  readonly plain: Shop
}

/** @param meanwhile what happens before the last release begins */
async function openApps(meanwhile: () => Promise<void> = async () => {}): Promise<Apps> {
  const [running, failed, waiting, promoted, pending, resting, plain] = await Promise.all([
    Shop.serving(environment, APP),
    Shop.serving(environment, { ...APP, settings: { deadline: '2s' } }),
    Shop.serving(environment, TESTED),
    Shop.serving(environment, { ...APP, steps: '25%' }),
    Shop.serving(environment, APP),
    Shop.serving(environment, { ...APP, steps: '50%' }),
    Shop.serving(environment, { ...APP, steps: null }),
  ])
  await Promise.all([
    running.apply('v2').then(() => running.stands(2, 'v2')),
    failed.apply('v2', { behaviour: { ready: 'never' } }).then(() => failed.phase('Failed', 'v2')),
    waiting.admin
      .create(cronJobs as Resource<KubernetesObject>, waiting.namespace, smoke(0))
      .then(() => waiting.apply('v2'))
      .then(() => waiting.until('it waits', ({ state }) => state?.step === 2)),
    resting.apply('v2').then(() => resting.servesAlone('v2', 4)),
    plain.apply('v2', { steps: null }).then(() => plain.servesAlone('v2', 4)),
  ])
  await resting.until('no canary', ({ canary, snapshots }) => !canary && snapshots.length === 0)
  await resting.admin.create(controllerRevisions, resting.namespace, ORPHAN)
  // Its pods take so long that it is still being rolled out when the uninstall comes.
  await promoted.apply('v2', { behaviour: { ready: '4s' } })
  await promoted.phase('Promoting', 'v2')
  await meanwhile()
  const apps = { running, failed, waiting, promoted, pending, resting, plain }
  for (const { watcher } of Object.values(apps)) watcher.restart()
  return apps
}

async function uninstall(apps: readonly Shop[], options: Partial<UninstallOptions> = {}) {
  const kubeconfig = await environment.uninstallKubeconfig()
  return runUninstall(kubeconfig, { namespaces: apps.map(({ namespace }) => namespace), ...options })
}

/** The rejected or unfinished version is gone from it, the former one serves, and it is a plain Deployment again. */
async function isBackAt(version: string, shop: Shop, most = 5): Promise<void> {
  await shop.servesAlone(version, 4)
  expect(shop.now).toMatchObject({ version, paused: false, replicas: 4 })
  expect(dipUnder(4, shop.watcher.history)).toBe('')
  expect(crowdOver(most, shop.watcher.history)).toBe('')
  expect(unverified(shop, version)).toEqual([])
}

/** Pods of stable that were seen and are of another version. */
function unverified({ watcher }: Shop, version: string): readonly PodView[] {
  return watcher.history.flatMap(stablePods).filter(pod => pod.version !== version)
}

/** Nothing that Canaryhook wrote is on it or beside it. */
async function isPlain(shop: Shop): Promise<void> {
  const stored = await shop.stored()
  expect(stored.metadata.annotations).not.toHaveProperty([STATE])
  expect(stored.metadata.annotations).toMatchObject({ team: 'checkout' })
  expect(ourConditions(shop.now)).toEqual([])
  expect(stored.metadata.managedFields?.filter(({ manager }) => manager === 'canaryhook') ?? []).toEqual([])
  for (const resource of [deployments, services, ingresses, jobs, controllerRevisions]) {
    const objects = await shop.admin.list(resource as Resource<KubernetesObject>, shop.namespace)
    const ours = objects.filter(({ metadata }) => metadata.labels?.[OF_LABEL] !== undefined)
    expect(
      ours.map(({ metadata }) => metadata.name),
      resource.plural,
    ).toEqual([])
  }
}

async function areTakenBack({
  running,
  failed,
  waiting,
  promoted,
  pending,
  resting,
  plain,
}: Apps): Promise<void> {
  await Promise.all([running, failed, pending].map(shop => isBackAt('v1', shop)))
  // Its baseline, of v1 too, comes on top where there are few pods.
  await isBackAt('v1', waiting, 6)
  await promoted.servesAlone('v2', 4)
  expect(dipUnder(4, promoted.watcher.history)).toBe('')
  await Promise.all([running, failed, waiting, promoted, pending, resting, plain].map(isPlain))
  expect(ready(resting.now, 'v2')).toBe(4)
}

/** What a person types next goes through as on any cluster. */
async function rollsOutPlainly(shop: Shop, version: string): Promise<void> {
  await shop.apply(version)
  await shop.servesAlone(version, 4)
  expect(shop.now.state).toBeUndefined()
}

/** A server-side apply meets no conflict with us. (The sandbox has none.) */
async function isAppliedByServer(shop: Shop, version: string): Promise<void> {
  if (environment.kind !== 'controlplane') return
  await shop.admin.apply(deployments, shop.namespace, shop.manifest(version), { fieldManager: 'gitops' })
  await shop.servesAlone(version, 4)
}

type Crash = () => Promise<void>
const killsController: Crash = () => environment.controller.kill()
const stopsWebhook: Crash = () => environment.webhook.stop()
const nothing: Crash = async () => {}

describe('after canaryhook uninstall every Deployment is a plain one', () => {
  test.each<readonly [string, Crash, Crash]>([
    ['with webhook and controller at work', nothing, nothing],
    ['with no controller', killsController, nothing],
    ['with no webhook', nothing, stopsWebhook],
    ['with neither: an install that crashed', killsController, stopsWebhook],
  ])('%s', async (_sentence, before, after) => {
    await keepingRegistration(environment, async () => {
      const apps = await openApps(before)
      const plain = await apps.plain.stored()
      await apps.pending.apply('v2')
      await after()
      const { code, stdout, stderr } = await uninstall(Object.values(apps))
      expect(code, stdout + stderr).toBe(0)
      await areTakenBack(apps)
      expect(await apps.plain.stored()).toEqual(plain)
      isToldIn(stdout, apps)
      await rollsOutPlainly(apps.failed, 'v2')
      await rollsOutPlainly(apps.running, 'v3')
      await isAppliedByServer(apps.waiting, 'v2')
    })
  })

  test('while the controller that leads ends the releases and people go on applying', async () => {
    const admin = environment.as('admin')
    await environment.controller.kill()
    const leader = await startCandidate(environment.controllerKubeconfig, SHORT)
    try {
      await keepingRegistration(environment, async () => {
        const [running, resting] = await Promise.all([
          Shop.serving(environment, APP),
          Shop.serving(environment, APP),
        ])
        await running.apply('v2')
        await running.stands(2, 'v2')
        running.watcher.restart()
        const run = uninstall([running, resting], { args: ['--timeout', '90s'] })
        await eventually('the webhook is asked no more', async () => !(await isAsked(admin)))
        await Promise.all([running.apply('v3'), resting.apply('v3')])
        const { code, stdout } = await run
        expect(code, stdout).toBe(0)
        // What nobody tried is not shipped on top of a release that was aborted; a Deployment at rest is nobody's concern.
        await running.servesAlone('v1', 4)
        expect(running.now).toMatchObject({ version: 'v1', paused: false })
        expect(dipUnder(4, running.watcher.history)).toBe('')
        expect(unverified(running, 'v1')).toEqual([])
        await resting.servesAlone('v3', 4)
        await Promise.all([running, resting].map(isPlain))
        const writes = leader.writes().filter(({ namespace }) => namespace === running.namespace)
        expect(writes.map(({ verb, resource }) => `${verb} ${resource}`)).toContain('delete deployments')
      })
    } finally {
      await leader.stop()
      await leader.end()
    }
  })

  test('killed at each of its writes and run again', async () => {
    await keepingRegistration(environment, async () => {
      const running = await Shop.serving(environment, APP)
      await running.apply('v2')
      await running.stands(2, 'v2')
      running.watcher.restart()
      await environment.controller.kill()
      await environment.webhook.stop()
      const args = ['--no-leader-election']
      const points: KillPoint[] = []
      let last: UninstallRun
      do {
        const killAt = KILL_POINTS[points.length % KILL_POINTS.length]
        if (!killAt) throw new Error('there is a point for each run')
        last = await uninstall([running], { args, killAt })
        if (last.killed) points.push(killAt)
      } while (last.killed && points.length < 60)
      expect(last.code, last.stdout + last.stderr).toBe(0)
      // The registration, the abort, the end of the release, and what is left of it.
      expect(points.length).toBeGreaterThan(10)
      await isBackAt('v1', running)
      await isPlain(running)
      await rollsOutPlainly(running, 'v2')
    })
  }, 300_000)
})

describe('canaryhook uninstall', () => {
  test('says in time what it could not do, leaves it safe, and goes on when it is run again', async () => {
    await keepingRegistration(environment, async () => {
      const shop = await Shop.serving(environment, { ...APP, steps: '25%' })
      await shop.apply('v2', { behaviour: { ready: 'never' } })
      await shop.command('promote')
      await shop.phase('Promoting', 'v2')
      const began = Date.now()
      const first = await uninstall([shop], { args: ['--timeout', '12s'] })
      expect(Date.now() - began).toBeLessThan(30_000)
      expect(first.code).toBe(1)
      expect(first.stdout).toMatch(
        /✖ .*\/shop: shop:v2 had been accepted and was being rolled out; not finished: waiting until the accepted version serves on every pod\. It is not paused\. To see why: kubectl -n \S+ describe deployment\/shop/,
      )
      expect(first.stdout).toMatch(/Not everything is done: run this again to go on from here/)
      expect(dipUnder(4, shop.watcher.history)).toBe('')
      await shop.apply('v1')
      const second = await uninstall([shop])
      expect(second.code, second.stdout).toBe(0)
      await shop.servesAlone('v1', 4)
      expect(dipUnder(4, shop.watcher.history)).toBe('')
      await isPlain(shop)
    })
  })

  test('--dry-run says what would be done, and does nothing', async () => {
    const [running, failed, plain] = await Promise.all([
      Shop.serving(environment, APP),
      Shop.serving(environment, APP),
      Shop.serving(environment, { steps: null }),
    ])
    await Promise.all([running.apply('v2'), failed.apply('v2')])
    await Promise.all([running.stands(2, 'v2'), failed.stands(2, 'v2')])
    await failed.command('abort')
    await failed.until('no canary', ({ state, canary }) => state?.phase === 'Failed' && !canary)
    const { code, stdout, writes } = await uninstall([running, failed, plain], { args: ['--dry-run'] })
    expect({ code, writes }).toEqual({ code: 0, writes: [] })
    expect(stdout.trim().split('\n').sort()).toEqual(
      [
        'Something would be done to 2 Deployments of 2. Nothing was changed.',
        "The webhook's registration zz-canaryhook would be removed.",
        `${running.namespace}/shop: its release of shop:v2 was at step 2 of 2 (50% for 1h); it would be aborted, shop:v1 put into its template again and un-paused`,
        `${failed.namespace}/shop: its release of shop:v2 had failed and was held; it would have shop:v1 put into its template again and un-paused`,
      ].sort(),
    )
    expect(running.now).toMatchObject({ paused: true, version: 'v2', state: { phase: 'Progressing' } })
  })
})

function isToldIn(stdout: string, { running, failed, waiting, promoted, pending, resting }: Apps): void {
  const said: readonly (readonly [Shop, RegExp])[] = [
    [
      running,
      /its release of shop:v2 was at step 2 of 2 \(50% for 1h\) and was aborted; shop:v1 serves on 4 pods/,
    ],
    [failed, /its release of shop:v2 had failed and was held; shop:v1 serves on 4 pods/],
    [
      waiting,
      /its release of shop:v2 was at step 3 of 4 \(approve\) and was aborted; shop:v1 serves on 4 pods/,
    ],
    [pending, /its release of shop:v2 was .* and was aborted; shop:v1 serves on 4 pods/],
    [promoted, /shop:v2 had been accepted and was being rolled out; it serves on 4 pods/],
    [resting, /at rest; what was kept about its last release was removed/],
  ]
  for (const [{ namespace }, words] of said) {
    expect(stdout).toMatch(new RegExp(`✔ ${namespace}/shop: ${words.source}`))
  }
  expect(stdout).toMatch(/6 Deployments: 4 back at .*\. Nothing of Canaryhook is left/)
}
