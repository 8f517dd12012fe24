/**
 * A control plane of its own with the chart in it, whose containers run as processes of this machine: with exactly the
 * arguments that the chart gives them, and tokens of the accounts that it names. Nodes and other pods are kwok's.
 */
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { connect } from '../../src/cluster/connect.ts'
import type { Cluster } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import { CanaryhookProcess } from '../../src/sandbox/child-process.ts'
import { accessOf } from '../controlplane/access.ts'
import type { Api } from '../controlplane/api.ts'
import { findBinaries } from '../controlplane/binaries.ts'
import { startControlPlane } from '../controlplane/control-plane.ts'
import { tokenKubeconfig } from './account-token.ts'
import { CHART, Helm, type Rendered } from './helm.ts'
import { isOfAJob, type PlayedContainer, type PlayedPod, startPodPlayer } from './pod-player.ts'
import { type Container, podsOf } from './rendered.ts'

export const NAMESPACE = 'canaryhook'

export interface OwnCluster {
  readonly api: Api
  readonly helm: Helm
  /** File of an administrator's. */
  readonly kubeconfig: string
  readonly auditLog: string
  /** What the chart is installed with, as flags: its webhook is reached by URL, at a free port. */
  readonly values: readonly string[]
  /** Starts the containers of a Deployment that is in the cluster; they run until `stop`. */
  run(deployment: Rendered): Promise<void>
  stop(): Promise<void>
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const QUIET = pino({ level: 'silent' })

/** Boots it, without the chart: that is the test's. @param program Helm's path */
export async function startOwnCluster(program: string): Promise<OwnCluster> {
  const plane = await startControlPlane(await findBinaries(process.env, () => {}))
  const admin = plane.kubeconfig('admin')
  const kubeconfig = join(plane.directory, 'admin')
  await writeFile(kubeconfig, admin, { mode: 0o600 })
  const ca = join(plane.directory, 'ca.crt')
  await writeFile(ca, plane.ca)
  const helm = await Helm.open(program, admin)
  const cluster: Cluster = await connect(kubeconfig, { log: QUIET })
  const [webhookPort, controllerPort] = [await freePort(), await freePort()]
  const processes: CanaryhookProcess[] = []
  // As a kubelet would, when the pods go.
  const watching = cluster.watch(deployments, { namespace: NAMESPACE }, ({ object }) => {
    if (object.spec.replicas === 0) for (const child of processes) void child.kill()
  })
  const player = await startPodPlayer({
    cluster,
    kubeconfig: admin,
    plays: pod => isOfAJob(pod) || isTest(pod),
    commandOf: container => commandOf(container, ca, plane.url),
  })

  async function start({ name, args = [] }: Container, deployment: Rendered): Promise<void> {
    const [component = '', ...flags] = args
    const directory = join(plane.directory, 'certs')
    await mkdir(directory, { recursive: true })
    const own = flags.map(flag => (flag === '--certs=/certs' ? `--certs=${directory}` : flag))
    if (name === 'controller') {
      const account = podsOf(deployment)?.spec.serviceAccountName ?? ''
      const file = join(plane.directory, 'controller')
      const token = tokenKubeconfig(plane.api, accessOf(admin), { namespace: NAMESPACE, name: account })
      await writeFile(file, await token, { mode: 0o600 })
      own.push('--kubeconfig', file)
    }
    const child = new CanaryhookProcess(component, own, 'info', () => {})
    processes.push(child)
    await child.logged(name === 'controller' ? 'controller started' : 'webhook listening', 30_000)
  }

  return {
    api: plane.api,
    helm,
    kubeconfig,
    auditLog: plane.auditLog,
    values: [
      `webhook.url=https://127.0.0.1:${webhookPort}/mutate`,
      `webhook.port=${webhookPort}`,
      `controller.port=${controllerPort}`,
    ].flatMap(value => ['--set', value]),
    async run(deployment) {
      await Promise.all(
        (podsOf(deployment)?.spec.containers ?? []).map(container => start(container, deployment)),
      )
    },
    async stop() {
      watching.stop()
      await player.stop()
      await Promise.all(processes.map(child => child.kill()))
      await cluster.close()
      await helm.close()
      await plane.stop()
    },
  }
}

/** The image's entrypoint; or its node, with what a pod finds at fixed places put into the environment. */
function commandOf({ command, args = [] }: PlayedContainer, ca: string, url: string): readonly string[] {
  if (!command) return [process.execPath, MAIN, ...args]
  const script = [
    'sed -n "s/^ *token: //p" "$KUBECONFIG" > "$KUBECONFIG.token"',
    `export TOKEN_FILE="$KUBECONFIG.token" NODE_EXTRA_CA_CERTS="${ca}" API_SERVER="${url}"`,
    'exec "$@"',
  ].join('; ')
  return ['/bin/sh', '-c', script, 'pod', process.execPath, join(CHART, 'files', 'canary-test.mjs')]
}

function isTest({ metadata }: PlayedPod): boolean {
  return metadata.name.endsWith('-test')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
