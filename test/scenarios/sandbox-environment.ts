/** The environment of scenarios made of the sandbox, with webhook and controller as processes of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { connect } from '../../src/cluster/connect.ts'
import type { Resource } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { CONTROLLER_USERNAME } from '../../src/sandbox/api/users.ts'
import { type Canaryhook, hostOf, startCanaryhook } from '../../src/sandbox/processes.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { ApiClient } from './api-client.ts'
import { type Controller, type Environment, type Traffic, type User, writesAmong } from './environment.ts'
import { runKubectl } from './kubectl.ts'

const USERS = ['admin', 'controller', 'alice', 'bob'] as const

const namespaces: Resource<KubernetesObject> = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
}

/** Starts everything; resolves when an apply would be intercepted. */
export async function startSandboxEnvironment(): Promise<Environment> {
  const sandbox = await startSandbox()
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-scenarios-'))
  const kubeconfig = (user: User) => join(directory, user)
  for (const user of USERS) await writeFile(kubeconfig(user), sandbox.kubeconfig(user), { mode: 0o600 })
  const canaryhook = await startCanaryhook(hostOf(sandbox))
  const cluster = await connect(kubeconfig('admin'), { log: pino({ level: 'silent' }) })
  const clients = new Map(USERS.map(user => [user, new ApiClient(sandbox.kubeconfig(user))]))
  let namespaceCount = 0

  const as = (user: User): ApiClient => {
    const client = clients.get(user)
    if (!client) throw new Error(`no user ${user}`)
    return client
  }
  const requestsOf = (user: User) =>
    sandbox.requests.list({ user: user === 'controller' ? CONTROLLER_USERNAME : user })
  return {
    as,
    cluster,
    async namespace() {
      const name = `scenario-${++namespaceCount}`
      await as('admin').create(namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      return name
    },
    kubectl: (namespace, args, { stdin, user = 'admin' } = {}) => {
      const where = ['--kubeconfig', kubeconfig(user), '--cache-dir', join(directory, 'cache')]
      return runKubectl([...where, '--namespace', namespace, ...args], stdin)
    },
    traffic: (namespace, service, requests) => sendRequests(sandbox, namespace, service, requests),
    controller: controllerOf(sandbox, canaryhook),
    webhook: { stop: () => canaryhook.stopWebhook(), start: () => canaryhook.startWebhook() },
    requestsOf,
    reviews: () => countReviews(canaryhook),
    logs: namespace =>
      canaryhook.logs.filter(
        line => line.namespace === namespace || String(line.key).startsWith(`${namespace}/`),
      ),
    async stop() {
      for (const client of clients.values()) client.close()
      await cluster.close()
      await canaryhook.stop()
      await sandbox.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function controllerOf(sandbox: Sandbox, canaryhook: Canaryhook): Controller {
  return {
    kill: () => canaryhook.killController(),
    start: () => canaryhook.startController(),
    killAfterWrites(namespace, count) {
      const log = sandbox.requests
      const add = log.add
      const { promise: dead, resolve, reject } = Promise.withResolvers<void>()
      let sprung = false
      log.add = request => {
        add.call(log, request)
        const made = writesAmong(log.list({ user: CONTROLLER_USERNAME }), namespace).length
        if (made < count) return
        log.add = add
        sprung = true
        canaryhook.killController().then(resolve, reject)
      }
      return {
        dead,
        async disarm() {
          log.add = add
          if (sprung) await dead
          return sprung
        },
      }
    },
  }
}

/** Ten at a time, as ten users would. */
async function sendRequests(
  sandbox: Sandbox,
  namespace: string,
  service: string,
  requests: number,
): Promise<Traffic> {
  const byVersion: Record<string, number> = {}
  let errors = 0
  let sent = 0
  const user = async () => {
    while (sent < requests) {
      sent += 1
      const answer = await sandbox.fetch(namespace, service, 80).catch(() => undefined)
      if (!answer || answer.status >= 400) errors += 1
      const version = answer?.headers['x-version']
      if (version) byVersion[version] = (byVersion[version] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 10 }, user))
  return { requests, errors, byVersion }
}

/** The webhook's own count, which does not know namespaces. */
function countReviews(canaryhook: Canaryhook): Promise<number> {
  const options = { port: canaryhook.webhook.port, path: '/metrics', rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', ...options }, response => {
      text(response).then(metrics => {
        const counts = [...metrics.matchAll(/^canaryhook_admissions_total\S* (\d+)$/gm)]
        resolve(counts.reduce((sum, [, count]) => sum + Number(count), 0))
      }, reject)
    })
    request.on('error', reject)
  })
}
