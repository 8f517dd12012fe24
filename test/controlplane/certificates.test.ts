/** Certificates are renewed, and webhooks replaced, under applies that never stop; not one of them fails. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readContent } from '../../src/certs/content.ts'
import { secrets } from '../../src/cluster/resources.ts'
import { ApiClient } from '../scenarios/api-client.ts'
import {
  configurations,
  eventually,
  REGISTRATION,
  refusalOf,
  type WebhookConfiguration,
} from '../scenarios/registration.ts'
import { apiOf } from './api.ts'
import { ApplyStream } from './apply-stream.ts'
import { Balancer } from './balancer.ts'
import { removeRegistration } from './install.ts'
import { ownControlPlane } from './planes.ts'
import { Pod } from './webhook-pod.ts'

const { kubeconfigs } = ownControlPlane()
const CONFIGURATION = new URL('../../webhook-config/mutatingwebhookconfiguration.yaml', import.meta.url)
const SECRET = { namespace: 'canaryhook', name: 'canaryhook-certificates' }
const NAMESPACE = 'canaryhook-certificates-test'
/** A leaf every 6 seconds, an authority every 19: what is due has 3 seconds left, also on a busy machine. */
const TIMING = [9_000, 27_000, 1_000] as const

const admin = new ApiClient(kubeconfigs.admin)
let balancer: Balancer
let pods: readonly Pod[]

beforeAll(async () => {
  const api = apiOf(kubeconfigs.admin)
  await removeRegistration(api)
  await removeSecret()
  const metadata = { name: NAMESPACE }
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata }])
  balancer = await Balancer.start()
  const options = { kubeconfig: kubeconfigs.controller, timing: TIMING, linger: 3 }
  // The second one is late, by nearly as much as an authority is given to settle.
  const looks = [100, 900]
  pods = await Promise.all(looks.map(reloadEvery => Pod.start({ ...options, reloadEvery })))
  await admin.create(configurations, '', await configuration(balancer.port))
  await Promise.all(pods.map(pod => pod.ready()))
  for (const { port } of pods) balancer.add(port)
  await eventually('an apply is judged', async () => {
    const stream = new ApplyStream(kubeconfigs.alice, NAMESPACE)
    await sleep(500)
    const { denied, failures } = await stream.stop()
    return denied > 0 && failures.length === 0
  })
}, 90_000)

afterAll(async () => {
  await Promise.all((pods ?? []).map(pod => pod.end()))
  await balancer?.stop()
  await removeRegistration(apiOf(kubeconfigs.admin))
  await removeSecret()
  await apiOf(kubeconfigs.admin).request('DELETE', `/api/v1/namespaces/${NAMESPACE}`)
  admin.close()
})

/** As it is installed, but by the balancer's URL; whom to trust is not said. */
async function configuration(port: number): Promise<WebhookConfiguration> {
  const installed = parse(await readFile(CONFIGURATION, 'utf8')) as WebhookConfiguration
  const clientConfig = { url: `https://127.0.0.1:${port}/mutate` }
  return { ...installed, webhooks: installed.webhooks.map(webhook => ({ ...webhook, clientConfig })) }
}

async function removeSecret(): Promise<void> {
  const answer = await refusalOf(admin.remove(secrets, SECRET))
  if (answer !== '' && !answer.includes('not found')) throw new Error(answer)
}

/** The certificates that were in use one after the other, by fingerprint. */
class Rotations {
  readonly leaves = new Set<string>()
  readonly authorities = new Set<string>()
  /** At most in the registration at once. */
  trustedAtOnce = 0

  async look(): Promise<void> {
    const { leaf, authority } = readContent((await admin.get(secrets, SECRET)).data)
    this.leaves.add(new X509Certificate(leaf.cert).fingerprint256)
    this.authorities.add(new X509Certificate(authority.cert).fingerprint256)
    const { webhooks } = await admin.get(configurations, REGISTRATION)
    const bundle = Buffer.from(webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString()
    this.trustedAtOnce = Math.max(this.trustedAtOnce, bundle.split('BEGIN CERTIFICATE').length - 1)
  }
}

function said(pod: Pod, message: RegExp): readonly string[] {
  return pod.logs.map(({ msg }) => msg).filter(msg => message.test(msg))
}

test('the webhook that is there first waits for its certificate, and says so once', () => {
  for (const pod of pods) {
    const [first, ...more] = said(pod, /^waiting for certificates: /)
    expect(first).toMatch(/tls\.crt.*tls\.key.* expected tls\.crt and tls\.key/)
    expect(more).toEqual([])
  }
})

describe('under applies that never stop', () => {
  test('20 rotations, 5 of them of the authority: no apply fails', async () => {
    const rotations = new Rotations()
    await rotations.look()
    const before = total(balancer.connections)
    const stream = new ApplyStream(kubeconfigs.alice, NAMESPACE)
    const deadline = Date.now() + 180_000
    while (rotations.leaves.size <= 20 || rotations.authorities.size <= 5) {
      if (Date.now() > deadline) break
      await sleep(200)
      await rotations.look()
    }
    const { failures, applied, tried, denied } = await stream.stop()
    expect(failures).toEqual([])
    expect(rotations.leaves.size).toBeGreaterThan(20)
    expect(rotations.authorities.size).toBeGreaterThan(5)
    expect(rotations.trustedAtOnce).toBeLessThanOrEqual(3)
    expect(applied).toBeGreaterThan(300)
    expect(tried).toBeGreaterThan(1_000)
    expect(denied).toBeGreaterThan(50)
    expect(total(balancer.connections) - before).toBeGreaterThan(100)
    for (const pod of pods) {
      // Two that come right after one another may be taken as one.
      expect(said(pod, /^certificate reloaded$/).length).toBeGreaterThanOrEqual(12)
      expect(said(pod, /not taken|cannot be written/)).toEqual([])
    }
    // Only who leads renews.
    const renewing = pods.filter(pod => said(pod, /^renewed the certificate/).length > 0)
    expect(renewing).toHaveLength(1)
  }, 220_000)

  test('two webhooks behind one address are replaced one after the other, twice: no apply fails', async () => {
    const stream = new ApplyStream(kubeconfigs.alice, NAMESPACE)
    const ports: number[] = []
    for (const pod of [...pods, ...pods]) {
      const { port } = pod
      const stopped = pod.stopWebhook()
      // A Service hears a while later that a pod is going.
      await sleep(1_000)
      balancer.remove(port)
      await stopped
      await pod.restartWebhook()
      balancer.add(pod.port)
      ports.push(pod.port)
      await eventually('the new one is asked', async () => (balancer.connections.get(pod.port) ?? 0) > 0)
    }
    const { failures, applied, tried, denied } = await stream.stop()
    expect(failures).toEqual([])
    expect(applied).toBeGreaterThan(100)
    expect(tried).toBeGreaterThan(300)
    expect(denied).toBeGreaterThan(20)
    expect(new Set(ports).size).toBe(4)
  }, 120_000)
})

function total(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
