/** The environment of scenarios made of the sandbox, with webhook and controller as processes of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { connect } from '../../src/cluster/connect.ts'
import { CONTROLLER_USERNAME } from '../../src/sandbox/api/users.ts'
import { hostOf, startCanaryhook } from '../../src/sandbox/processes.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { ApiClient } from './api-client.ts'
import type { Environment, Traffic, User } from './environment.ts'
import { startGate } from './gate.ts'
import { namespaces } from './kinds.ts'
import { runKubectl } from './kubectl.ts'
import { countReviews } from './reviews.ts'
import { setTrap } from './trap.ts'

const USERS = ['admin', 'controller', 'alice', 'bob'] as const

/** Starts everything; resolves when an apply would be intercepted. */
export async function startSandboxEnvironment(): Promise<Environment> {
  const sandbox = await startSandbox()
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-scenarios-'))
  const kubeconfig = (user: User) => join(directory, user)
  for (const user of USERS) await writeFile(kubeconfig(user), sandbox.kubeconfig(user), { mode: 0o600 })
  const gate = await startGate(sandbox.kubeconfig('controller'))
  const canaryhook = await startCanaryhook({ ...hostOf(sandbox), controllerKubeconfig: gate.kubeconfig })
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
  const kill = () => canaryhook.killController()
  return {
    kind: 'sandbox',
    as,
    cluster,
    async namespace() {
      const name = `scenario-${++namespaceCount}`
      await as('admin').create(namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      return name
    },
    kubectl: (namespace, args, { stdin, editor, user = 'admin' } = {}) => {
      const where = ['--kubeconfig', kubeconfig(user), '--cache-dir', join(directory, 'cache')]
      return runKubectl([...where, '--namespace', namespace, ...args], stdin, editor)
    },
    traffic: (namespace, service, requests) => sendRequests(sandbox, namespace, service, requests),
    controller: {
      kill,
      start: () => canaryhook.startController(),
      killAt: points => setTrap(gate, kill, points),
    },
    controllerKubeconfig: sandbox.kubeconfig('controller'),
    // Anybody but the controller: the webhook knows that one.
    uninstallKubeconfig: async () => sandbox.kubeconfig('bob'),
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
      await gate.stop()
      await sandbox.stop()
      await rm(directory, { recursive: true, force: true })
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
