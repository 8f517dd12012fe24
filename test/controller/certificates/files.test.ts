import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writePair } from '../../../src/controller/certificates/files.ts'

let directory: string

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'canaryhook-pair-')), 'certs')
})

afterEach(() => rm(join(directory, '..'), { recursive: true }))

const read = (file: string) => readFile(join(directory, file), 'utf8')
const modeOf = async (file: string) => (await stat(join(directory, file))).mode & 0o777

test('both files are written, the key for our own user only, and nothing else is left', async () => {
  expect(await writePair(directory, { cert: 'CERT', key: 'KEY' })).toBe(true)
  expect([await read('tls.crt'), await read('tls.key')]).toEqual(['CERT', 'KEY'])
  expect([await modeOf('tls.crt'), await modeOf('tls.key')]).toEqual([0o644, 0o600])
  expect((await readdir(directory)).sort()).toEqual(['tls.crt', 'tls.key'])
})

test('what the files say already is not written again', async () => {
  await writePair(directory, { cert: 'CERT', key: 'KEY' })
  const before = await stat(join(directory, 'tls.crt'))
  expect(await writePair(directory, { cert: 'CERT', key: 'KEY' })).toBe(false)
  expect((await stat(join(directory, 'tls.crt'))).ino).toBe(before.ino)
  expect(await writePair(directory, { cert: 'CERT2', key: 'KEY' })).toBe(true)
  expect(await read('tls.crt')).toBe('CERT2')
})

test('a file is replaced whole: whoever has the old one open reads the old one', async () => {
  await writePair(directory, { cert: 'CERT', key: 'KEY' })
  const before = await stat(join(directory, 'tls.key'))
  await writePair(directory, { cert: 'CERT2', key: 'KEY2' })
  expect((await stat(join(directory, 'tls.key'))).ino).not.toBe(before.ino)
})

test('what a crash left half written is no obstacle, whoever may read it', async () => {
  await writePair(directory, { cert: 'CERT', key: 'KEY' })
  await writeFile(join(directory, '.tls.key.new'), 'half')
  await chmod(join(directory, '.tls.key.new'), 0o644)
  await writePair(directory, { cert: 'CERT2', key: 'KEY2' })
  expect(await read('tls.key')).toBe('KEY2')
  expect(await modeOf('tls.key')).toBe(0o600)
})
