/** Two controllers over one cluster in memory, each with the files of its own pod; one of them leads. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { secrets } from '../../../src/cluster/resources.ts'
import { type Certificates, startCertificates } from '../../../src/controller/certificates/certificates.ts'
import type { MutatingWebhookConfiguration } from '../../../src/core/kubernetes.ts'
import { MemoryCluster } from '../memory-cluster.ts'

const SECRET = { namespace: 'canaryhook', name: 'certs' }
const TICK = { interval: 10, timeout: 5_000 }

let cluster: MemoryCluster
let parent: string
let started: Certificates[]

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'canaryhook-pods-'))
  started = []
  cluster = new MemoryCluster()
  const webhooks = [{ name: 'deployments.canaryhook.dev', clientConfig: {} }]
  const configuration: MutatingWebhookConfiguration = { metadata: { name: 'zz-canaryhook' }, webhooks }
  cluster.put('mutatingwebhookconfigurations', configuration)
})

afterEach(async () => {
  await Promise.all(started.map(certificates => certificates.stop()))
  await rm(parent, { recursive: true })
})

function start(pod: string): Certificates {
  const certificates = startCertificates({
    cluster,
    directory: join(parent, pod),
    secret: SECRET,
    configuration: 'zz-canaryhook',
    names: ['localhost'],
    log: pino({ level: 'silent' }),
  })
  started.push(certificates)
  return certificates
}

const certOf = (pod: string) => readFile(join(parent, pod, 'tls.crt'), 'utf8').catch(() => '')

test('the leader makes certificates, and every pod gets its files', async () => {
  const leader = start('one')
  start('two')
  expect(cluster.writes).toEqual([])
  leader.lead(cluster, undefined)
  await vi.waitFor(async () => expect(await certOf('one')).toContain('BEGIN CERTIFICATE'), TICK)
  await vi.waitFor(async () => expect(await certOf('two')).toBe(await certOf('one')), TICK)
  expect(cluster.writes).toHaveLength(2)
})

test('a pod that comes later has them without any write', async () => {
  start('one').lead(cluster, undefined)
  await vi.waitFor(async () => expect(await certOf('one')).not.toBe(''), TICK)
  start('two')
  await vi.waitFor(async () => expect(await certOf('two')).toBe(await certOf('one')), TICK)
  expect(cluster.writes).toHaveLength(2)
})

test('when the term is over, another one goes on', async () => {
  const term = new AbortController()
  const [one, two] = [start('one'), start('two')]
  one.lead(cluster, term)
  await vi.waitFor(async () => expect(await certOf('two')).not.toBe(''), TICK)
  term.abort()
  await cluster.remove(secrets, SECRET)
  const before = cluster.writes.length
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(cluster.writes).toHaveLength(before)
  two.lead(cluster, undefined)
  await vi.waitFor(() => expect(cluster.get('secrets', SECRET.name)).toBeDefined(), TICK)
})

test('a metric tells when the certificate of this pod ends', async () => {
  const register = new Registry()
  const certificates = start('one')
  certificates.measure(register)
  const seconds = async () =>
    (await register.getSingleMetric('canaryhook_certificate_end_seconds')?.get())?.values[0]?.value
  expect(await seconds()).toBe(0)
  certificates.lead(cluster, undefined)
  const inNinetyDays = Date.now() / 1000 + 90 * 24 * 60 * 60
  await vi.waitFor(async () => expect(await seconds()).toBeGreaterThan(inNinetyDays - 120), TICK)
  expect(await seconds()).toBeLessThanOrEqual(inNinetyDays)
})
