/** The Ingress of a canary, and the Ingresses of the app that it is made after. */
import { describe, expect, test } from 'vitest'
import { makeCanaryService } from '../../src/core/canary-service.ts'
import type { Ingress, Service } from '../../src/core/kubernetes.ts'
import { nameHash } from '../../src/core/names.ts'
import type { Preview } from '../../src/core/preview.ts'
import {
  CLASS_ANNOTATION,
  describeAddresses,
  makePreviewIngress,
  previewConflict,
} from '../../src/core/preview-ingress.ts'
import { held, owner } from './shop.ts'

const deployment = held()

function service(name: string, spec: Partial<Service['spec']> = {}): Service {
  return { metadata: { name, namespace: 'default' }, spec: { selector: { app: 'shop' }, ...spec } }
}

const front = service('shop', { ports: [{ port: 80, targetPort: 8080 }] })
const canaryService = makeCanaryService(deployment, [front]) ?? service('none')
const services = [front, canaryService, service('cart', { selector: { app: 'cart' } })]

const backend = (name: string) => ({ service: { name, port: { number: 80 } } })

/** One host and path that leads to a Service. */
function ingress(name: string, host: string | undefined, path: string, to: string, more: object = {}) {
  const http = { paths: [{ path, pathType: 'Prefix', backend: backend(to) }] }
  const rules = [{ ...(host !== undefined && { host }), http }]
  return {
    metadata: { name, namespace: 'default' },
    spec: { ingressClassName: 'nginx', rules, ...more },
  } satisfies Ingress
}

const web = ingress('web', 'shop.example', '/', 'shop')
const made = (preview: Preview, ingresses: readonly Ingress[] = [web], among = services) =>
  makePreviewIngress(deployment, preview, among, ingresses)

describe('the Ingress', () => {
  test('is ours, and leads from a host to the first port of the Service of the canary', () => {
    expect(made({ host: 'canary.shop.example' })).toEqual({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: 'shop-canary',
        namespace: 'default',
        labels: { 'canaryhook.dev/track': 'canary', 'canaryhook.dev/of': nameHash('shop') },
        ownerReferences: [expect.objectContaining({ uid: 'shop-uid', controller: true })],
      },
      spec: {
        ingressClassName: 'nginx',
        rules: [
          {
            host: 'canary.shop.example',
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend('shop-canary') }] },
          },
        ],
      },
    })
  })

  test('says a name that a Service may not have as the Service says it', () => {
    const dotted = held({}, { metadata: { name: 'shop.v2' } })
    const own = makeCanaryService(dotted, [front]) ?? service('none')
    const made = makePreviewIngress(dotted, { host: 'a' }, [own], [])
    expect(made?.metadata.name).toBe('shop.v2-canary')
    expect(made?.spec.rules?.[0]?.http?.paths[0]?.backend.service?.name).toBe(own.metadata.name)
  })

  const metadata = { ...canaryService.metadata, ownerReferences: [owner('Deployment', 'cart')] }
  test.each<readonly [string, readonly Service[]]>([
    ['that has no Service yet', [front]],
    ['whose Service is another’s', [front, { ...canaryService, metadata }]],
    [
      'whose Service has no TCP port',
      [{ ...canaryService, spec: { ports: [{ port: 53, protocol: 'UDP' }] } }],
    ],
  ])('is not made for a canary %s', (_sentence, among) => {
    expect(made({ host: 'a' }, [web], [...among])).toBeUndefined()
  })

  test('leads to the first TCP port', () => {
    const ports = [{ port: 53, protocol: 'UDP' }, { port: 8080, protocol: 'TCP' }, { port: 9090 }]
    const among = [{ ...canaryService, spec: { ports } }]
    expect(made({ host: 'a' }, [], among)?.spec.rules?.[0]?.http?.paths[0]?.backend.service?.port).toEqual({
      number: 8080,
    })
  })
})

describe('the address', () => {
  const addresses = (preview: Preview, ingresses?: readonly Ingress[]) =>
    made(preview, ingresses)?.spec.rules?.map(({ host = '*', http }) => host + http?.paths[0]?.path)
  const rules = [
    ...ingress('', 'a.example', '/', 'shop').spec.rules,
    ...ingress('', 'b.example', '/', 'cart').spec.rules,
    ...ingress('', 'c.example', '/shop', 'shop').spec.rules,
    ...ingress('', 'a.example', '/again', 'shop').spec.rules,
  ]

  test.each<readonly [string, Preview, readonly Ingress[], readonly string[]]>([
    ['is a host', { host: 'canary.example' }, [web], ['canary.example/']],
    ['is a host and a path', { host: 'canary.example', path: '/new' }, [web], ['canary.example/new']],
    ['with a path alone is on the host of the app', { path: '/new' }, [web], ['shop.example/new']],
    [
      'with a path alone is on all hosts that lead to the app, each once',
      { path: '/new' },
      [{ metadata: { name: 'a' }, spec: { rules } }],
      ['a.example/new', 'c.example/new'],
    ],
    [
      'with a path alone is on any host where the app has no name',
      { path: '/new' },
      [ingress('web', undefined, '/', 'shop')],
      ['*/new'],
    ],
    [
      'with a path alone is on any host where the app has what is left over',
      { path: '/new' },
      [{ metadata: { name: 'web' }, spec: { defaultBackend: backend('shop') } }],
      ['*/new'],
    ],
    ['with a path alone is on any host without an Ingress', { path: '/new' }, [], ['*/new']],
    [
      'does not come from an Ingress of another app',
      { path: '/new' },
      [ingress('cart', 'cart.example', '/', 'cart')],
      ['*/new'],
    ],
    [
      'comes from the first of several, by name',
      { path: '/new' },
      [ingress('web', 'b.example', '/', 'shop'), ingress('in', 'a.example', '/', 'shop')],
      ['a.example/new'],
    ],
    [
      'does not come from our own Ingress',
      { path: '/new' },
      [ingress('shop-canary', 'canary.example', '/', 'shop-canary')],
      ['*/new'],
    ],
  ])('%s', (_sentence, preview, ingresses, expected) => {
    expect(addresses(preview, ingresses)).toEqual(expected)
  })
})

describe('the class', () => {
  const classes = (preview: Preview, ingresses: readonly Ingress[]) => {
    const { metadata, spec } = made(preview, ingresses) ?? {}
    return [spec?.ingressClassName, metadata?.annotations]
  }
  const annotations = { [CLASS_ANNOTATION]: 'gce', 'cert-manager.io/cluster-issuer': 'letsencrypt' }
  const annotated = {
    metadata: { ...web.metadata, annotations },
    spec: { rules: web.spec.rules },
  }

  test.each<readonly [string, Preview, readonly Ingress[], readonly unknown[]]>([
    ['is that of the app', { host: 'a' }, [web], ['nginx', undefined]],
    ['is the one that is named', { host: 'a', class: 'internal' }, [web], ['internal', undefined]],
    ['may be named where there is none', { host: 'a', class: 'internal' }, [], ['internal', undefined]],
    ['is left to the cluster without an Ingress of the app', { host: 'a' }, [], [undefined, undefined]],
    [
      'stays an annotation where the app has it so, and no other annotation comes along',
      { host: 'a' },
      [annotated],
      [undefined, { [CLASS_ANNOTATION]: 'gce' }],
    ],
    [
      'that is named stands in the field alone',
      { host: 'a', class: 'internal' },
      [annotated],
      ['internal', undefined],
    ],
  ])('%s', (_sentence, preview, ingresses, expected) => {
    expect(classes(preview, ingresses)).toEqual(expected)
  })
})

describe('certificates', () => {
  const tls = [
    { hosts: ['shop.example', 'www.shop.example'], secretName: 'shop' },
    { hosts: ['*.shop.example'], secretName: 'star' },
  ]
  const secured = ingress('web', 'shop.example', '/', 'shop', { tls })
  const every = ingress('web', 'shop.example', '/', 'shop', { tls: [{ secretName: 'every' }] })
  const named = ingress('web', 'shop.example', '/', 'shop', { tls: [{ hosts: ['shop.example'] }] })

  test.each<readonly [string, Preview, Ingress, unknown]>([
    [
      'of the app are used on its own host, for that alone',
      { path: '/new' },
      secured,
      [{ hosts: ['shop.example'], secretName: 'shop' }],
    ],
    [
      'for all hosts of a domain are good for a new one',
      { host: 'canary.shop.example' },
      secured,
      [{ hosts: ['canary.shop.example'], secretName: 'star' }],
    ],
    [
      'for all hosts of a domain are not good for a domain below it',
      { host: 'a.canary.shop.example' },
      secured,
      undefined,
    ],
    ['of the app are not used on another host', { host: 'canary.example' }, secured, undefined],
    [
      'without a host are for those of the app',
      { path: '/new' },
      every,
      [{ hosts: ['shop.example'], secretName: 'every' }],
    ],
    ['without a host are for no others', { host: 'canary.shop.example' }, every, undefined],
    ['may be the controller’s own', { path: '/new' }, named, [{ hosts: ['shop.example'] }]],
  ])('%s', (_sentence, preview, app, expected) => {
    expect(made(preview, [app])?.spec.tls).toEqual(expected)
  })
})

test.each<readonly [string, Ingress | undefined]>([
  ['http://canary.example/', made({ host: 'canary.example' })],
  ['http://shop.example/new', made({ path: '/new' })],
  [
    'https://shop.example/new',
    made({ path: '/new' }, [ingress('web', 'shop.example', '/', 'shop', { tls: [{}] })]),
  ],
  ['/new of any host', made({ path: '/new' }, [])],
])('people are told that the canary is at %s', (address, given) => {
  expect(given && describeAddresses(given)).toBe(address)
})

describe('users would meet the canary', () => {
  const conflict = (preview: Preview, ...ingresses: readonly Ingress[]) =>
    previewConflict(deployment, preview, services, ingresses)
  const says = (name: string, address: string) =>
    `Ingress ${name} already has ${address}: users would meet the canary there; write another host or path`

  test.each<readonly [string, Preview, readonly Ingress[], string]>([
    ['at the host of the app', { host: 'shop.example' }, [web], says('web', 'shop.example/')],
    [
      'at a path of the app, with or without a slash at its end',
      { path: '/cart' },
      [web, ingress('cart', 'shop.example', '/cart/', 'cart')],
      says('cart', 'shop.example/cart'),
    ],
    [
      'at the host of an Ingress that says no class: it may be the same',
      { host: 'cart.example' },
      [
        web,
        { metadata: { name: 'cart' }, spec: { rules: ingress('', 'cart.example', '/', 'cart').spec.rules } },
      ],
      says('cart', 'cart.example/'),
    ],
    [
      'at a path of any host',
      { path: '/cart' },
      [ingress('cart', undefined, '/cart', 'cart')],
      says('cart', '*/cart'),
    ],
  ])('%s', (_sentence, preview, ingresses, expected) => {
    expect(conflict(preview, ...ingresses)).toBe(expected)
  })

  test.each<readonly [string, Preview, readonly Ingress[]]>([
    ['at a host of its own', { host: 'canary.shop.example' }, [web]],
    ['at a path of its own', { path: '/canary' }, [web]],
    [
      'at the address that the preview has already',
      { host: 'a' },
      [ingress('shop-canary', 'a', '/', 'shop-canary')],
    ],
    ['at the host of the app, by another class', { host: 'shop.example', class: 'internal' }, [web]],
    ['where an Ingress has no rules', { path: '/new' }, [{ metadata: { name: 'x' }, spec: {} }]],
  ])('but not %s', (_sentence, preview, ingresses) => {
    expect(conflict(preview, ...ingresses)).toBeUndefined()
  })
})
