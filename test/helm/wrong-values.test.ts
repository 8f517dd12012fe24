/** A wrong value is refused before anything is sent to the cluster, and the message says where it stands. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { ownControlPlane } from '../controlplane/planes.ts'
import { CHART, Helm } from './helm.ts'

let helm: Helm
beforeAll(async () => {
  helm = await Helm.open(inject('helm'), ownControlPlane().kubeconfigs.admin)
})
afterAll(() => helm.close())

test.each<readonly [string, unknown, RegExp]>([
  ['replicas', 3, /at '': additional properties 'replicas' not allowed/],
  ['webhook.timeoutSecond', 3, /at '\/webhook': additional properties 'timeoutSecond' not allowed/],
  ['replicaCount', 'two', /at '\/replicaCount': got string, want integer/],
  ['replicaCount', 0, /at '\/replicaCount': minimum: got 0, want 1/],
  ['fullnameOverride', 'My_Hook', /at '\/fullnameOverride': 'My_Hook' does not match/],
  ['commonLabels.team', 3, /at '\/commonLabels\/team': got number, want string/],
  ['image.digest', 'sha256:12', /at '\/image\/digest': 'sha256:12' does not match/],
  [
    'image.pullPolicy',
    'always',
    /at '\/image\/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'/,
  ],
  ['image.tag', 1.2, /at '\/image\/tag': got number, want string/],
  ['imagePullSecrets', ['mine'], /at '\/imagePullSecrets\/0': got string, want object/],
  ['topologySpreadConstraints', [{ maxSkew: 1 }], /at '\/topologySpreadConstraints\/0': missing properties/],
  ['tolerations', [{ key: 'a', effect: 'Never' }], /at '\/tolerations\/0\/effect': value must be one of/],
  ['affinity.nodeAfinity', {}, /at '\/affinity': additional properties 'nodeAfinity' not allowed/],
  [
    'podDisruptionBudget.minAvailable',
    'half',
    /at '\/podDisruptionBudget\/minAvailable': 'half' does not match/,
  ],
  ['webhook.failurePolicy', 'fail', /at '\/webhook\/failurePolicy': value must be one of 'Fail', 'Ignore'/],
  ['webhook.timeoutSeconds', 60, /at '\/webhook\/timeoutSeconds': maximum: got 60, want 30/],
  ['webhook.url', 'http://hook/mutate', /at '\/webhook\/url': 'http:\/\/hook\/mutate' does not match/],
  ['webhook.port', 70000, /at '\/webhook\/port': maximum: got 70,000, want 65,535/],
  [
    'webhook.namespaceSelector.matchExpressions',
    [{ key: 'env', operator: 'Is' }],
    /at '\/webhook\/namespaceSelector\/matchExpressions\/0\/operator': value must be one of/,
  ],
  ['controller.logLevel', 'verbose', /at '\/controller\/logLevel': value must be one of/],
  [
    'controller.resources.limit',
    {},
    /at '\/controller\/resources': additional properties 'limit' not allowed/,
  ],
  [
    'controller.resources.limits.memory',
    '1GB',
    /at '\/controller\/resources\/limits\/memory': '1GB' does not match/,
  ],
  [
    'certificates.mode',
    'self-signed',
    /at '\/certificates\/mode': value must be one of 'built-in', 'cert-manager'/,
  ],
  [
    'certificates.certManager.issuerRef.kind',
    'ClusterIssuer',
    /at '\/certificates\/certManager\/issuerRef': properties 'name' required, if 'kind' exists/,
  ],
  ['serviceAccount.create', false, /at '\/serviceAccount\/name': minLength: got 0, want 1/],
  ['serviceAccount.create', 'no', /at '\/serviceAccount\/create': got string, want boolean/],
  ['networkPolicy.apiServerPorts', [], /at '\/networkPolicy\/apiServerPorts': minItems: got 0, want 1/],
  ['uninstall.timeout', 90, /at '\/uninstall\/timeout': got number, want string/],
  ['uninstall.timeout', '90', /at '\/uninstall\/timeout': '90' does not match/],
])('%s = %j', async (name, value, expected) => {
  const { code, stderr } = await helm.run([
    'install',
    'canaryhook',
    CHART,
    '--set-json',
    `${name}=${JSON.stringify(value)}`,
  ])
  expect(stderr).toMatch(expected)
  expect(code).toBe(1)
})

test('everything that is wrong is said at once', async () => {
  const { stderr } = await helm.run([
    'template',
    CHART,
    '--set',
    'replicaCount=0,webhook.port=0,image.pullPolicy=No',
  ])
  expect(
    stderr
      .match(/^- at '.*/gm)
      ?.map(line => line.split("'")[1])
      .sort(),
  ).toEqual(['/image/pullPolicy', '/replicaCount', '/webhook/port'])
})

test('a cluster that is too old is refused', async () => {
  const { code, stderr } = await helm.run(['template', CHART, '--kube-version', '1.29.4'])
  expect(stderr).toMatch(
    /chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v?1.29.4/,
  )
  expect(code).toBe(1)
})
