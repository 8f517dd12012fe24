import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createAuthority, endOf, issueLeaf } from '../../src/certs/certificates.ts'

const DAY = 24 * 60 * 60 * 1000
const now = Date.parse('2026-03-01T12:00:00Z')
const authority = createAuthority('test authority', { now, days: 100 })

test('an authority is one: it is its own issuer and may sign', () => {
  const ca = new X509Certificate(authority.cert)
  expect(ca.ca).toBe(true)
  expect(ca.verify(ca.publicKey)).toBe(true)
  expect(ca.checkPrivateKey(createPrivateKey(authority.key))).toBe(true)
  expect(endOf(authority.cert)).toBe(now + 100 * DAY)
})

test('a leaf carries every name and address, and is signed by the authority', () => {
  const pair = issueLeaf(authority, ['webhook.canaryhook.svc', 'localhost', '127.0.0.1', '::1'], {
    now,
    days: 30,
  })
  const leaf = new X509Certificate(pair.cert)
  const ca = new X509Certificate(authority.cert)
  expect(leaf.ca).toBe(false)
  expect(leaf.checkIssued(ca)).toBe(true)
  expect(leaf.verify(ca.publicKey)).toBe(true)
  expect(leaf.checkPrivateKey(createPrivateKey(pair.key))).toBe(true)
  for (const name of ['webhook.canaryhook.svc', 'localhost']) expect(leaf.checkHost(name)).toBe(name)
  for (const address of ['127.0.0.1', '::1']) expect(leaf.checkIP(address)).toBe(address)
  expect(leaf.checkHost('elsewhere')).toBeUndefined()
  expect(leaf.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
})

test('a leaf is valid from a day before now, for clocks that are behind ours, and for the days asked', () => {
  const leaf = new X509Certificate(issueLeaf(authority, ['localhost'], { now, days: 30 }).cert)
  expect(leaf.validFromDate.getTime()).toBe(now - DAY)
  expect(leaf.validToDate.getTime()).toBe(now + 30 * DAY)
})

test('a leaf does not outlive its authority', () => {
  expect(endOf(issueLeaf(authority, ['localhost'], { now, days: 365 }).cert)).toBe(now + 100 * DAY)
})

test('two leaves have different keys and serial numbers', () => {
  const [one, two] = [1, 2].map(() => issueLeaf(authority, ['localhost'], { now, days: 1 }))
  expect(one?.key).not.toBe(two?.key)
  expect(new X509Certificate(one?.cert ?? '').serialNumber).not.toBe(
    new X509Certificate(two?.cert ?? '').serialNumber,
  )
})

test('without a name, or from an authority that has ended, nothing is made', () => {
  expect(() => issueLeaf(authority, [], { now, days: 1 })).toThrow(/at least one name/)
  expect(() => issueLeaf(authority, ['localhost'], { now: now + 101 * DAY, days: 1 })).toThrow(
    'the authority ended at 2026-06-09T12:00:00.000Z: make a new one',
  )
})

test('a client that trusts the authority accepts the leaf', async () => {
  const today = { now: Date.now(), days: 1 }
  const ca = createAuthority('test', today)
  const server = createServer({ ...issueLeaf(ca, ['localhost'], today) }, (_request, response) =>
    response.end('ok'),
  )
  await new Promise<void>(resolve => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  const status = await new Promise((resolve, reject) => {
    request({ host: 'localhost', port, ca: ca.cert, agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  expect(status).toBe(200)
  await new Promise(resolve => server.close(resolve))
})
