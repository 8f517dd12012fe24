/** The keeper over a cluster in memory, in virtual time. */
import { X509Certificate } from 'node:crypto'
import { pino } from 'pino'
import { beforeEach, describe, expect, test } from 'vitest'
import { createAuthority } from '../../../src/certs/certificates.ts'
import { type Content, printContent, readContent } from '../../../src/certs/content.ts'
import { certificatesIn } from '../../../src/certs/facts.ts'
import type { Lives } from '../../../src/certs/rotation.ts'
import { secrets } from '../../../src/cluster/resources.ts'
import { type Keeper, startKeeper } from '../../../src/controller/certificates/keeper.ts'
import type { MutatingWebhookConfiguration, Secret } from '../../../src/core/kubernetes.ts'
import { MemoryCluster } from '../memory-cluster.ts'
import { VirtualProcess, VirtualTime } from '../virtual-time.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const lives: Lives = { leaf: 9 * HOUR, authority: 27 * HOUR, settle: MINUTE }
const SECRET = { namespace: 'canaryhook', name: 'certs' }
const CONFIGURATION = 'zz-canaryhook'
const CREATE = 'create secrets/certs'
const STORE = 'patch secrets/certs'
const REGISTER = `patch mutatingwebhookconfigurations/${CONFIGURATION}`

let time: VirtualTime
let cluster: MemoryCluster
let said: string[]

beforeEach(() => {
  time = new VirtualTime()
  cluster = new MemoryCluster()
  said = []
  register('')
})

/** As somebody else writes it. */
function register(bundle: string): void {
  const caBundle = Buffer.from(bundle).toString('base64')
  const object: MutatingWebhookConfiguration = {
    metadata: { name: CONFIGURATION },
    webhooks: [{ name: 'deployments.canaryhook.dev', clientConfig: bundle ? { caBundle } : {} }],
  }
  cluster.put('mutatingwebhookconfigurations', object)
}

/** Begins to lead. @returns what ends it */
async function lead(): Promise<() => Promise<void>> {
  const stop = new AbortController()
  const { clock } = new VirtualProcess(time)
  const log = pino({}, { write: line => said.push((JSON.parse(line) as { msg: string }).msg) })
  let keeper: Keeper | undefined
  const watching = cluster.watch<Secret>(secrets, {}, () => keeper?.look())
  keeper = startKeeper({
    cluster,
    secret: SECRET,
    secrets: watching,
    configuration: CONFIGURATION,
    names: ['webhook.canaryhook.svc'],
    lives,
    clock,
    log,
    signal: stop.signal,
  })
  await time.pass(10)
  return async () => {
    stop.abort()
    await keeper.ended
  }
}

function content(): Content {
  return readContent(cluster.get<Secret>('secrets', SECRET.name)?.data)
}

function registered(): readonly string[] {
  const configuration = cluster.get<MutatingWebhookConfiguration>(
    'mutatingwebhookconfigurations',
    CONFIGURATION,
  )
  const { caBundle = '' } = configuration?.webhooks?.[0]?.clientConfig ?? {}
  return certificatesIn(Buffer.from(caBundle, 'base64').toString()).map(String)
}

const pem = ({ cert }: { cert: string }) => new X509Certificate(cert).toString()

/** Somebody writes into the Secret by hand. */
function tamper(changes: Partial<Content>): void {
  cluster.put<Secret>('secrets', {
    metadata: { ...SECRET },
    data: printContent({ ...content(), ...changes }),
  })
}

test('with nothing there, two writes are all, and then nothing is asked any more', async () => {
  await lead()
  expect(cluster.writes).toEqual([CREATE, REGISTER])
  expect(registered()).toEqual([pem(content().authority)])
  await time.pass(5 * HOUR)
  expect(cluster.writes).toHaveLength(2)
  expect(said).toEqual([
    'made an authority and a certificate for the webhook',
    'registered which authorities are trusted',
  ])
})

test('through three authorities, what is served is signed by who is registered', async () => {
  await lead()
  const authorities = new Set<string>()
  const leaves = new Set<string>()
  for (let minutes = 0; minutes < 60 * 60; minutes += 20) {
    const leaf = new X509Certificate(content().leaf.cert)
    const trusted = registered().map(text => new X509Certificate(text))
    expect(trusted.some(ca => leaf.checkIssued(ca) && leaf.verify(ca.publicKey))).toBe(true)
    authorities.add(pem(content().authority))
    leaves.add(leaf.fingerprint256)
    await time.pass(20 * MINUTE)
  }
  expect(authorities.size).toBe(4)
  expect(leaves.size).toBeGreaterThan(9)
}, 60_000)

test('somebody else who leads afterwards finds all as it should be, and writes nothing', async () => {
  const stop = await lead()
  await stop()
  await time.pass(HOUR)
  await lead()
  await time.pass(HOUR)
  expect(cluster.writes).toEqual([CREATE, REGISTER])
})

test('who no longer leads writes nothing', async () => {
  const stop = await lead()
  await stop()
  await time.pass(100 * HOUR)
  expect(cluster.writes).toHaveLength(2)
})

describe('what somebody else does', () => {
  test('a Secret that is deleted is made again; the old authority stays trusted, and the leaf waits', async () => {
    await lead()
    const old = pem(content().authority)
    await time.pass(2 * MINUTE)
    await cluster.remove(secrets, SECRET)
    await time.pass(MINUTE / 2)
    expect(content().leaf.cert).toBe('')
    expect(registered()).toEqual([pem(content().next), old])
    await time.pass(MINUTE)
    expect(pem(content().authority)).not.toBe(old)
    expect(content().leaf.cert).not.toBe('')
    expect(registered()).toEqual([pem(content().authority), old])
  })

  test('what is taken away while nobody leads, Secret and caBundle, is trusted no more', async () => {
    const stop = await lead()
    const old = pem(content().authority)
    await time.pass(2 * MINUTE)
    await stop()
    await cluster.remove(secrets, SECRET)
    register('')
    await lead()
    expect(content().leaf.cert).not.toBe('')
    expect(registered()).toEqual([pem(content().authority)])
    expect(registered()).not.toContain(old)
  })

  test('a leaf that is damaged is replaced from the same authority, and the log says so', async () => {
    await lead()
    await time.pass(2 * MINUTE)
    const { authority, leaf } = content()
    tamper({ leaf: { ...leaf, key: 'nonsense' } })
    await time.pass(10)
    expect(content().authority).toEqual(authority)
    expect(content().leaf.key).toMatch(/PRIVATE KEY/)
    expect(said).toContainEqual(
      expect.stringMatching(
        /^Secret canaryhook\/certs: tls\.crt or tls\.key is not PEM: .*: it is replaced$/,
      ),
    )
  })

  test('an authority that is damaged gives way without haste; until then the leaf stays', async () => {
    await lead()
    await time.pass(2 * MINUTE)
    const { authority, leaf } = content()
    tamper({ authority: { ...authority, key: '' } })
    await time.pass(MINUTE / 2)
    expect(content().leaf).toEqual(leaf)
    expect(registered()).toEqual([pem(content().next), pem(authority)])
    expect(said.filter(text => /ca\.key is missing: it is replaced$/.test(text))).toHaveLength(1)
    await time.pass(MINUTE)
    expect(content().leaf).not.toEqual(leaf)
  })

  test('a foreign authority in the Secret is no obstacle: it is registered before it signs', async () => {
    await lead()
    await time.pass(2 * MINUTE)
    const now = Date.UTC(2026, 0, 1) + time.now
    const foreign = createAuthority('of somebody else', { now, days: 1 })
    const { leaf } = content()
    tamper({ authority: foreign })
    await time.pass(MINUTE / 2)
    expect(registered()).toContain(pem(foreign))
    expect(content().leaf).toEqual(leaf)
    await time.pass(MINUTE)
    const served = new X509Certificate(content().leaf.cert)
    expect(served.verify(new X509Certificate(foreign.cert).publicKey)).toBe(true)
  })

  test('a caBundle that is emptied is filled again at once', async () => {
    await lead()
    await time.pass(2 * MINUTE)
    register('')
    await time.pass(10)
    expect(registered()).toEqual([pem(content().authority)])
  })

  test('one that is emptied again and again is filled once a second', async () => {
    await lead()
    await time.pass(2 * MINUTE)
    cluster.writes.length = 0
    for (let round = 0; round < 100; round += 1) {
      register('')
      await time.pass(100)
    }
    expect(cluster.writes.length).toBeGreaterThan(8)
    expect(cluster.writes.length).toBeLessThan(13)
  })
})

describe('what goes wrong', () => {
  test('a write that somebody was faster with is made anew, without a word', async () => {
    cluster.fail(CREATE, 'CLUSTER_EXISTS')
    cluster.fail(REGISTER, 'CLUSTER_CONFLICT')
    await lead()
    await time.pass(5_000)
    expect(cluster.writes).toEqual([CREATE, CREATE, REGISTER, REGISTER])
    expect(said.filter(text => /cannot/.test(text))).toEqual([])
  })

  test('a write that is not allowed is told once with what to do, tried ever more rarely, and done when it is allowed', async () => {
    const forbid = () => cluster.fail(CREATE, 'CLUSTER_FORBIDDEN', 'secrets is forbidden')
    forbid()
    await lead()
    for (let seconds = 0; seconds < 300; seconds += 1) {
      forbid()
      await time.pass(1_000)
    }
    expect(said).toEqual([
      'certificates cannot be kept up: secrets is forbidden; this controller must be allowed to: see webhook-config/rbac.yaml',
    ])
    expect(cluster.writes.length).toBeLessThan(14)
    cluster.fail(CREATE, 'CLUSTER_EXISTS')
    await time.pass(3 * MINUTE)
    expect(content().leaf.cert).not.toBe('')
  })

  test('a Secret that cannot be changed can be deleted, the log says', async () => {
    await lead()
    cluster.fail(STORE, 'CLUSTER_INVALID', 'field is immutable when `immutable` is set')
    await time.pass(6 * HOUR + MINUTE)
    expect(
      said.filter(text => /delete Secret canaryhook\/certs, and a new one is made$/.test(text)),
    ).toHaveLength(1)
  })

  test('without a registration the Secret is made all the same, and what is missing is told once', async () => {
    await cluster.remove(
      { group: '', version: 'v1', plural: 'mutatingwebhookconfigurations', kind: '' },
      {
        namespace: '',
        name: CONFIGURATION,
      },
    )
    cluster.writes.length = 0
    await lead()
    await time.pass(5 * HOUR)
    expect(cluster.writes).toEqual([CREATE])
    expect(
      said.filter(text => /^certificates: there is no MutatingWebhookConfiguration/.test(text)),
    ).toHaveLength(1)
    register('')
    await time.pass(10)
    expect(registered()).toEqual([pem(content().authority)])
  })

  test('a clock that is far behind makes nothing, and says so once', async () => {
    const made = new Date(Date.UTC(2027, 0, 1)).toISOString()
    const metadata = { name: CONFIGURATION, creationTimestamp: made }
    const webhooks = [{ name: 'deployments.canaryhook.dev', clientConfig: {} }]
    cluster.put('mutatingwebhookconfigurations', { metadata, webhooks } as MutatingWebhookConfiguration)
    await lead()
    await time.pass(10 * HOUR)
    expect(cluster.writes).toEqual([])
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/^certificates: something was made at 2027-01-01.*Set the clock/)
  })
})
