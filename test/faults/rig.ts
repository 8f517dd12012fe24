/**
 * What schedules run on: a sandbox, the webhook registered with it and served from this process, and the real
 * client. The webhook's mood is set for each namespace.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { parse } from 'yaml'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { connect } from '../../src/cluster/connect.ts'
import type { Cluster } from '../../src/cluster/port.ts'
import { admit } from '../../src/core/admission/admit.ts'
import { CONTROLLER_USERNAME } from '../../src/sandbox/api/users.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { startWebhook } from '../../src/webhook/server.ts'
import { sharedWatches } from './shared-watches.ts'

/** `down`: it cannot answer, and the API server fails closed; `refuses`: it denies whatever it is asked. */
export type Mood = 'works' | 'down' | 'refuses'

export interface Rig {
  readonly sandbox: Sandbox
  /** The cluster as the controller's user sees it, without faults. Namespaces share its watches. */
  readonly cluster: Cluster
  setWebhook(namespace: string, mood: Mood): void
  stop(): Promise<void>
}

const CONFIGURATION = new URL('../../webhook-config/mutatingwebhookconfiguration.yaml', import.meta.url)
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'

export async function startRig(): Promise<Rig> {
  const log = pino({ level: 'silent' })
  const sandbox = await startSandbox()
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-faults-'))
  const validity = { now: Date.now(), days: 2 }
  const authority = createAuthority('canaryhook webhook', validity)
  const leaf = issueLeaf(authority, ['localhost', '127.0.0.1'], validity)
  await writeFile(join(directory, 'tls.crt'), leaf.cert)
  await writeFile(join(directory, 'tls.key'), leaf.key, { mode: 0o600 })
  await writeFile(join(directory, 'kubeconfig'), sandbox.kubeconfig('controller'), { mode: 0o600 })

  const moods = new Map<string, Mood>()
  const webhook = await startWebhook({
    port: 0,
    certsDirectory: directory,
    log,
    admit: request => {
      const mood = moods.get(request.namespace ?? '') ?? 'works'
      if (mood === 'down') throw new Error('the webhook is down (injected)')
      if (mood === 'refuses') return { allowed: false, message: 'not now (injected)', warnings: [] }
      return admit(request, { controllerUser: CONTROLLER_USERNAME })
    },
  })
  await register(sandbox, `https://127.0.0.1:${webhook.port}/mutate`, authority.cert)
  const cluster = await connect(join(directory, 'kubeconfig'), { log })
  return {
    sandbox,
    cluster: sharedWatches(cluster),
    setWebhook: (namespace, mood) => void moods.set(namespace, mood),
    async stop() {
      await cluster.close()
      await webhook.stop()
      await sandbox.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** As an install does, but by URL. */
async function register(sandbox: Sandbox, url: string, caCertificate: string): Promise<void> {
  const configuration = parse(await readFile(CONFIGURATION, 'utf8')) as { webhooks: readonly object[] }
  const clientConfig = { url, caBundle: Buffer.from(caCertificate).toString('base64') }
  const webhooks = configuration.webhooks.map(webhook => ({ ...webhook, clientConfig }))
  const body = { ...configuration, webhooks }
  const answer = await sandbox.request('admin', 'POST', CONFIGURATIONS, { body })
  if (answer.status !== 201) throw new Error(`the webhook was not registered: ${JSON.stringify(answer.body)}`)
}
