/** What Flux and Argo CD say while a release runs, when it failed and when it is promoted. */
import { beforeAll, describe, expect, test } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import { STATE } from '../../src/core/annotations.ts'
import { readPage } from '../docs/pages.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { condition, ourConditions, type View } from '../scenarios/view.ts'
import { type Judge, judgeWith, type Verdict } from './verdict.ts'

const environment = useEnvironment()
const KEY = 'resource.customizations.health.apps_Deployment'
const HELD: AppOptions = { replicas: 4, steps: '25% for 1h', behaviour: { ready: '700ms' } }
const BAD: AppOptions = { behaviour: { ready: 'never' }, settings: { deadline: '2s' } }

/** As an administrator puts the health check of the page into Argo CD's ConfigMap, and as Argo CD finds it there. */
async function healthCheckInPlace(): Promise<string> {
  const block = readPage('docs/argo-cd.md').blocks.find(({ text }) => text.includes(KEY))
  const namespace = await environment.namespace()
  await environment.kubectl(namespace, ['create', 'configmap', 'argocd-cm'])
  const patch = ['patch', 'configmap', 'argocd-cm', '--patch', block?.text ?? '']
  const { code, stderr } = await environment.kubectl(namespace, patch)
  if (code !== 0) throw new Error(stderr)
  const { stdout } = await environment.kubectl(namespace, ['get', 'configmap', 'argocd-cm', '-o', 'json'])
  const { data } = JSON.parse(stdout) as { data: Record<string, string> }
  return data[KEY] ?? ''
}

let judge: Judge
beforeAll(async () => {
  judge = await judgeWith(await healthCheckInPlace(), process.env, text => process.stderr.write(`${text}\n`))
}, 300_000)

/** Both tools, with the same message. */
function expectBoth({ flux, argoCD }: Verdict, statuses: readonly string[], message: RegExp): void {
  expect([flux.status, argoCD.status]).toEqual(statuses)
  expect(flux.message).toMatch(message)
  expect(argoCD.message).toMatch(message)
}

/** What they say when the Deployment controller has seen what is stored. */
async function judged(shop: Shop, when: (view: View) => boolean = () => true): Promise<Verdict> {
  const isObserved = ({ deployment }: View) =>
    deployment !== undefined && deployment.status?.observedGeneration === deployment.metadata.generation
  const { deployment } = await shop.until('it is observed', view => isObserved(view) && when(view))
  if (!deployment) throw new Error('the Deployment is gone')
  return judge(deployment)
}

const tellsNothing = (view: View) => ourConditions(view).length === 0
/** The status is written after the state. */
const says = (text: RegExp) => (view: View) => text.test(condition(view, 'Reconciling')?.message ?? '')

const RUNNING = ['InProgress', 'Progressing']
const FAILED = ['Failed', 'Degraded']
const GOOD = ['Current', 'Healthy']

describe.concurrent('Flux and Argo CD with the health check', () => {
  test('tell of each step with its message, of the failure with its reason, and of the end', async () => {
    const good = /^(?:Deployment is available\. Replicas: 4)?$/
    const shop = await Shop.serving(environment, HELD)
    expectBoth(await judged(shop), GOOD, good)
    await shop.apply('v2')
    await shop.stands(1, 'v2')
    expectBoth(await judged(shop), RUNNING, /^step 1 of 1: canary 25% for 1h$/)
    await shop.command('promote')
    expectBoth(await judged(shop, says(/^promoting/)), RUNNING, /^promoting [0-9a-f]+ to all pods$/)
    await shop.servesAlone('v2', 4)
    await shop.phase('Succeeded', 'v2')
    expectBoth(await judged(shop, tellsNothing), GOOD, good)

    await shop.apply('v3', BAD)
    await shop.phase('Failed', 'v3')
    const failed = await judged(shop, view => condition(view, 'Stalled') !== undefined)
    expectBoth(
      failed,
      FAILED,
      /^step 1 of 1 \(25% for 1h\): not ready within 2s: 0 of 1 canary pods are ready/,
    )
    await shop.apply('v2')
    await shop.phase('Reverted', 'v2')
    expectBoth(await judged(shop, view => !view.paused && tellsNothing(view)), GOOD, good)
  })

  test('tell who is waited for, and what to type', async () => {
    const shop = await Shop.serving(environment, { ...HELD, steps: '25%, approve' })
    await shop.apply('v2')
    await shop.until('it waits', ({ state }) => state?.step === 1)
    const waits = await judged(shop, says(/approval/))
    expectBoth(waits, RUNNING, /waiting for approval since .*canaryhook\.dev\/command=approve$/)
  })

  test('at no moment of a release take it for finished', async () => {
    const shop = await Shop.serving(environment, { ...HELD, steps: '25% for 1s, 50% for 1s' })
    await shop.apply('v2')
    await shop.phase('Succeeded', 'v2')
    const running = shop.watcher.history.filter(
      ({ state, version }) => version === 'v2' && state?.phase !== 'Succeeded',
    )
    const all = new Map<string, Verdict & Pick<View, 'state'>>()
    for (const { deployment, state } of running) {
      const { resourceVersion = '' } = deployment?.metadata ?? {}
      if (deployment && !all.has(resourceVersion)) {
        all.set(resourceVersion, { ...(await judge(deployment)), state })
      }
    }
    expect(all.size).toBeGreaterThan(10)
    const wrong = [...all.values()].filter(
      ({ flux, argoCD }) =>
        flux.status !== 'InProgress' || !['Progressing', 'Suspended'].includes(argoCD.status),
    )
    expect(wrong).toEqual([])
  })
})

describe.concurrent('the health check for Argo CD, for a Deployment without a release', () => {
  const plain: AppOptions = { replicas: 4, steps: null, behaviour: { ready: '700ms' } }

  test('waits for a plain rollout as the built-in one does', async () => {
    const shop = await Shop.serving(environment, plain)
    await shop.apply('v2')
    await shop.until('half of it', ({ pods }) => pods.some(({ version }) => version === 'v2'))
    const { argoCD } = await judge(await shop.stored())
    expect(argoCD).toMatchObject({ status: 'Progressing' })
    const isOver = ({ deployment }: View) =>
      deployment?.status?.replicas === 4 && deployment.status.updatedReplicas === 4
    await shop.servesAlone('v2', 4)
    expect((await judged(shop, isOver)).argoCD).toEqual({ status: 'Healthy', message: '' })
  })

  test('says Degraded when its progress deadline is over, and Suspended when it is paused', async () => {
    const shop = await Shop.serving(environment, { ...plain, spec: { progressDeadlineSeconds: 2 } })
    await shop.patch({ spec: { paused: true } })
    expect((await judge(await shop.stored())).argoCD).toEqual({
      status: 'Suspended',
      message: 'Deployment is paused',
    })
    await shop.patch({ spec: { paused: false } })
    await shop.apply('v2', { behaviour: { ready: 'never' } })
    await shop.until(
      'over',
      view =>
        view.deployment?.status?.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded') ===
        true,
    )
    expect((await judge(await shop.stored())).argoCD).toMatchObject({ status: 'Degraded' })
  })

  test('says Progressing before anything is observed', async () => {
    const { argoCD } = await judge({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'new', generation: 1 },
      ...{ spec: { template: {} } },
    })
    expect(argoCD.status).toBe('Progressing')
  })
})

describe.concurrent('a dry run of Flux in mid-release, by which it looks for drift', () => {
  test.each<readonly [string, AppOptions, readonly string[]]>([
    ['finds none where replicas are left to others', { replicas: null }, []],
    ['finds none in surge mode', { settings: { capacity: 'surge' } }, []],
    ['finds that replicas in git would be put back, and nothing else', {}, [STATE]],
  ])('%s', async (_sentence, options, different) => {
    const shop = await Shop.open(environment, { ...HELD, ...options })
    const apply = (version: string, dryRun = false) =>
      shop.admin.apply(deployments, shop.namespace, shop.manifest(version), {
        fieldManager: 'kustomize-controller',
        force: true,
        dryRun,
      })
    await apply('v1')
    if (options.replicas === null) await shop.scale(4)
    await shop.servesAlone('v1', 4)
    await apply('v2')
    await shop.stands(1, 'v2')
    await shop.watcher.quiet(500)
    const stored = await shop.stored()
    const { object } = await apply('v2', true)
    expect(object.spec).toEqual(stored.spec)
    expect(object.metadata.labels).toEqual(stored.metadata.labels)
    expect(differences(stored.metadata.annotations, object.metadata.annotations)).toEqual(different)
  })
})

function differences(
  before: Readonly<Record<string, string>> = {},
  after: Readonly<Record<string, string>> = {},
): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].filter(key => before[key] !== after[key])
}
