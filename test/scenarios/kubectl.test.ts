import { describe, expect, test } from 'vitest'
import { COMMAND, STEPS } from '../../src/core/annotations.ts'
import { type Ran, useEnvironment } from './environment.ts'
import { isKubectlThere } from './kubectl.ts'
import { APP, type AppOptions, TEN } from './manifest.ts'
import { Shop } from './shop.ts'
import { asStored, canaries, names, ready, stablePods } from './view.ts'
import { dipUnder } from './watcher.ts'

const environment = useEnvironment()

const isThere = isKubectlThere()
if (!isThere) process.stdout.write('kubectl is not on this machine: what people do with it was not tried\n')

/** For a test that needs kubectl; without one it passes, but where CI is set. */
function withKubectl(run: () => Promise<void>): () => Promise<void> {
  return async () => {
    if (isThere || process.env.CI) await run()
  }
}

async function apply(shop: Shop, version: string, changes?: AppOptions): Promise<Ran> {
  return shop.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(shop.manifest(version, changes)) })
}

/** v1, applied by kubectl, serves on all its pods. */
async function serving(options: AppOptions): Promise<Shop> {
  const shop = await Shop.open(environment, options)
  expect(await apply(shop, 'v1')).toMatchObject({ code: 0, stdout: 'deployment.apps/shop created\n' })
  await shop.servesAlone('v1', shop.manifest('v1').spec.replicas ?? 1)
  shop.watcher.restart()
  return shop
}

async function running(): Promise<Shop> {
  const shop = await serving({ replicas: 4, steps: '25% for 1h, 50% for 1h' })
  await apply(shop, 'v2')
  await shop.stands(1, 'v2')
  await shop.until('3 stable pods', view => stablePods(view).length === 3)
  return shop
}

function annotate(shop: Shop, word: string): Promise<Ran> {
  return shop.kubectl(['annotate', 'deployment', APP, `${COMMAND}=${word}`], { user: 'alice' })
}

function rolloutStatus(shop: Shop): Promise<Ran> {
  return shop.kubectl(['rollout', 'status', `deployment/${APP}`, '--timeout=40s'])
}

describe.concurrent('with kubectl', () => {
  test(
    'a good version is released, a bad one rejected, and the story can be read',
    withKubectl(async () => {
      const shop = await serving(TEN)
      const bad = { settings: { deadline: '4s' }, behaviour: { ready: 'never' } }
      const release = await apply(shop, 'v2')
      expect(release).toMatchObject({ code: 0, stdout: 'deployment.apps/shop configured\n' })
      expect(release.stderr).toMatch(
        /Warning: canaryhook: canary 10% → 50% → full.*kubectl -n \S+ rollout status/,
      )
      const followed = await rolloutStatus(shop)
      expect(followed).toMatchObject({ code: 0, stderr: '' })
      expect(followed.stdout).toMatch(/deployment "shop" successfully rolled out/)
      const v2 = names((await shop.servesAlone('v2', 10)).pods)

      await apply(shop, 'v3', bad)
      const rejected = await rolloutStatus(shop)
      expect(rejected.code).toBe(1)
      expect(rejected.stderr).toMatch(/exceeded its progress deadline/)
      expect(names((await shop.servesAlone('v2', 10)).pods)).toEqual(v2)
      const asked = Date.now()
      expect((await rolloutStatus(shop)).code).toBe(1)
      expect(Date.now() - asked).toBeLessThan(5000)

      const before = asStored(await shop.stored())
      expect((await apply(shop, 'v3', bad)).stdout).toBe('deployment.apps/shop unchanged\n')
      expect(asStored(await shop.stored())).toEqual(before)

      const told = (await shop.kubectl(['describe', 'deployment', APP])).stdout
      for (const part of [
        /Stalled +True +DeadlineExceeded/,
        /Normal +CanaryStarted .*canaryhook +release \w+ by admin: 10% for 1s, 50% for 1s/,
        /Normal +Promoted .*canaryhook +release \w+ serves on all 10 pods/,
        /Warning +CanaryFailed .*canaryhook +rolling back: step 1 of 2 .*not ready within 4s/,
      ]) {
        expect(told).toMatch(part)
      }

      await apply(shop, 'v2')
      expect((await rolloutStatus(shop)).code).toBe(0)
      expect(names((await shop.servesAlone('v2', 10)).pods)).toEqual(v2)
      expect(dipUnder(10, shop.watcher.history)).toBe('')
    }),
  )

  test(
    'every command answers with a warning that says what it did',
    withKubectl(async () => {
      const shop = await running()
      for (const [word, says] of [
        ['pause', /Warning: canaryhook: pause: the release stays where it is/],
        ['resume', /Warning: canaryhook: resume: the release goes on/],
        ['skip', /Warning: canaryhook: skip: step 1 of 2 \(25% for 1h\) skipped/],
        ['abort', /Warning: canaryhook: abort: release aborted/],
        ['retry', /Warning: canaryhook: retry: the held version is released again/],
        ['promote', /Warning: canaryhook: promote: the steps that are left are skipped/],
      ] as const) {
        const ran = await annotate(shop, word)
        expect(ran).toMatchObject({ code: 0, stdout: 'deployment.apps/shop annotated\n' })
        expect(ran.stderr).toMatch(says)
        expect((await shop.stored()).metadata.annotations).not.toHaveProperty(COMMAND)
        await shop.until(
          'carried out',
          ({ state }) => state?.requests === undefined && state?.phase !== 'Pending',
        )
      }
      await shop.servesAlone('v2', 4)
    }),
  )

  test(
    'a command that makes no sense exits 1 with the sentence',
    withKubectl(async () => {
      const shop = await running()
      const { code, stderr } = await annotate(shop, 'approve')
      expect(code).toBe(1)
      expect(stderr).toContain('nothing waits for approval: the release is at step 1 of 2 (25% for 1h)')
    }),
  )

  test(
    'wrong annotations are told all at once',
    withKubectl(async () => {
      const shop = await Shop.open(environment)
      const { code, stderr } = await apply(shop, 'v1', { steps: '0%, 5 m', settings: { deadline: 'soon' } })
      expect(code).toBe(1)
      expect(stderr).toMatch(/step 1: .*0%/)
      expect(stderr).toMatch(/step 2: .*5 m/)
      expect(stderr).toMatch(/canaryhook\.dev\/deadline: "soon"/)
    }),
  )

  test(
    'a dry run on the server says what would happen, and nothing does',
    withKubectl(async () => {
      const shop = await serving({ replicas: 2 })
      const before = await shop.stored()
      const stdin = JSON.stringify(shop.manifest('v2'))
      const { code, stderr } = await shop.kubectl(['apply', '--dry-run=server', '-f', '-'], { stdin })
      expect(code).toBe(0)
      expect(stderr).toMatch(/Warning: canaryhook: canary /)
      expect(await shop.stored()).toEqual(before)
    }),
  )

  test(
    'scale, resume and replace do not break a running release',
    withKubectl(async () => {
      const shop = await running()
      const resumed = await shop.kubectl(['rollout', 'resume', `deployment/${APP}`])
      expect(resumed.stderr).toMatch(/Warning: canaryhook: .*command=promote/)
      expect((await shop.stored()).spec.paused).toBe(true)

      const replaced = await shop.kubectl(['replace', '-f', '-'], {
        stdin: JSON.stringify(shop.manifest('v2')),
      })
      expect(replaced.code).toBe(0)
      expect((await shop.stored()).spec).toMatchObject({ paused: true, replicas: 3 })

      await shop.kubectl(['scale', 'deployment', APP, '--replicas=8'])
      await shop.until(
        '6 stable pods and 2 canaries',
        view => ready(view, 'v1') === 6 && ready(view, 'v2') === 2,
      )
      expect(canaries(shop.now)).toHaveLength(2)
    }),
  )

  test(
    'set image starts a release like any other change',
    withKubectl(async () => {
      const shop = await serving({ replicas: 2, steps: '50% for 1h' })
      const { stderr } = await shop.kubectl(['set', 'image', `deployment/${APP}`, `${APP}=shop:v2`])
      expect(stderr).toMatch(/Warning: canaryhook: canary 50%/)
      await shop.stands(1, 'v2')
    }),
  )

  test(
    'rollout undo is a release too, also where it drops the opt-in',
    withKubectl(async () => {
      const shop = await Shop.open(environment, { replicas: 2, steps: '50% for 1h' })
      await apply(shop, 'v1', { steps: null })
      await shop.servesAlone('v1', 2)
      await apply(shop, 'v2')
      await annotate(shop, 'promote')
      await shop.phase('Succeeded', 'v2')
      await shop.servesAlone('v2', 2)
      shop.watcher.restart()
      const { code, stderr } = await shop.kubectl(['rollout', 'undo', `deployment/${APP}`])
      expect(code).toBe(0)
      expect(stderr).toMatch(
        /Warning: canaryhook: .*dropped in the same change: this is still a canary release/,
      )
      await shop.stands(1, 'v1')
      expect((await shop.stored()).metadata.annotations).not.toHaveProperty(STEPS)
      expect(ready(shop.now, 'v2')).toBeGreaterThanOrEqual(1)
      expect(dipUnder(2, shop.watcher.history)).toBe('')
    }),
  )

  test(
    'delete removes everything of ours',
    withKubectl(async () => {
      const shop = await running()
      expect((await shop.kubectl(['delete', 'deployment', APP])).code).toBe(0)
      await shop.until('gone', view => !view.canary && view.pods.length === 0 && view.snapshots.length === 0)
      const left = await shop.kubectl(['get', 'deployments,replicasets,controllerrevisions', '-o', 'name'])
      expect(left.stdout).toBe('')
    }),
  )
})
