/** The webhook's registration, changed for a while as an administrator may, and put back. */
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Resource } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { type ApiClient, Refusal } from './api-client.ts'
import type { Environment } from './environment.ts'

export interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks: readonly {
    readonly name: string
    readonly clientConfig: { readonly url?: string; readonly caBundle?: string }
    readonly [field: string]: unknown
  }[]
}

export const configurations: Resource<WebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
}

export const REGISTRATION = { namespace: '', name: 'zz-canaryhook' }

/**
 * Runs something while the webhook is not registered at all. The API server takes a moment to notice either
 * change of the registration; both are waited for.
 */
export async function withoutRegistration(admin: ApiClient, run: () => Promise<void>): Promise<void> {
  const configuration = await admin.get(configurations, REGISTRATION)
  await admin.remove(configurations, REGISTRATION)
  try {
    await eventually('a wrong annotation is accepted', async () => !(await isAsked(admin)))
    await run()
  } finally {
    const { name, labels } = configuration.metadata
    const metadata = { name, ...(labels && { labels }) }
    await admin.create(configurations, '', { ...configuration, metadata })
    await eventually('a wrong annotation is refused', () => isAsked(admin))
  }
}

/** Runs something that may take the registration away, and sees to it that a webhook runs and is asked afterwards. */
export async function keepingRegistration(environment: Environment, run: () => Promise<void>): Promise<void> {
  const admin = environment.as('admin')
  const { metadata, ...configuration } = await admin.get(configurations, REGISTRATION)
  try {
    await run()
  } finally {
    const { name, labels } = metadata
    await environment.webhook.start()
    await admin.remove(configurations, REGISTRATION).catch(() => {})
    await admin.create(configurations, '', {
      ...configuration,
      metadata: { name, ...(labels && { labels }) },
    })
    await eventually('a wrong annotation is refused', () => isAsked(admin))
  }
}

/** Whether a Deployment whose plan nobody can accept is denied. */
export async function isAsked(admin: ApiClient): Promise<boolean> {
  const labels = { app: 'probe' }
  const probe = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'probe', annotations: { 'canaryhook.dev/steps': 'wrong' } },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'probe', image: 'probe' }] } },
    },
  }
  const answer = await refusalOf(admin.create(deployments, 'default', probe, { dryRun: true }))
  return / denied the request: /.test(answer)
}

/** Runs something while the webhook's address is a server that takes every connection and never says a word. */
export async function withHangingWebhook(admin: ApiClient, run: () => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const { webhooks } = await admin.get(configurations, REGISTRATION)
  const hanging = webhooks.map(webhook => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, url: `https://127.0.0.1:${port}/mutate` },
  }))
  await admin.patch(configurations, REGISTRATION, 'merge', { webhooks: hanging })
  try {
    await run()
  } finally {
    await admin.patch(configurations, REGISTRATION, 'merge', { webhooks })
    await eventually('a wrong annotation is refused', () => isAsked(admin))
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
}

/** Asks again, since the API server takes a moment to notice a changed registration. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
    if (await check()) return
  }
  throw new Error(`${what}: not within 20 s`)
}

/** @returns what the API server said, or '' when it accepted */
export function refusalOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => '',
    (error: unknown) => {
      if (error instanceof Refusal) return error.message
      throw error
    },
  )
}
