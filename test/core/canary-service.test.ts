/** The Service of a canary, and the Services of the app that it is made after. */
import { describe, expect, test } from 'vitest'
import {
  leakOf,
  makeCanaryService,
  selectsPods,
  servicesOf,
  testLeakOf,
  urlOf,
} from '../../src/core/canary-service.ts'
import { isolateTemplate } from '../../src/core/gate.ts'
import type { Service, ServicePort, TargetGroupBinding } from '../../src/core/kubernetes.ts'
import { nameHash } from '../../src/core/names.ts'
import { makeCanary } from '../../src/core/objects.ts'
import { held, owner, template } from './shop.ts'

const http: ServicePort = { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }

function service(name: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: { name, namespace: 'default' },
    spec: { selector: { app: 'shop' }, ports: [http], ...spec },
  }
}

describe('a Service', () => {
  const labels = { app: 'shop', tier: 'web' }
  test.each<readonly [string, Partial<Service['spec']>, boolean]>([
    ['selects pods that have its label', {}, true],
    ['selects pods that have all of its labels', { selector: labels }, true],
    ['does not select pods that lack one', { selector: { ...labels, production: 'true' } }, false],
    ['does not select pods with another value', { selector: { app: 'cart' } }, false],
    ['with an empty selector selects none', { selector: {} }, false],
    ['that stands for a name elsewhere selects none', { type: 'ExternalName' }, false],
  ])('%s', (_sentence, spec, expected) => {
    expect(selectsPods(service('shop', spec), labels)).toBe(expected)
  })

  test('without a selector selects none', () => {
    expect(selectsPods({ metadata: { name: 'x' }, spec: {} }, labels)).toBe(false)
  })

  test('is found by the pods it selects, in the order of names', () => {
    const all = [service('b'), service('c', { selector: { app: 'cart' } }), service('a')]
    expect(servicesOf(all, labels).map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
  })
})

describe('the canary’s Service', () => {
  const portsOf = (...services: readonly Service[]) => makeCanaryService(held(), services)?.spec.ports

  test('belongs to the Deployment and reaches the canary’s pods alone, ready or not', () => {
    const selector = { 'canaryhook.dev/track': 'canary', 'canaryhook.dev/of': nameHash('shop') }
    const made = makeCanaryService(held(), [service('shop')])
    expect(made).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'shop-canary',
        namespace: 'default',
        labels: selector,
        ownerReferences: [owner('Deployment', 'shop')],
      },
      spec: { type: 'ClusterIP', publishNotReadyAddresses: true, selector, ports: [http] },
    })
    const pods = makeCanary(held(), 1, { isolated: true }).spec.template.metadata?.labels ?? {}
    expect(made && selectsPods(made, pods)).toBe(true)
    expect(made && selectsPods(made, template('v1').metadata?.labels ?? {})).toBe(false)
  })

  const https: ServicePort = { name: 'https', port: 443, targetPort: 'tls', protocol: 'TCP' }
  test.each<readonly [string, readonly Service[], readonly ServicePort[]]>([
    [
      'of one Service, without the port of the nodes',
      [service('shop', { type: 'NodePort', ports: [{ ...http, nodePort: 30080 } as ServicePort] })],
      [http],
    ],
    [
      'with what the cluster would add',
      [service('shop', { ports: [{ port: 80 }] })],
      [{ port: 80, targetPort: 80, protocol: 'TCP' }],
    ],
    [
      'with the protocol of the app',
      [service('shop', { ports: [{ ...http, appProtocol: 'h2c' }] })],
      [{ ...http, appProtocol: 'h2c' }],
    ],
    ['of all Services that select the app', [service('b', { ports: [https] }), service('a')], [http, https]],
    ['of several Services, each once', [service('a'), service('b', { ports: [http, https] })], [http, https]],
    [
      'not of Services of others',
      [service('a'), service('b', { ports: [https], selector: { app: 'b' } })],
      [http],
    ],
    [
      'of one number twice, where the first one counts',
      [service('a'), service('b', { ports: [{ ...http, name: 'web', targetPort: 9090 }] })],
      [http],
    ],
    [
      'of one number for two protocols',
      [
        service('a', { ports: [{ name: 'dns', port: 53 }] }),
        service('b', { ports: [{ port: 53, protocol: 'UDP' }] }),
      ],
      [
        { name: 'dns', port: 53, targetPort: 53, protocol: 'TCP' },
        { name: 'udp-53', port: 53, targetPort: 53, protocol: 'UDP' },
      ],
    ],
    [
      'of one name for two numbers',
      [service('a'), service('b', { ports: [{ ...http, port: 8080 }] })],
      [http, { ...http, name: 'tcp-8080', port: 8080 }],
    ],
    [
      'without names, which several must have',
      [service('a', { ports: [{ port: 80 }] }), service('b', { ports: [{ port: 81 }] })],
      [
        { name: 'tcp-80', port: 80, targetPort: 80, protocol: 'TCP' },
        { name: 'tcp-81', port: 81, targetPort: 81, protocol: 'TCP' },
      ],
    ],
  ])('has the ports %s', (_sentence, services, ports) => {
    expect(portsOf(...services)).toEqual(ports)
  })

  test('has the ports of the containers where no Service selects the app', () => {
    const containers = [
      { name: 'shop', ports: [{ name: 'http', containerPort: 8080 }] },
      { name: 'metrics', ports: [{ containerPort: 9090, protocol: 'TCP' }] },
      { name: 'quiet' },
    ]
    const deployment = held({}, { spec: { template: { ...template('v2'), spec: { containers } } } })
    expect(makeCanaryService(deployment, [])?.spec.ports).toEqual([
      { name: 'http', port: 8080, targetPort: 8080, protocol: 'TCP' },
      { name: 'tcp-9090', port: 9090, targetPort: 9090, protocol: 'TCP' },
    ])
  })

  test('is not made where nobody names a port', () => {
    expect(makeCanaryService(held(), [])).toBeUndefined()
    expect(makeCanaryService(held(), [service('shop', { ports: [] })])).toBeUndefined()
  })
})

test.each<readonly [string, readonly ServicePort[], string | undefined]>([
  ['the first TCP port', [{ port: 53, protocol: 'UDP' }, http], 'http://shop.default:80'],
  ['https by the number', [{ port: 443 }], 'https://shop.default:443'],
  ['https by the name', [{ name: 'https', port: 8443 }], 'https://shop.default:8443'],
  ['https by the protocol of the app', [{ port: 8443, appProtocol: 'https' }], 'https://shop.default:8443'],
  ['nothing without a TCP port', [{ port: 53, protocol: 'UDP' }], undefined],
  ['nothing without ports', [], undefined],
])('the address is %s', (_sentence, ports, url) => {
  expect(urlOf(service('shop', { ports }))).toBe(url)
})

describe('a Service sends users to an isolated canary', () => {
  const canary = makeCanary(held(), 1).spec.template
  const gated = isolateTemplate(canary)
  const labels = { ...canary.metadata?.labels, production: 'true' }
  const unlabelled = isolateTemplate({ ...canary, metadata: { labels } }, 'production')
  const open = { publishNotReadyAddresses: true }
  const byTrack = { 'canaryhook.dev/track': 'canary' }

  test.each<readonly [string, typeof gated, readonly Service[], RegExp]>([
    [
      'with the gate, when it asks for pods that are not ready',
      gated,
      [service('all', open)],
      /^Service all has publishNot/,
    ],
    [
      'with a label left out, when it does not ask for that label',
      unlabelled,
      [service('all')],
      /^Service all selects/,
    ],
  ])('%s', (_sentence, pods, services, sentence) => {
    expect(leakOf(services, [], pods)).toMatch(sentence)
  })

  test.each<readonly [string, typeof gated, readonly Service[]]>([
    ['by the gate, when it waits for ready pods', gated, [service('shop')]],
    ['when it selects other pods', gated, [service('cart', { ...open, selector: { app: 'cart' } })]],
    [
      'when it asks for the label that was left out',
      unlabelled,
      [service('shop', { ...open, selector: { app: 'shop', production: 'true' } })],
    ],
    ['when it is ours', gated, [makeCanaryService(held(), [service('shop')]) ?? service('none')]],
    ['when it asks for canaries by our label', unlabelled, [service('mine', { ...open, selector: byTrack })]],
  ])('not %s', (_sentence, pods, services) => {
    expect(leakOf(services, [], pods)).toBeUndefined()
  })
})

describe('a load balancer that takes pods as soon as their containers are ready', () => {
  const pods = makeCanary(held(), 1).spec.template
  const gated = isolateTemplate(pods)
  const unlabelled = isolateTemplate(pods, 'production')
  const binding = (spec: TargetGroupBinding['spec']): TargetGroupBinding => ({
    metadata: { name: 'shop-tgb', namespace: 'default' },
    spec,
  })
  const byService = { serviceRef: { name: 'shop' } }

  test.each<readonly [string, TargetGroupBinding['spec']]>([
    ['by their addresses', { ...byService, targetType: 'ip' }],
    ['in a way that it finds out itself', byService],
  ])('would meet a canary with the gate %s', (_sentence, spec) => {
    expect(leakOf([service('shop')], [binding(spec)], gated)).toBe(
      'TargetGroupBinding shop-tgb takes the pods of Service shop as soon as their containers are ready, whatever their gates say: they would get requests of users before they are tested; isolate by a label instead (canaryhook.dev/isolate)',
    )
  })

  test.each<readonly [string, TargetGroupBinding['spec'], readonly Service[], typeof gated]>([
    [
      'goes through the nodes and the Service',
      { ...byService, targetType: 'instance' },
      [service('shop')],
      gated,
    ],
    ['is for another Service', { serviceRef: { name: 'cart' } }, [service('shop')], gated],
    [
      'is for a Service that asks for the label left out',
      byService,
      [service('shop', { selector: { app: 'shop', production: 'true' } })],
      unlabelled,
    ],
    [
      'is for canaries by our label',
      byService,
      [service('shop', { selector: { app: 'shop', 'canaryhook.dev/track': 'canary' } })],
      gated,
    ],
    ['names no Service', {}, [service('shop')], gated],
  ])('meets none where it %s', (_sentence, spec, services, template) => {
    expect(leakOf(services, [binding(spec)], template)).toBeUndefined()
  })
})

describe('a test must not get requests of users', () => {
  const pods = (labels: Readonly<Record<string, string>>) => ({ metadata: { labels } })

  test('and does where its pods have the labels that a Service asks for', () => {
    expect(testLeakOf([service('shop')], pods({ app: 'shop', 'canaryhook.dev/track': 'test' }))).toBe(
      "Service shop would send requests of users to the test's pods, which have its labels (app=shop); give the test's template labels of its own",
    )
  })

  test('and does not with labels of its own, or without any', () => {
    expect(testLeakOf([service('shop')], pods({ app: 'shop-smoke' }))).toBeUndefined()
    expect(testLeakOf([service('shop')], {})).toBeUndefined()
  })
})
