import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAuthority, issueLeaf } from '../../../src/certs/certificates.ts'
import { type Content, EMPTY, printContent } from '../../../src/certs/content.ts'
import { type Follower, startFollower } from '../../../src/controller/certificates/follower.ts'
import type { Secret } from '../../../src/core/kubernetes.ts'

const validity = { now: Date.now(), days: 1 }
const authority = createAuthority('test', validity)
const stranger = createAuthority('stranger', validity)
const [first, second] = ['first', 'second'].map(name => issueLeaf(authority, [name], validity))

let parent: string
let directory: string
let said: string[]
let follower: Follower

beforeEach(async () => {
  said = []
  parent = await mkdtemp(join(tmpdir(), 'canaryhook-follower-'))
  directory = join(parent, 'certs')
  const log = pino({}, { write: line => said.push((JSON.parse(line) as { msg: string }).msg) })
  follower = startFollower({ directory, name: 'canaryhook/certs', log, retryAfter: 20 })
})

afterEach(async () => {
  await follower.stop()
  await rm(parent, { recursive: true })
})

const secret = (changes: Partial<Content>): Secret => ({
  metadata: { name: 'certs' },
  data: printContent({ ...EMPTY, authority, bundle: authority.cert, ...changes }),
})
const file = (name: string) => readFile(join(directory, name), 'utf8').catch(() => '')

test('what the Secret says is in the files a moment later, and only the latest when it changes quickly', async () => {
  expect(follower.end).toBeUndefined()
  follower.take(secret({ leaf: first ?? EMPTY.leaf }))
  follower.take(secret({ leaf: second ?? EMPTY.leaf }))
  await vi.waitFor(async () => expect(await file('tls.crt')).toBe(second?.cert))
  expect(await file('tls.key')).toBe(second?.key)
  await vi.waitFor(() => expect(follower.end).toBeGreaterThan(Date.now()))
})

test('what is not fit to be served changes nothing, and is told once', async () => {
  follower.take(secret({ leaf: first ?? EMPTY.leaf }))
  await vi.waitFor(async () => expect(await file('tls.crt')).toBe(first?.cert))
  said.length = 0
  const foreign = secret({ leaf: issueLeaf(stranger, ['x'], validity) })
  follower.take(foreign)
  follower.take(foreign)
  follower.take(secret({ leaf: EMPTY.leaf }))
  await follower.stop()
  expect(await file('tls.crt')).toBe(first?.cert)
  expect(said).toEqual([
    'Secret canaryhook/certs: tls.crt is signed by no authority in ca-bundle.crt: the webhook keeps the certificate that it has',
  ])
})

test('a directory that cannot be written to is told once, with what to do, and tried again', async () => {
  await writeFile(directory, 'a file in its place')
  follower.take(secret({ leaf: first ?? EMPTY.leaf }))
  await vi.waitFor(() => expect(said).toHaveLength(1))
  expect(said[0]).toMatch(/cannot be written: EEXIST.*must be a volume that this container may write to$/)
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(said).toHaveLength(1)
  await rm(directory)
  await vi.waitFor(async () => expect(await file('tls.crt')).toBe(first?.cert))
})
