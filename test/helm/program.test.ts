/** Which Helm the tests use, and what they say when there is none. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { findHelm, type HelmSettings } from './program.ts'

let folder = ''
const path = process.env.PATH
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'canaryhook-programs-'))
  // Go is looked for on the PATH of this process.
  process.env.PATH = folder
})
afterEach(async () => {
  process.env.PATH = path
  await rm(folder, { recursive: true, force: true })
})

/** Nothing is built before, and there is no Go. */
function settings(more: Partial<HelmSettings> = {}): HelmSettings {
  return { XDG_CACHE_HOME: join(folder, 'cache'), PATH: folder, KUBEBUILDER_ASSETS: undefined, ...more }
}

async function putHelm(where: string, version: string): Promise<string> {
  await mkdir(where, { recursive: true })
  const file = join(where, 'helm')
  await writeFile(file, `#!/bin/sh\necho ${version}\n`)
  await chmod(file, 0o755)
  return file
}

const find = (more?: Partial<HelmSettings>) => findHelm(settings(more), () => {})

test('that of the folder with a control plane’s programs is used', async () => {
  const assets = join(folder, 'assets')
  const helm = await putHelm(assets, 'v4.2.4')
  expect(await find({ KUBEBUILDER_ASSETS: assets })).toBe(helm)
})

test('one that was built before is used', async () => {
  const { XDG_CACHE_HOME, KUBEBUILDER_ASSETS } = process.env
  expect(await find({ XDG_CACHE_HOME, KUBEBUILDER_ASSETS, PATH: path })).toBe(inject('helm'))
})

test('without Go, that of the PATH is used when it is version 4', async () => {
  expect(await find({ PATH: await putHelm(folder, 'v4.1.0').then(() => folder) })).toBe(join(folder, 'helm'))
})

test.each([
  ['no Helm', undefined],
  ['a Helm that is too old', 'v3.17.0'],
])('without Go and with %s, it says what would help', async (_what, version) => {
  if (version) await putHelm(folder, version)
  await expect(find()).rejects.toThrow(
    /^There is no Helm to install with\. One of these makes one:.*install Go.*put helm, version 4, on the PATH.*KUBEBUILDER_ASSETS/s,
  )
})
