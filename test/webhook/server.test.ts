import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { type Logger, pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import type { KeyPair } from '../../src/core/key-pair.ts'
import { startWebhook, type Webhook } from '../../src/webhook/server.ts'
import { reviewOf } from './review-fixture.ts'

const validity = { now: Date.now(), days: 1 }
const authority = createAuthority('test', validity)
const first = issueLeaf(authority, ['localhost', 'first.example'], validity)
const second = issueLeaf(authority, ['localhost', 'second.example'], validity)
const log = pino({ level: 'silent' })
const TICK = { interval: 10, timeout: 5_000 }

let directory: string
let webhook: Webhook
let agent: Agent

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'canaryhook-webhook-'))
  await writePair(directory, first)
  agent = new Agent({ keepAlive: true, ca: authority.cert })
})

afterEach(async () => {
  agent.destroy()
  await webhook?.stop()
  await rm(directory, { recursive: true })
})

async function start(
  options: { linger?: number; drainLimit?: number; certsDirectory?: string; log?: Logger } = {},
) {
  webhook = await startWebhook({
    port: 0,
    certsDirectory: directory,
    reloadEvery: 20,
    admit: () => ({ allowed: true, patch: [], warnings: [] }),
    log,
    ...options,
  })
}

async function writePair(folder: string, pair: KeyPair): Promise<void> {
  await writeFile(join(folder, 'tls.crt'), pair.cert)
  await writeFile(join(folder, 'tls.key'), pair.key)
}

interface Answer {
  readonly status: number | undefined
  readonly connection: string | undefined
  readonly body: string
  readonly socket: Socket
}

/** Sends a review in two parts; `between` runs when the first part is on its way. */
function post(body: string, between?: () => Promise<void>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, host: 'localhost', port: webhook.port, path: '/mutate', method: 'POST' },
      async response => {
        const { socket } = response
        const text = (await response.toArray()).join('')
        resolve({ status: response.statusCode, connection: response.headers.connection, body: text, socket })
      },
    )
    call.on('error', reject)
    call.setHeader('content-type', 'application/json')
    call.setHeader('content-length', Buffer.byteLength(body))
    const half = Math.floor(body.length / 2)
    call.write(body.slice(0, half), () => {
      void (between?.() ?? Promise.resolve()).then(() => call.end(body.slice(half)))
    })
  })
}

function get(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ agent, host: 'localhost', port: webhook.port, path }, response => {
      response.resume().on('end', () => resolve(response))
    })
    call.on('error', reject)
    call.end()
  })
}

const review = JSON.stringify(reviewOf())

/** The names in the certificate that a new connection is shown. */
function namesServed(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: 'localhost', port: webhook.port, ca: authority.cert }, () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? '')
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('answers over HTTPS, request after request on one connection that is kept longer than the API server does', async () => {
  await start()
  const sockets = new Set<Socket>()
  for (let i = 0; i < 5; i += 1) {
    const answer = await post(review)
    expect(answer.status).toBe(200)
    sockets.add(answer.socket)
  }
  const { headers } = await get('/readyz')
  expect(sockets.size).toBe(1)
  expect(Number(/timeout=(\d+)/.exec(String(headers['keep-alive']))?.[1])).toBeGreaterThanOrEqual(100)
})

test('a body over the limit gets its 413 although it was still being sent', async () => {
  await start()
  const answer = await post(review.padEnd(6 * 1024 * 1024, ' '))
  expect(answer.status).toBe(413)
  expect((await post(review)).status).toBe(200)
})

test('new certificate files are served without a restart, and open connections go on', async () => {
  await start()
  const { socket } = await post(review)
  expect(await namesServed()).toContain('first.example')
  await writePair(directory, second)
  await vi.waitFor(async () => expect(await namesServed()).toContain('second.example'), TICK)
  const after = await post(review)
  expect(after.status).toBe(200)
  expect(after.socket).toBe(socket)
})

test('a certificate that does not belong to its key is not taken; the right one after it is', async () => {
  // Its own: a server that is being stopped may still say something.
  const ownLog = pino({ level: 'silent' })
  const errors = vi.spyOn(ownLog, 'error')
  await start({ log: ownLog })
  // At once, not as it is being written: half a certificate is none.
  await writeFile(join(directory, 'new.crt'), second.cert)
  await rename(join(directory, 'new.crt'), join(directory, 'tls.crt'))
  await vi.waitFor(() => expect(errors).toHaveBeenCalled(), TICK)
  await sleep(100)
  expect(errors).toHaveBeenCalledTimes(1)
  expect(errors.mock.calls[0]?.[0]).toMatchObject({
    problem: expect.stringContaining('tls.key is not the key of tls.crt'),
  })
  expect(await namesServed()).toContain('first.example')
  await writeFile(join(directory, 'tls.key'), second.key)
  await vi.waitFor(async () => expect(await namesServed()).toContain('second.example'), TICK)
})

test('a file that is gone for a while does no harm', async () => {
  await start()
  await rm(join(directory, 'tls.key'))
  await sleep(100)
  expect((await post(review)).status).toBe(200)
  await writePair(directory, second)
  await vi.waitFor(async () => expect(await namesServed()).toContain('second.example'), TICK)
})

test('a mounted Secret changes by swapping a symlink, and is noticed', async () => {
  const volume = join(directory, 'volume')
  for (const [folder, pair] of [
    ['..one', first],
    ['..two', second],
  ] as const) {
    await mkdir(join(volume, folder), { recursive: true })
    await writePair(join(volume, folder), pair)
  }
  await symlink('..one', join(volume, '..data'))
  await symlink('..data/tls.crt', join(volume, 'tls.crt'))
  await symlink('..data/tls.key', join(volume, 'tls.key'))
  await start({ certsDirectory: volume })
  expect(await namesServed()).toContain('first.example')
  await symlink('..two', join(volume, '..data_tmp'))
  await rename(join(volume, '..data_tmp'), join(volume, '..data'))
  await vi.waitFor(async () => expect(await namesServed()).toContain('second.example'), TICK)
})

test.each<[string, (folder: string) => Promise<void>, RegExp]>([
  ['no files', folder => rm(join(folder, 'tls.key')), /ENOENT.*tls\.key'; expected tls\.crt and tls\.key/],
  ['no PEM', folder => writeFile(join(folder, 'tls.crt'), 'x'), /is not PEM/],
  [
    'another key',
    folder => writeFile(join(folder, 'tls.key'), second.key),
    /tls\.key is not the key of tls\.crt/,
  ],
])('with %s it does not start, and says why', async (_what, spoil, message) => {
  await spoil(directory)
  await expect(start()).rejects.toMatchObject({
    code: 'WEBHOOK_CERTIFICATE',
    message: expect.stringMatching(message),
  })
})

test('a port that is taken is an error, not a crash', async () => {
  await start()
  const taken = startWebhook({
    port: webhook.port,
    certsDirectory: directory,
    admit: () => ({ allowed: true, patch: [], warnings: [] }),
    log,
  })
  await expect(taken).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('stop waits for the request in flight, which is told to come back on another connection', async () => {
  await start()
  let stopped: Promise<void> | undefined
  const answer = await post(review, async () => {
    await sleep(50)
    stopped = webhook.stop()
    await sleep(50)
  })
  expect(answer).toMatchObject({ status: 200, connection: 'close' })
  await stopped
  await expect(post(review)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('stop closes idle connections at once', async () => {
  await start()
  await post(review)
  const begun = performance.now()
  await webhook.stop()
  expect(performance.now() - begun).toBeLessThan(1_000)
})

test('stop does not wait longer than its limit for a request that never ends', async () => {
  await start({ drainLimit: 200 })
  const hanging = post(review, () => new Promise(() => {})).catch((error: unknown) => error)
  await sleep(50)
  const begun = performance.now()
  await webhook.stop()
  expect(performance.now() - begun).toBeLessThan(2_000)
  expect(await hanging).toMatchObject({ code: 'ECONNRESET' })
})

test('while it lingers, it still answers, but readyz says that it is going', async () => {
  await start({ linger: 300 })
  const stopped = webhook.stop()
  expect((await post(review)).status).toBe(200)
  expect((await get('/readyz')).statusCode).toBe(503)
  await stopped
})

test('a client that speaks no TLS, or goes away in the middle, does no harm', async () => {
  await start()
  const plain = await fetch(`http://localhost:${webhook.port}/`).catch((error: unknown) => error)
  expect(plain).toBeInstanceOf(Error)
  const gone = post(review, async () => agent.destroy()).catch((error: unknown) => error)
  expect(await gone).toBeInstanceOf(Error)
  agent = new Agent({ keepAlive: true, ca: authority.cert })
  expect((await post(review)).status).toBe(200)
})
