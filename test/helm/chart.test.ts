/** What the chart renders, without a cluster. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { VERSION } from '../../src/core/version.ts'
import { problemsOf } from './chart-rules.ts'
import { CHART, Helm, type Rendered } from './helm.ts'
import { at, oneOf, podsOf, titleOf } from './rendered.ts'

let helm: Helm
beforeAll(async () => {
  helm = await Helm.open(inject('helm'))
})
afterAll(() => helm.close())

const EVERYTHING = ['networkPolicy.enabled=true', 'serviceMonitor.enabled=true', 'hostNetwork=true']

/** `--set` for each. */
function set(...values: readonly string[]): readonly string[] {
  return values.flatMap(value => ['--set', value])
}

describe('every object is as a cluster’s rules want it', () => {
  test.each<readonly [string, readonly string[], string]>([
    ['by default', [], 'canaryhook'],
    ['with everything switched on', set(...EVERYTHING), 'canaryhook'],
    ['with cert-manager', set('certificates.mode=cert-manager'), 'canaryhook'],
    ['of a release that is called otherwise', [], 'rollouts'],
    [
      'of a release whose name is as long as names may be',
      [],
      'a-release-with-a-name-as-long-as-helm-allows-it-to-be',
    ],
  ])('%s', async (_sentence, args, name) => {
    expect(problemsOf(await helm.rendered(args, name), name)).toEqual([])
  })

  /** The default install, one thing changed in one object. */
  const broken = (kind: string, change: (object: never) => void) => async () => {
    const objects = structuredClone(await helm.rendered())
    change(oneOf(objects.filter(isInstalled), kind) as never)
    return problemsOf(objects, 'canaryhook')
  }

  interface Deployment {
    spec: {
      replicas: number
      template: {
        spec: {
          serviceAccountName: string
          containers: Record<string, unknown>[]
          volumes: { name: string }[]
        }
      }
    }
  }
  test.each<readonly [string, () => Promise<readonly string[]>, RegExp]>([
    [
      'a missing label',
      broken('Service', (object: { metadata: { labels: object } }) => {
        object.metadata.labels = {}
      }),
      /Service canaryhook-webhook: has no label app.kubernetes.io\/name/,
    ],
    [
      'an object without a namespace',
      broken('Service', (object: { metadata: { namespace?: string } }) => {
        delete object.metadata.namespace
      }),
      /is in the namespace of whoever applies it/,
    ],
    [
      'one replica',
      broken('Deployment', (object: Deployment) => {
        object.spec.replicas = 1
      }),
      /less than two replicas/,
    ],
    [
      'a container that may write to its root',
      broken('Deployment', (object: Deployment) => {
        delete object.spec.template.spec.containers[0]?.securityContext
      }),
      /containers.0.securityContext.readOnlyRootFilesystem is not true/,
    ],
    [
      'a container without a probe',
      broken('Deployment', (object: Deployment) => {
        delete object.spec.template.spec.containers[1]?.readinessProbe
      }),
      /container controller: has no readinessProbe/,
    ],
    [
      'a container without resources',
      broken('Deployment', (object: Deployment) => {
        delete object.spec.template.spec.containers[1]?.resources
      }),
      /container controller: resources.limits.memory is missing/,
    ],
    [
      'a volume of another name',
      broken('Deployment', (object: Deployment) => {
        object.spec.template.spec.volumes = [{ name: 'other' }]
      }),
      /there is no volume certs/,
    ],
    [
      'an account that nobody makes',
      broken('Deployment', (object: Deployment) => {
        object.spec.template.spec.serviceAccountName = 'other'
      }),
      /there is no ServiceAccount other/,
    ],
    [
      'a Service without pods',
      broken('Service', (object: { spec: { selector: object } }) => {
        object.spec.selector = { app: 'other' }
      }),
      /it selects no pods/,
    ],
    [
      'a registration of another Service',
      broken('MutatingWebhookConfiguration', (object: { webhooks: { clientConfig: object }[] }) => {
        object.webhooks[0] = {
          clientConfig: { service: { namespace: 'canaryhook', name: 'other', port: 443 } },
        }
      }),
      /there is no Service canaryhook\/other with port 443/,
    ],
  ])('which would tell %s', async (_what, problems, expected) => {
    expect((await problems()).join('\n')).toMatch(expected)
  })
})

test('chart and program have one version', async () => {
  const chart: unknown = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'))
  expect(chart).toMatchObject({ version: VERSION, appVersion: VERSION })
})

describe('the default install', () => {
  test('is these objects, and no more', async () => {
    expect((await helm.rendered()).filter(isInstalled).map(titleOf).sort()).toEqual([
      'ClusterRole canaryhook',
      'ClusterRoleBinding canaryhook',
      'Deployment canaryhook',
      'MutatingWebhookConfiguration zz-canaryhook',
      'PodDisruptionBudget canaryhook',
      'Role canaryhook',
      'RoleBinding canaryhook',
      'Service canaryhook-webhook',
      'ServiceAccount canaryhook',
    ])
  })

  test('has a webhook without a token, and a controller with one', async () => {
    const { containers = [] } = podsOf(oneOf(await helm.rendered(), 'Deployment'))?.spec ?? {}
    const mounts = containers.map(({ name, volumeMounts = [] }) => [
      name,
      volumeMounts.map(({ name }) => name).sort(),
    ])
    expect(mounts).toEqual([
      ['webhook', ['certs']],
      ['controller', ['certs', 'token']],
    ])
  })

  test('tells the webhook who the controller is, and the controller what is its own', async () => {
    const [webhook, controller] = podsOf(oneOf(await helm.rendered(), 'Deployment'))?.spec.containers ?? []
    expect(webhook?.args).toEqual([
      'webhook',
      '--port=8443',
      '--certs=/certs',
      '--wait-for-certs',
      '--controller-user=system:serviceaccount:canaryhook:canaryhook',
      '--linger=5',
    ])
    expect(controller?.args).toEqual([
      'controller',
      '--port=8080',
      '--lease-name=canaryhook-controller',
      '--certs=/certs',
      '--certificate-secret=canaryhook-certificates',
      '--webhook-configuration=zz-canaryhook',
      '--certificate-name=canaryhook-webhook.canaryhook.svc',
      '--certificate-name=canaryhook-webhook.canaryhook.svc.cluster.local',
    ])
  })
})

describe('a release of another name', () => {
  test('has its name in every object', async () => {
    const objects = await helm.rendered([], 'rollouts')
    expect(
      objects.map(({ metadata }) => metadata.name).filter(name => !/^(?:zz-)?rollouts-canaryhook/.test(name)),
    ).toEqual([])
  })

  test('has rights on its own objects, by their names', async () => {
    const objects = (await helm.rendered([], 'rollouts')).filter(isInstalled)
    const named = ['ClusterRole', 'Role'].flatMap(kind =>
      (at(oneOf(objects, kind), 'rules') as { resourceNames?: string[] }[]).flatMap(
        ({ resourceNames = [] }) => resourceNames,
      ),
    )
    expect(named).toEqual([
      'zz-rollouts-canaryhook',
      'rollouts-canaryhook-controller',
      'rollouts-canaryhook-certificates',
    ])
  })
})

describe('with cert-manager', () => {
  const withCertManager = (...more: readonly string[]) =>
    helm.rendered(set('certificates.mode=cert-manager', ...more))

  test('an authority of its own signs the certificate, which cert-manager puts into the registration', async () => {
    const objects = await withCertManager()
    const leaf = oneOf(objects, 'Certificate', 'canaryhook-certificates')
    expect(leaf.spec).toMatchObject({
      secretName: 'canaryhook-certificates',
      dnsNames: ['canaryhook-webhook.canaryhook.svc', 'canaryhook-webhook.canaryhook.svc.cluster.local'],
      issuerRef: { name: 'canaryhook-certificates', kind: 'Issuer' },
    })
    const issuer = oneOf(objects, 'Issuer', 'canaryhook-certificates')
    const authority = oneOf(objects, 'Certificate', 'canaryhook-certificates-authority')
    expect(at(issuer, 'spec.ca.secretName')).toBe(at(authority, 'spec.secretName'))
    expect(authority.spec).toMatchObject({ isCA: true, issuerRef: { name: 'canaryhook-certificates-root' } })
    expect(oneOf(objects, 'Issuer', 'canaryhook-certificates-root').spec).toEqual({ selfSigned: {} })
    const { annotations } = oneOf(objects, 'MutatingWebhookConfiguration').metadata
    expect(annotations).toEqual({ 'cert-manager.io/inject-ca-from': 'canaryhook/canaryhook-certificates' })
  })

  test('an issuer that is named signs it, and none is made', async () => {
    const objects = await withCertManager(
      'certificates.certManager.issuerRef.name=corp',
      'certificates.certManager.issuerRef.kind=ClusterIssuer',
    )
    expect(at(oneOf(objects, 'Certificate'), 'spec.issuerRef')).toEqual({
      name: 'corp',
      kind: 'ClusterIssuer',
      group: 'cert-manager.io',
    })
    expect(objects.filter(({ kind }) => kind === 'Issuer')).toEqual([])
  })

  test('the controller neither keeps certificates nor may touch Secrets or the registration', async () => {
    const objects = (await withCertManager()).filter(isInstalled)
    const spec = podsOf(oneOf(objects, 'Deployment'))?.spec
    expect(spec?.containers[1]?.args?.join(' ')).not.toMatch(/cert/)
    expect(spec?.containers[1]?.volumeMounts?.map(({ name }) => name)).toEqual(['token'])
    expect(spec?.volumes).toContainEqual({
      name: 'certs',
      secret: { secretName: 'canaryhook-certificates', defaultMode: 0o440 },
    })
    const granted = ['ClusterRole', 'Role'].flatMap(kind =>
      (at(oneOf(objects, kind), 'rules') as { resources: string[] }[]).flatMap(({ resources }) => resources),
    )
    expect(granted).not.toContain('secrets')
    expect(granted).not.toContain('mutatingwebhookconfigurations')
  })
})

/** Not one that Helm makes for a moment only. */
function isInstalled({ metadata }: Rendered): boolean {
  return metadata.annotations?.['helm.sh/hook'] === undefined
}
