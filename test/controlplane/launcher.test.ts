/** `npm run controlplane` leaves nothing behind, whatever ends it, and says what it lacks. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiOf } from './api.ts'
import { findBinaries } from './binaries.ts'
import { Launcher, type LauncherOptions } from './launcher.ts'

vi.setConfig({ testTimeout: 120_000 })

const started: Launcher[] = []

async function start(options?: LauncherOptions): Promise<Launcher> {
  const launcher = await Launcher.start(options)
  started.push(launcher)
  return launcher
}

async function running(options?: LauncherOptions): Promise<Launcher> {
  const launcher = await start(options)
  await launcher.ready()
  return launcher
}

afterEach(async () => {
  for (const launcher of started.splice(0)) await launcher.clean()
})

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok']

test('two run side by side, each for itself; Ctrl-C ends one, SIGTERM of npm the other, and nothing is left', async () => {
  const [one, two] = await Promise.all([running(), running({ npm: true })])
  const [first, second] = await Promise.all(
    [one, two].map(async ({ kubeconfig }) => apiOf(await readFile(kubeconfig, 'utf8'))),
  )
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mine' } }
  expect((await first?.request('POST', '/api/v1/namespaces', namespace))?.status).toBe(201)
  expect((await second?.request('GET', '/api/v1/namespaces/mine'))?.status).toBe(404)
  // Its programs, webhook, controller, guardian and itself.
  expect(one.processes().length).toBeGreaterThanOrEqual(PROGRAMS.length + 4)
  one.child.kill('SIGINT')
  two.child.kill('SIGTERM')
  expect(await one.ended()).toBe(0)
  expect(await one.leftovers()).toEqual([])
  await two.ended()
  expect(await two.leftovers()).toEqual([])
})

test('SIGKILL leaves nothing, also that of npm; nor does the end of one of its programs, of which it tells', async () => {
  const alone = { withoutCanaryhook: true }
  const [killed, orphaned, bereft] = await Promise.all([
    running(),
    running({ ...alone, npm: true }),
    running(alone),
  ])
  killed.child.kill('SIGKILL')
  orphaned.child.kill('SIGKILL')
  process.kill(bereft.pidOf('kube-apiserver'), 'SIGKILL')
  expect(await killed.ended()).toBe('SIGKILL')
  expect(await orphaned.ended()).toBe('SIGKILL')
  expect(await bereft.ended()).toBe(1)
  expect(bereft.said).toMatch(/kube-apiserver ended \(SIGKILL\)/)
  for (const launcher of [killed, orphaned, bereft]) expect(await launcher.leftovers()).toEqual([])
})

describe('without the programs that were built before', () => {
  let empty = ''
  beforeAll(async () => {
    empty = await mkdtemp(join(tmpdir(), 'without-go-'))
  })
  afterAll(() => rm(empty, { recursive: true, force: true }))
  const nothing = () => ({ PATH: empty, XDG_CACHE_HOME: join(empty, 'cache'), KUBEBUILDER_ASSETS: undefined })

  test('and without Go, it ends with 1 and says everything that would help', async () => {
    const launcher = await start({ env: nothing() })
    expect(await launcher.ended()).toBe(1)
    expect(launcher.said).toMatch(/^There is no Kubernetes control plane to start\. One of these makes one:/)
    expect(launcher.said).toMatch(/install Go .*KUBEBUILDER_ASSETS.*USE_EXISTING_CLUSTER=true/s)
    expect(launcher.said).not.toMatch(/\n\s+at /)
    expect(await launcher.leftovers()).toEqual([])
    expect(await readdir(empty)).toEqual([])
  })

  test('those in KUBEBUILDER_ASSETS are used; a closed terminal ends them', async () => {
    const assets = join(empty, 'assets')
    await mkdir(assets)
    for (const program of Object.values(await findBinaries(process.env, () => {}))) {
      await symlink(program, join(assets, basename(program)))
    }
    const { PATH: _, ...env } = nothing()
    const launcher = await running({ env: { ...env, KUBEBUILDER_ASSETS: assets } })
    for (const program of PROGRAMS) {
      expect(launcher.processes().some(line => line.includes(join(assets, program)))).toBe(true)
    }
    launcher.hangUp()
    await launcher.ended()
    expect(await launcher.leftovers()).toEqual([])
  })
})
