/** Every value of the chart reaches the place that it is about. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { CHART, Helm, type Rendered } from './helm.ts'
import { at, oneOf, podsOf } from './rendered.ts'

let helm: Helm
beforeAll(async () => {
  helm = await Helm.open(inject('helm'))
})
afterAll(() => helm.close())

type Place = (objects: readonly Rendered[]) => unknown

const deployment: (path: string) => Place = path => objects => at(oneOf(objects, 'Deployment'), path)
const pod = (path: string) => deployment(`spec.template.${path}`)
const spec = (path: string) => pod(`spec.${path}`)
const registration =
  (path: string): Place =>
  objects =>
    at(oneOf(objects, 'MutatingWebhookConfiguration'), path)
const object =
  (kind: string, path: string, name?: string): Place =>
  objects =>
    at(oneOf(objects, kind, name), path)
const argument =
  (container: number, name: string): Place =>
  objects =>
    podsOf(oneOf(objects, 'Deployment'))
      ?.spec.containers[container]?.args?.filter(text => text.startsWith(`--${name}=`))
      .map(text => text.slice(name.length + 3))
const uninstallJob = (path: string) => object('Job', path)
const testPod = (path: string) => object('Pod', path)

/** The value, what it is set to (JSON), where it is looked for, and what is to be there. */
const ROWS: readonly (readonly [string, unknown, Place, unknown])[] = [
  ['nameOverride', 'other', registration('metadata.name'), 'zz-canaryhook-other'],
  ['fullnameOverride', 'hook', registration('metadata.name'), 'zz-hook'],
  ['commonLabels', { team: 'a' }, deployment('metadata.labels.team'), 'a'],
  ['commonLabels', { team: 'a' }, pod('metadata.labels.team'), 'a'],
  ['image.repository', 'r.example/c', spec('containers.0.image'), 'r.example/c:0.1.0'],
  [
    'image.repository',
    'r.example/c',
    uninstallJob('spec.template.spec.containers.0.image'),
    'r.example/c:0.1.0',
  ],
  ['image.tag', '9', spec('containers.1.image'), 'docker.io/canaryhook/canaryhook:9'],
  ['image.digest', digest(), spec('containers.0.image'), `docker.io/canaryhook/canaryhook@${digest()}`],
  ['image.pullPolicy', 'Always', spec('containers.0.imagePullPolicy'), 'Always'],
  ['imagePullSecrets', [{ name: 'mine' }], spec('imagePullSecrets.0.name'), 'mine'],
  ['imagePullSecrets', [{ name: 'mine' }], testPod('spec.imagePullSecrets.0.name'), 'mine'],
  ['replicaCount', 5, deployment('spec.replicas'), 5],
  ['priorityClassName', 'high', spec('priorityClassName'), 'high'],
  ['topologySpreadConstraints', [], spec('topologySpreadConstraints'), undefined],
  ['topologySpreadConstraints', [spread()], spec('topologySpreadConstraints'), [spread()]],
  ['nodeSelector', { pool: 'a' }, spec('nodeSelector.pool'), 'a'],
  ['nodeSelector', { pool: 'a' }, uninstallJob('spec.template.spec.nodeSelector.pool'), 'a'],
  ['tolerations', [{ operator: 'Exists' }], spec('tolerations'), [{ operator: 'Exists' }]],
  ['affinity', { nodeAffinity: {} }, spec('affinity'), { nodeAffinity: {} }],
  ['podAnnotations', { a: 'b' }, pod('metadata.annotations.a'), 'b'],
  ['podLabels', { a: 'b' }, pod('metadata.labels.a'), 'b'],
  ['deploymentAnnotations', { a: 'b' }, deployment('metadata.annotations.a'), 'b'],
  ['hostNetwork', true, spec('hostNetwork'), true],
  ['hostNetwork', true, spec('dnsPolicy'), 'ClusterFirstWithHostNet'],
  ['podDisruptionBudget.enabled', false, kinds('PodDisruptionBudget'), 0],
  ['podDisruptionBudget.maxUnavailable', '50%', object('PodDisruptionBudget', 'spec.maxUnavailable'), '50%'],
  ['podDisruptionBudget.minAvailable', 1, object('PodDisruptionBudget', 'spec.minAvailable'), 1],
  ['podDisruptionBudget.minAvailable', 1, object('PodDisruptionBudget', 'spec.maxUnavailable'), undefined],
  ['webhook.failurePolicy', 'Ignore', registration('webhooks.0.failurePolicy'), 'Ignore'],
  ['webhook.timeoutSeconds', 9, registration('webhooks.0.timeoutSeconds'), 9],
  [
    'webhook.namespaceSelector',
    { matchLabels: { canary: 'yes' } },
    registration('webhooks.0.namespaceSelector.matchLabels'),
    { canary: 'yes' },
  ],
  [
    'webhook.namespaceSelector',
    { matchExpressions: [{ key: 'env', operator: 'Exists' }] },
    registration('webhooks.0.namespaceSelector.matchExpressions'),
    [
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'canaryhook'] },
      { key: 'env', operator: 'Exists' },
    ],
  ],
  [
    'webhook.namespaceSelector',
    { matchLabels: { canary: 'yes' } },
    object('Namespace', 'metadata.labels.canary'),
    'yes',
  ],
  [
    'webhook.url',
    'https://hook.example:9/mutate',
    registration('webhooks.0.clientConfig'),
    { url: 'https://hook.example:9/mutate' },
  ],
  ['webhook.url', 'https://hook.example:9/mutate', argument(1, 'certificate-name'), names('hook.example')],
  ['webhook.url', 'https://[::1]/mutate', argument(1, 'certificate-name'), names('::1')],
  ['webhook.port', 9443, argument(0, 'port'), ['9443']],
  ['webhook.port', 9443, spec('containers.0.ports.0.containerPort'), 9443],
  ['webhook.logLevel', 'debug', spec('containers.0.env.0'), { name: 'LOG_LEVEL', value: 'debug' }],
  ['webhook.resources', { limits: { cpu: 1 } }, spec('containers.0.resources.limits.cpu'), 1],
  ['controller.port', 9090, argument(1, 'port'), ['9090']],
  ['controller.port', 9090, spec('containers.1.ports.0.containerPort'), 9090],
  ['controller.logLevel', 'warn', spec('containers.1.env.0'), { name: 'LOG_LEVEL', value: 'warn' }],
  [
    'controller.resources',
    { requests: { memory: '1Gi' } },
    spec('containers.1.resources.requests.memory'),
    '1Gi',
  ],
  ['certificates.mode', 'cert-manager', kinds('Certificate'), 2],
  ['certificates.certManager.issuerRef', { name: 'corp' }, certificate('issuerRef.name'), 'corp'],
  ['certificates.certManager.duration', '24h', certificate('duration'), '24h'],
  ['certificates.certManager.renewBefore', '8h', certificate('renewBefore'), '8h'],
  ['serviceAccount.create', false, accounts('canaryhook'), 0],
  ['serviceAccount.name', 'mine', spec('serviceAccountName'), 'mine'],
  ['serviceAccount.name', 'mine', argument(0, 'controller-user'), ['system:serviceaccount:canaryhook:mine']],
  ['serviceAccount.name', 'mine', object('ClusterRoleBinding', 'subjects.0.name', 'canaryhook'), 'mine'],
  [
    'serviceAccount.annotations',
    { a: 'b' },
    object('ServiceAccount', 'metadata.annotations.a', 'canaryhook'),
    'b',
  ],
  ['rbac.create', false, kinds('RoleBinding', 'canaryhook'), 0],
  ['rbac.create', false, kinds('ClusterRoleBinding', 'canaryhook'), 0],
  ['rbac.ownerReferencesPermissionEnforcement', true, grants('deployments/finalizers'), ['update']],
  ['networkPolicy.enabled', true, kinds('NetworkPolicy'), 1],
  ['networkPolicy.metricsFrom', [{ podSelector: {} }], policy('ingress.1.from'), [{ podSelector: {} }]],
  ['networkPolicy.apiServerPorts', [8443], policy('egress.1.ports'), [{ port: 8443, protocol: 'TCP' }]],
  ['serviceMonitor.enabled', true, kinds('ServiceMonitor'), 1],
  ['serviceMonitor.labels', { release: 'p' }, monitor('metadata.labels.release'), 'p'],
  ['serviceMonitor.interval', '9s', monitor('spec.endpoints.1.interval'), '9s'],
  ['serviceMonitor.scrapeTimeout', '3s', monitor('spec.endpoints.0.scrapeTimeout'), '3s'],
  ['uninstall.enabled', false, kinds('Job'), 0],
  ['uninstall.timeout', '1h10m5s', uninstallJob('spec.activeDeadlineSeconds'), 4235],
  ['test.namespaceLabels', { env: 'x' }, object('Namespace', 'metadata.labels.env'), 'x'],
  ['test.timeout', '90s', testPod('spec.activeDeadlineSeconds'), 120],
]

/** What must be set beside it, for the place to be there at all. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  'certificates.certManager': ['certificates.mode=cert-manager'],
  'networkPolicy.': ['networkPolicy.enabled=true'],
  'serviceMonitor.': ['serviceMonitor.enabled=true'],
  'serviceAccount.create': ['serviceAccount.name=there-already'],
}

test.each(ROWS)('%s = %j', async (name, value, place, expected) => {
  const beside = Object.entries(BESIDE).flatMap(([prefix, values]) => (name.startsWith(prefix) ? values : []))
  const args = beside.flatMap(text => ['--set', text])
  const objects = await helm.rendered([...args, '--set-json', `${name}=${JSON.stringify(value)}`])
  expect(place(objects)).toEqual(expected)
})

describe('no value is forgotten', () => {
  test('here', async () => {
    const values: unknown = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'))
    const tried = ROWS.map(([name]) => name)
    expect(
      leavesOf(values, '').filter(leaf => !tried.some(name => leaf === name || leaf.startsWith(`${name}.`))),
    ).toEqual([])
  })
})

function leavesOf(value: unknown, path: string): readonly string[] {
  const isGroup =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
  if (!isGroup) return [path]
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, path === '' ? name : `${path}.${name}`),
  )
}

function kinds(kind: string, name?: string): Place {
  return objects =>
    objects.filter(object => object.kind === kind && (name === undefined || object.metadata.name === name))
      .length
}

function accounts(name: string): Place {
  return kinds('ServiceAccount', name)
}

function grants(resource: string): Place {
  return objects => {
    const rules = at(oneOf(objects, 'ClusterRole', 'canaryhook'), 'rules') as {
      resources: string[]
      verbs: string[]
    }[]
    return rules.find(({ resources }) => resources.includes(resource))?.verbs
  }
}

function certificate(path: string): Place {
  return object('Certificate', `spec.${path}`, 'canaryhook-certificates')
}

function policy(path: string): Place {
  return object('NetworkPolicy', `spec.${path}`)
}

function monitor(path: string): Place {
  return object('ServiceMonitor', path)
}

function names(last: string): readonly string[] {
  return ['canaryhook-webhook.canaryhook.svc', 'canaryhook-webhook.canaryhook.svc.cluster.local', last]
}

function digest(): string {
  return `sha256:${'0'.repeat(64)}`
}

function spread() {
  return { maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }
}
