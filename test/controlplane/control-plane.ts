/**
 * A real Kubernetes control plane on this machine: etcd, API server, controller manager and scheduler, with
 * RBAC and an audit log. Nodes and kubelets are played by kwok.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { type Api, apiOf } from './api.ts'
import type { Binaries } from './binaries.ts'
import { type Component, startComponent, startGuardian } from './component.ts'
import { type Account, developers, kubeconfigFor, makeTokens, tokenFile } from './users.ts'

export interface ControlPlane {
  readonly url: string
  readonly ca: string
  kubeconfig(user: 'admin' | 'alice' | 'bob'): string
  readonly api: Api
  /** The file that the API server writes its audit log to. */
  readonly auditLog: string
  /** Where its files are; it is removed with it. */
  readonly directory: string
  /** Rejects when one of its programs ends by itself. */
  readonly died: Promise<never>
  stop(): Promise<void>
}

export interface ControlPlaneOptions {
  /** The API server's; 0 takes a free one. */
  readonly port?: number
  /** How many nodes kwok plays. */
  readonly nodes?: number
}

const HERE = fileURLToPath(new URL('.', import.meta.url))
const BOOT_LIMIT = 90_000
/** Only those that anything here rests on: each costs watches and memory. */
const CONTROLLERS = [
  'deployment',
  'replicaset',
  'statefulset',
  'job',
  'cronjob',
  'endpointslice',
  'garbage-collector',
  'namespace',
  'resourcequota',
  'serviceaccount',
  'serviceaccount-token',
  'horizontal-pod-autoscaler',
  'disruption',
].map(name => `${name}-controller`)

/**
 * Boots it; resolves when it schedules pods. Nothing of it outlives this process, whatever ends that.
 * @throws when one of its programs ends, or it is not ready within 90 s, with what the program said
 */
export async function startControlPlane(
  binaries: Binaries,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-controlplane-'))
  const guardian = startGuardian(directory)
  const components: Component[] = []
  const start = (name: string, program: string, args: readonly string[]): Component => {
    const component = startComponent(name, program, args, join(directory, `${name}.log`), guardian)
    components.push(component)
    return component
  }
  const stop = async () => {
    // etcd last: the API server hangs without it. Nothing here is worth a polite end.
    for (const component of components.reverse()) await component.stop(component.name === 'etcd' ? 2000 : 500)
    guardian.dismiss()
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const [etcdPort, peerPort, apiPort] = await freePorts(3, options.port)
    const url = `https://127.0.0.1:${apiPort}`
    const tokens = makeTokens()
    const { ca, configs } = await writeFiles(directory, url, tokens)
    start('etcd', binaries.etcd, etcdArgs(directory, etcdPort, peerPort))
    start('kube-apiserver', binaries.apiServer, apiServerArgs(directory, etcdPort, apiPort))
    const api = apiOf(configs('admin'))
    const died = Promise.race(components.map(component => component.died))
    died.catch(() => {})
    const ready = () => api.request('GET', '/readyz').then(({ status }) => status === 200)
    await Promise.race([until('the API server is ready', ready), died])

    const config = (account: string) => join(directory, `${account}.kubeconfig`)
    start('kube-controller-manager', binaries.controllerManager, [
      `--kubeconfig=${config('system:kube-controller-manager')}`,
      `--controllers=${CONTROLLERS.join(',')}`,
      `--service-account-private-key-file=${join(directory, 'service-accounts.key')}`,
      '--use-service-account-credentials=true',
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
      '--leader-elect=false',
      '--secure-port=0',
    ])
    start('kube-scheduler', binaries.scheduler, [
      `--kubeconfig=${config('system:kube-scheduler')}`,
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
      '--leader-elect=false',
      '--secure-port=0',
    ])
    start('kwok', binaries.kwok, [
      `--kubeconfig=${config('kwok')}`,
      `--config=${join(HERE, 'kwok', 'nodes.yaml')},${join(HERE, 'kwok', 'pods.yaml')}`,
      '--manage-all-nodes',
      '--node-ip=127.0.0.1',
      '--node-lease-duration-seconds=0',
    ])
    const nodes = Array.from({ length: options.nodes ?? 3 }, (_, index) => node(`node-${index + 1}`))
    await api.apply([...nodes, developers([{ kind: 'Group', name: 'developers' }])])
    const someoneDied = Promise.race(components.map(component => component.died))
    someoneDied.catch(() => {})
    await Promise.race([until('nodes are ready and service accounts made', () => isUp(api)), someoneDied])
    return {
      url,
      ca,
      kubeconfig: configs,
      api,
      auditLog: join(directory, 'audit.log'),
      directory,
      died: someoneDied,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function etcdArgs(directory: string, port: number, peerPort: number): readonly string[] {
  const client = `http://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${peerPort}`
  return [
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // Nothing here has to survive a power cut.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

function apiServerArgs(directory: string, etcdPort: number, port: number): readonly string[] {
  const file = (name: string) => join(directory, name)
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${file('tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('service-accounts.pub')}`,
    `--service-account-signing-key-file=${file('service-accounts.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    // The Service kubernetes needs no endpoints here.
    '--endpoint-reconciler-type=none',
    // It would taint every new node as not ready, and the controller that takes the taint away does not run.
    '--disable-admission-plugins=TaintNodesByCondition',
    `--audit-policy-file=${join(HERE, 'audit-policy.yaml')}`,
    `--audit-log-path=${file('audit.log')}`,
    '--audit-log-maxsize=0',
  ]
}

async function writeFiles(directory: string, url: string, tokens: ReadonlyMap<Account, string>) {
  await mkdir(directory, { recursive: true })
  const write = (name: string, content: string) => writeFile(join(directory, name), content, { mode: 0o600 })
  const validity = { now: Date.now(), days: 365 }
  const authority = createAuthority('canaryhook test control plane', validity)
  const leaf = issueLeaf(
    authority,
    ['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default.svc'],
    validity,
  )
  await write('apiserver.crt', leaf.cert)
  await write('apiserver.key', leaf.key)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await write('service-accounts.key', privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())
  await write('service-accounts.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString())
  await write('tokens.csv', tokenFile(tokens))
  const configs = (account: Account) => kubeconfigFor(url, authority.cert, account, tokens.get(account) ?? '')
  for (const account of tokens.keys()) await write(`${account}.kubeconfig`, configs(account))
  return { ca: authority.cert, configs }
}

function node(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', type: 'kwok' },
    },
  }
}

/** Pods can be scheduled, and a namespace's account is made, without which none is admitted. */
async function isUp(api: Api): Promise<boolean> {
  const { body } = await api.request('GET', '/api/v1/nodes')
  const { items = [] } = body as {
    items?: { status?: { conditions?: { type: string; status: string }[] } }[]
  }
  const ready = items.every(({ status }) =>
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  )
  const account = await api.request('GET', '/api/v1/namespaces/default/serviceaccounts/default')
  return items.length > 0 && ready && account.status === 200
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + BOOT_LIMIT
  let problem: unknown
  while (Date.now() < deadline) {
    const done = await check().catch((error: unknown) => {
      problem = error
      return false
    })
    if (done) return
    await sleep(100)
  }
  throw new Error(`${what}: not within ${BOOT_LIMIT / 1000} s`, { cause: problem })
}

/** Ports that nobody listens on. @param last the one wanted for the last; 0 for any. @throws when it is taken */
async function freePorts(count: number, last = 0): Promise<[number, number, number]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const [index, server] of servers.entries()) {
    const wanted = index === count - 1 ? last : 0
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject)
      server.listen(wanted, '127.0.0.1', resolve)
    })
    const address = server.address()
    ports.push(typeof address === 'object' && address ? address.port : 0)
  }
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  const [etcd = 0, peer = 0, api = 0] = ports
  return [etcd, peer, api]
}
