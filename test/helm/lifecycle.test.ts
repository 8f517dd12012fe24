/** The chart on a cluster, from helm install to helm uninstall, its containers running as processes. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { requestsOf } from '../controlplane/audit.ts'
import { UNINSTALL, uninstallPermissions } from '../controlplane/install.ts'
import { type MaybeRole, missing, unused } from '../controlplane/permissions.ts'
import { ownControlPlane } from '../controlplane/planes.ts'
import { CHART, type Rendered } from './helm.ts'
import { NAMESPACE, type OwnCluster, startOwnCluster } from './own-cluster.ts'
import { at } from './rendered.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

const WHERE = ['--namespace', NAMESPACE]
const REGISTRATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-canaryhook'
const OWN = `/api/v1/namespaces/${NAMESPACE}`

/** A cluster that somebody brought along is not taken apart. */
const isForeign = ownControlPlane().auditLog === ''

let cluster: OwnCluster
let installed = ''
beforeAll(async () => {
  if (isForeign) return
  cluster = await startOwnCluster(inject('helm'))
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await cluster.api.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } as { name: string } },
  ])
  installed = await cluster.helm.done([
    ...['install', 'canaryhook', CHART, ...WHERE, ...cluster.values],
    ...['--wait', '--timeout', '60s'],
  ])
  await cluster.run((await get(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/canaryhook`)) as Rendered)
})
afterAll(() => cluster?.stop())
beforeEach(({ skip }) => {
  if (isForeign) skip('uninstalls the chart: needs a control plane of its own')
})

async function get(path: string): Promise<unknown> {
  return (await cluster.api.request('GET', path)).body
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('kubectl', ['--kubeconfig', cluster.kubeconfig, ...args])
  return stdout.trim()
}

/** What hooks say comes on standard error. */
async function succeeds(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.helm.run(args)
  expect(code, stderr).toBe(0)
  return stderr + stdout
}

/** kubectl with objects on its standard input. */
async function typed(args: readonly string[], items: readonly object[]): Promise<string> {
  const running = promisify(execFile)('kubectl', ['--kubeconfig', cluster.kubeconfig, ...args])
  running.child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  return (await running).stdout
}

/** A kind of somebody else's, of which only the name matters here. */
function crd(group: string, version: string, kind: string) {
  const singular = kind.toLowerCase()
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, singular, plural: `${singular}s`, listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  }
}

async function caBundle(): Promise<unknown> {
  return at(await get(REGISTRATION), 'webhooks.0.clientConfig.caBundle')
}

test('helm install makes two ready pods where pod security is restricted, and says the next two commands', async () => {
  expect(await get(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/canaryhook`)).toMatchObject({
    status: { replicas: 2, availableReplicas: 2 },
  })
  expect(installed).toContain('     helm test canaryhook --namespace canaryhook\n')
  expect(installed).toContain(
    "     kubectl annotate deployment NAME canaryhook.dev/steps='10% for 5m, 50% for 10m'\n",
  )
})

test('the controller makes the certificate that the webhook serves with, and has the API server trust it', async () => {
  await vi.waitFor(async () => expect(await caBundle()).toMatch(/^LS0t/), 30_000)
  const secret = await get(`${OWN}/secrets/canaryhook-certificates`)
  expect(Object.keys(at(secret, 'data') as object)).toContain('tls.crt')
  await kubectl('create', 'deployment', 'wrong', '--image=shop:v1')
  // Only a webhook that is reached and trusted says this.
  await vi.waitFor(
    () =>
      expect(kubectl('annotate', 'deployment', 'wrong', 'canaryhook.dev/steps=nonsense')).rejects.toThrow(
        /admission webhook "deployments.canaryhook.dev" denied the request: Deployment default\/wrong was not stored/,
      ),
    30_000,
  )
  await kubectl('delete', 'deployment', 'wrong')
})

test('helm test lets a Deployment have a canary release, says what it saw, and leaves nothing', async () => {
  const said = await succeeds(['test', 'canaryhook', ...WHERE, '--timeout', '90s'])
  expect(said).toContain('Changed its template: the webhook paused it and a release is pending.')
  expect(said).toContain('The new version is rolled out, the canary is gone. Canaryhook works.')
  expect(await kubectl('get', 'namespaces', '--output', 'name')).not.toContain('canaryhook-test')
  expect(await kubectl('get', 'pods,configmaps,serviceaccounts', ...WHERE, '--output', 'name')).not.toContain(
    'test',
  )
})

test('a second Canaryhook in the cluster is refused, with the name of the first', async () => {
  const { code, stderr } = await cluster.helm.run(['install', 'other', CHART, '--namespace', 'default'])
  expect(stderr).toContain(
    'Canaryhook is in this cluster already: MutatingWebhookConfiguration zz-canaryhook.',
  )
  expect(code).toBe(1)
})

test.each([
  ['server-side', ['--server-side=true'], 7],
  ['client-side', ['--server-side=false'], 9],
])('helm upgrade (%s apply) leaves the caBundle that the controller wrote', async (_way, flags, timeout) => {
  const before = await caBundle()
  await cluster.helm.done([
    ...['upgrade', 'canaryhook', CHART, ...WHERE, ...cluster.values, ...flags],
    ...['--set', `webhook.timeoutSeconds=${timeout}`],
  ])
  expect(at(await get(REGISTRATION), 'webhooks.0.timeoutSeconds')).toBe(timeout)
  expect(before).toMatch(/^LS0t/)
  expect(await caBundle()).toBe(before)
})

describe('the API server takes every object, also with', () => {
  const others = [
    crd('cert-manager.io', 'v1', 'Issuer'),
    crd('cert-manager.io', 'v1', 'Certificate'),
    crd('monitoring.coreos.com', 'v1', 'ServiceMonitor'),
  ]
  beforeAll(async () => {
    if (isForeign) return
    const names = others.map(({ metadata }) => `customresourcedefinition/${metadata.name}`)
    await typed(['create', '--filename', '-'], others)
    await kubectl('create', 'namespace', 'other')
    await kubectl('wait', ...names, '--for=condition=Established', '--timeout=30s')
  })

  test.each<readonly [string, readonly string[]]>([
    ['cert-manager', ['certificates.mode=cert-manager']],
    ['network policy and service monitor', ['networkPolicy.enabled=true', 'serviceMonitor.enabled=true']],
    [
      'the network of the nodes and other ports',
      ['hostNetwork=true', 'webhook.port=9443', 'controller.port=9090'],
    ],
    [
      'another budget and no spread',
      ['podDisruptionBudget.minAvailable=50%', 'topologySpreadConstraints=[]'],
    ],
    [
      'an issuer of its own',
      ['certificates.mode=cert-manager', 'certificates.certManager.issuerRef={"name":"corp"}'],
    ],
    ['selected namespaces', ['webhook.namespaceSelector={"matchLabels":{"canary":"yes"}}']],
  ])('%s', async (_what, values) => {
    const flags = values.map(value => (/[[{]/.test(value) ? ['--set-json', value] : ['--set', value]))
    const objects = await cluster.helm.rendered(['--no-hooks', ...flags.flat()], 'other')
    const said = await typed(['create', '--dry-run=server', '--validate=strict', '--filename', '-'], objects)
    expect(said.trim().split('\n')).toHaveLength(objects.length)
  })
})

test('no request was refused to the accounts of the chart', async () => {
  for (const account of ['canaryhook', 'canaryhook-test']) {
    const requests = await requestsOf(`system:serviceaccount:${NAMESPACE}:${account}`, cluster.auditLog)
    expect(requests.length).toBeGreaterThan(5)
    expect(missing(requests)).toEqual([])
  }
})

test('helm uninstall ends the release that runs, prints what it did, and leaves nothing of ours', async () => {
  await kubectl('create', 'deployment', 'shop', '--image=shop:v1', '--replicas=3')
  await kubectl('rollout', 'status', 'deployment/shop', '--timeout=20s')
  await kubectl('annotate', 'deployment', 'shop', 'canaryhook.dev/steps=33% for 1h')
  await kubectl('set', 'image', 'deployment/shop', 'shop=shop:v2')
  await kubectl('wait', 'deployment/shop-canary', '--for=create', '--timeout=20s')
  const said = await succeeds(['uninstall', 'canaryhook', ...WHERE, '--timeout', '90s'])
  expect(said).toMatch(/default\/shop/)
  const shop = await get('/apis/apps/v1/namespaces/default/deployments/shop')
  expect(at(shop, 'spec.paused')).toBeUndefined()
  expect(at(shop, 'spec.template.spec.containers.0.image')).toBe('shop:v1')
  expect(await kubectl('get', 'deployments', '--all-namespaces', '--output', 'name')).toBe(
    'deployment.apps/shop',
  )
  const ours = 'deployments,jobs,secrets,leases,services,poddisruptionbudgets,roles,rolebindings'
  expect(await kubectl('get', ours, ...WHERE, '--output', 'name')).toBe('')
  const everywhere = await kubectl(
    'get',
    'clusterroles,clusterrolebindings,mutatingwebhookconfigurations',
    '--output',
    'name',
  )
  expect(everywhere).not.toContain('canaryhook')
  const requests = await requestsOf(UNINSTALL, cluster.auditLog)
  expect(missing(requests)).toEqual([])
  // The Lease is taken only where no controller leads: test/scenarios/uninstall.test.ts.
  const idle = unused((await uninstallPermissions()) as readonly MaybeRole[], requests)
  expect(idle.filter(sentence => !sentence.includes(' leases.'))).toEqual([])
})
