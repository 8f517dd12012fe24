/** The environment of scenarios on a real control plane, which one run of vitest shares. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { connect } from '../../src/cluster/connect.ts'
import { startCanaryhook } from '../../src/sandbox/processes.ts'
import { apiOf } from '../controlplane/api.ts'
import { CONTROLLER, removeRegistration } from '../controlplane/install.ts'
import { ownControlPlane } from '../controlplane/planes.ts'
import { uninstallAccount } from '../controlplane/uninstall-account.ts'
import { ApiClient } from './api-client.ts'
import { shareOf } from './endpoints.ts'
import type { Environment, User } from './environment.ts'
import { startGate } from './gate.ts'
import { namespaces } from './kinds.ts'
import { runKubectl } from './kubectl.ts'
import { countReviews } from './reviews.ts'
import { setTrap } from './trap.ts'

const USERS = ['admin', 'controller', 'alice', 'bob'] as const

/** Starts Canaryhook's processes beside the control plane; resolves when an apply would be intercepted. */
export async function startControlPlaneEnvironment(): Promise<Environment> {
  const { kubeconfigs } = ownControlPlane()
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-scenarios-'))
  const kubeconfig = (user: User) => join(directory, user)
  for (const user of USERS) await writeFile(kubeconfig(user), kubeconfigs[user], { mode: 0o600 })
  const api = apiOf(kubeconfigs.admin)
  const gate = await startGate(kubeconfigs.controller)
  await removeRegistration(api)
  const canaryhook = await startCanaryhook({
    controllerKubeconfig: gate.kubeconfig,
    controllerUser: CONTROLLER,
    request: (method, path, body) => api.request(method, path, body),
  })
  const cluster = await connect(kubeconfig('admin'), { log: pino({ level: 'silent' }) })
  const clients = new Map(USERS.map(user => [user, new ApiClient(kubeconfigs[user])]))
  const prefix = `scenario-${randomBytes(3).toString('hex')}`
  let namespaceCount = 0

  const as = (user: User): ApiClient => {
    const client = clients.get(user)
    if (!client) throw new Error(`no user ${user}`)
    return client
  }
  const kill = () => canaryhook.killController()
  return {
    kind: 'controlplane',
    as,
    cluster,
    async namespace() {
      const name = `${prefix}-${++namespaceCount}`
      await as('admin').create(namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      return name
    },
    kubectl: (namespace, args, { stdin, editor, user = 'admin' } = {}) => {
      const where = ['--kubeconfig', kubeconfig(user), '--cache-dir', join(directory, 'cache')]
      return runKubectl([...where, '--namespace', namespace, ...args], stdin, editor)
    },
    traffic: (namespace, service, requests) => shareOf(as('admin'), namespace, service, requests),
    controller: {
      kill,
      start: () => canaryhook.startController(),
      killAt: points => setTrap(gate, kill, points),
    },
    controllerKubeconfig: kubeconfigs.controller,
    uninstallKubeconfig: () => uninstallAccount(api, kubeconfigs.admin),
    webhook: { stop: () => canaryhook.stopWebhook(), start: () => canaryhook.startWebhook() },
    requestsOf: user => {
      if (user !== 'controller')
        throw new Error(`only the controller's requests are known, not those of ${user}`)
      return gate.requests
    },
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
      await removeRegistration(api)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
