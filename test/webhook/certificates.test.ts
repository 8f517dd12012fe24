import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import type { KeyPair } from '../../src/core/key-pair.ts'
import { untilKeyPair, watchKeyPair } from '../../src/webhook/certificates.ts'

const validity = { now: Date.now(), days: 1 }
const authority = createAuthority('test', validity)
const [first, second] = [
  issueLeaf(authority, ['first'], validity),
  issueLeaf(authority, ['second'], validity),
]

let directory: string
let said: string[]
const log = pino({}, { write: line => said.push((JSON.parse(line) as { msg: string }).msg) })

beforeEach(async () => {
  said = []
  directory = await mkdtemp(join(tmpdir(), 'canaryhook-files-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const write = (file: string, text: string) => writeFile(join(directory, file), text)

describe('waiting for the files', () => {
  test('ends when both are there, and says once what it waits for', async () => {
    const stopping = new AbortController()
    const found = untilKeyPair(directory, stopping.signal, log)
    await sleep(600)
    await write('tls.key', first.key)
    await write('tls.crt', first.cert)
    expect(await found).toEqual(first)
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      /^waiting for certificates: .*ENOENT.*tls\.crt'; ENOENT.*tls\.key'; expected tls\.crt and tls\.key, a PEM/,
    )
  })

  test('also for a directory that is not there, and for a pair that belongs together', async () => {
    await rm(directory, { recursive: true })
    const stopping = new AbortController()
    const found = untilKeyPair(directory, stopping.signal, log)
    await vi.waitFor(() => expect(said).toHaveLength(1))
    await mkdir(directory)
    await write('tls.crt', first.cert)
    await write('tls.key', second.key)
    await vi.waitFor(() => expect(said.at(-1)).toMatch(/tls\.key is not the key of tls\.crt/), 3_000)
    await write('tls.crt', second.cert)
    expect(await found).toEqual(second)
  })

  test('ends without them when it is told to stop', async () => {
    const stopping = new AbortController()
    const found = untilKeyPair(directory, stopping.signal, log)
    await sleep(50)
    stopping.abort()
    expect(await found).toBeUndefined()
  })
})

test('a pair that is being replaced is not told as broken', async () => {
  await write('tls.crt', first.cert)
  await write('tls.key', first.key)
  const taken: KeyPair[] = []
  const onChange = (pair: KeyPair) => taken.push(pair)
  const stop = watchKeyPair({ directory, current: first, every: 10, onChange, log })
  await write('tls.key', second.key)
  await sleep(50)
  await write('tls.crt', second.cert)
  await vi.waitFor(() => expect(taken).toEqual([second]))
  stop()
  expect(said).toEqual([])
})
