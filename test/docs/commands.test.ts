/**
 * Runs the commands of the pages, in order, with the real kubectl against a sandbox, and looks for what the
 * page says they print. A block is run when its fence says so: `sh run`, or `sh run exit=1` for one that must
 * fail. What a page needs but does not show stands in a comment `<!-- setup … -->`.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Canaryhook, hostOf, startCanaryhook } from '../../src/sandbox/processes.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { ROOT, readPages } from './pages.ts'
import { missingIn, runBlock } from './run-block.ts'

const RUN = /^sh run(?: exit=\d+)?$|^setup$/
const LIMIT = 90_000

const scripts = readPages()
  .map(({ file, blocks }) => ({ file, blocks: blocks.filter(({ info }) => RUN.test(info)) }))
  .filter(({ blocks }) => blocks.length > 0)

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0
if (!hasKubectl) process.stdout.write('no kubectl in PATH: the commands of the pages are not run\n')

describe('lines that were printed', () => {
  test.each([
    ['as they were', 'a\nb', 'a\nb', true],
    ['with others between', 'a\nx\nb', 'a\nb', true],
    ['in another order', 'b\na', 'a\nb', false],
    ['with something left out', 'pod shop-1x2 is gone', 'pod … is gone', true],
    ['with another time', 'held 3s, about 20 s', 'held 12s, about 2 min', true],
    ['with another number', '9 pods', '10 pods', false],
    ['in other columns', 'NAME  AGE', 'NAME      AGE', true],
    ['in part only', 'a longer line', 'a', false],
  ])('%s', (_sentence, printed, shown, found) => {
    expect(missingIn(printed, shown) === undefined).toBe(found)
  })
})

test('README and operations have commands to run, and CI has a kubectl to run them with', () => {
  expect(scripts.map(({ file }) => file)).toEqual(expect.arrayContaining(['README.md', 'docs/operations.md']))
  expect(hasKubectl || !process.env.CI).toBe(true)
})

describe.concurrent('the commands of', () => {
  let sandbox: Sandbox | undefined
  let canaryhook: Canaryhook | undefined
  let directory = ''

  beforeAll(async () => {
    if (!hasKubectl) return
    directory = await mkdtemp(join(tmpdir(), 'canaryhook-docs-'))
    sandbox = await startSandbox()
    canaryhook = await startCanaryhook(hostOf(sandbox))
  }, LIMIT)
  afterAll(async () => {
    await canaryhook?.stop()
    await sandbox?.stop()
    if (directory !== '') await rm(directory, { recursive: true, force: true })
  })

  test.each(hasKubectl ? scripts : [])(
    '$file do what it says',
    async ({ file, blocks }) => {
      if (!sandbox) throw new Error('the sandbox did not start')
      const folder = await checkout(sandbox, directory, file)
      const env = { KUBECONFIG: join(folder, 'kubeconfig') }
      for (const block of blocks) await runBlock(block, file, folder, env)
    },
    LIMIT,
  )
})

/** A folder as the reader has it, with the kubeconfig of a namespace of its own and the example in a hurry. */
async function checkout(sandbox: Sandbox, directory: string, file: string): Promise<string> {
  const name = file.toLowerCase().replace(/[^a-z]+/g, '-')
  const folder = join(directory, name)
  await mkdir(join(folder, 'examples'), { recursive: true })
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  await sandbox.request('admin', 'POST', '/api/v1/namespaces', { body })
  const kubeconfig = sandbox.kubeconfig('admin').replace('namespace: default', `namespace: ${name}`)
  await writeFile(join(folder, 'kubeconfig'), kubeconfig, { mode: 0o600 })
  const shop = await readFile(join(ROOT, 'examples/shop.yaml'), 'utf8')
  const hurried = shop.replaceAll(/% for \d+s/g, '% for 1s')
  expect(hurried).not.toBe(shop)
  await writeFile(join(folder, 'examples', 'shop.yaml'), hurried)
  return folder
}
