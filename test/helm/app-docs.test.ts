/** The commands of the page on Helm, in order, as its reader types them. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { ownControlPlane } from '../controlplane/planes.ts'
import { ROOT, readPage } from '../docs/pages.ts'
import { runBlock } from '../docs/run-block.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { inNamespace } from './account-token.ts'
import { type PodPlayer, startPodPlayer } from './pod-player.ts'

const environment = useEnvironment()
const page = readPage('docs/helm.md')

let player: PodPlayer
let folder = ''
beforeAll(async () => {
  const { admin } = ownControlPlane().kubeconfigs
  player = await startPodPlayer({ cluster: environment.cluster, kubeconfig: admin })
  folder = await mkdtemp(join(tmpdir(), 'canaryhook-helm-page-'))
  await writeFile(join(folder, 'kubeconfig'), inNamespace(admin, await environment.namespace()), {
    mode: 0o600,
  })
  await mkdir(join(folder, 'bin'))
  await symlink(inject('helm'), join(folder, 'bin', 'helm'))
})
afterAll(async () => {
  await player?.stop()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

test('the commands of docs/helm.md do what it says', async () => {
  await cp(join(ROOT, 'examples/chart'), join(folder, 'examples/chart'), { recursive: true })
  const values = await readFile(join(ROOT, 'examples/chart/values.yaml'), 'utf8')
  const hurried = values.replace('10% for 5m, 50% for 10m', '10% for 1s, 50% for 1s')
  expect(hurried).not.toBe(values)
  await writeFile(join(folder, 'examples/chart/values.yaml'), hurried)
  const blocks = page.blocks.filter(({ info }) => /^sh helm\b/.test(info))
  expect(blocks.length).toBeGreaterThan(8)
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    KUBECONFIG: join(folder, 'kubeconfig'),
  }
  for (const block of blocks) await runBlock(block, page.file, folder, env)
}, 200_000)

test('the Job that docs/helm.md shows is that of the example chart', async () => {
  const job = await readFile(join(ROOT, 'examples/chart/templates/released.yaml'), 'utf8')
  expect(page.blocks.map(({ text }) => text)).toContain(job)
})
