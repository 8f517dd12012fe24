/** The Ingress of a canary in a controller's look: made, told of, and taken away. */
import { describe, expect, test } from 'vitest'
import { makeCanaryService } from '../../src/core/canary-service.ts'
import type { Ingress, Service } from '../../src/core/kubernetes.ts'
import { makePreviewIngress } from '../../src/core/preview-ingress.ts'
import { readState, type State } from '../../src/core/state.ts'
import { held, owner, replicaSet, shop } from '../core/shop.ts'
import { holding, plan } from './beginnings.ts'
import type { Scene } from './scene.ts'

const preview = 'host=canary.shop.example'
const front: Service = {
  metadata: { name: 'shop', namespace: 'default', uid: 'front-uid' },
  spec: { selector: { app: 'shop' }, ports: [{ port: 80 }] },
}
const made = makeCanaryService(held(), [front]) ?? front
const canaryService: Service = { ...made, metadata: { ...made.metadata, uid: 'way-uid' } }
const whole = makePreviewIngress(held(), { host: 'canary.shop.example' }, [canaryService], [])
const canaryIngress = withUid(whole ?? web())

function withUid(ingress: Ingress): Ingress {
  return { ...ingress, metadata: { ...ingress.metadata, uid: 'preview-uid' } }
}

function web(name = 'web', host = 'shop.example'): Ingress {
  const backend = { service: { name: 'shop', port: { number: 80 } } }
  const rules = [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }]
  return { metadata: { name, namespace: 'default', uid: name }, spec: { ingressClassName: 'nginx', rules } }
}

/** The first weight stands, in a namespace with these. */
function scene(fields: Partial<State>, services: readonly Service[], ingresses: readonly Ingress[]): Scene {
  const scene = holding(fields)
  for (const service of services) scene.cluster.put('services', service)
  for (const ingress of ingresses) scene.cluster.put('ingresses', ingress)
  return scene
}

test('is made after the Service, by the watch that tells of that, and then left alone', async () => {
  const release = scene({ preview }, [front], [web()])
  expect((await release.look()).writes).toEqual(['create services/shop-canary'])
  expect((await release.look()).writes).toEqual(['create ingresses/shop-canary'])
  expect(release.cluster.get<Ingress>('ingresses', 'shop-canary')?.spec).toMatchObject({
    ingressClassName: 'nginx',
    rules: [{ host: 'canary.shop.example' }],
  })
  expect((await release.look()).writes).toEqual([])
  expect(release.cluster.events).toEqual(['Previewed'])
  expect(release.lines[0]?.msg).toMatch(/its canary can be seen at http:\/\/canary\.shop\.example\/$/)
})

test('is made again when somebody deleted it', async () => {
  const release = scene({ preview }, [front, canaryService], [canaryIngress])
  expect((await release.look()).writes).toEqual([])
  release.called.length = 0
  await release.cluster.remove(
    { group: '', version: '', kind: '', plural: 'ingresses' },
    {
      namespace: 'default',
      name: 'shop-canary',
    },
  )
  expect(release.called).toContain('default/shop')
  expect((await release.look()).writes).toEqual(['create ingresses/shop-canary'])
})

test('is taken away by a release that has no preview: it was another’s', async () => {
  const release = scene({}, [front], [canaryIngress])
  expect((await release.look()).writes).toEqual(['delete ingresses/shop-canary'])
})

test('goes with the canary when the release failed and the former version is back, once', async () => {
  const failed = { preview, phase: 'Failed', stable: 10 } as const
  const release = scene(failed, [front, canaryService], [canaryIngress])
  expect((await release.look()).writes).not.toContain('delete ingresses/shop-canary')
  release.cluster.put('replicasets', replicaSet('v1', 10))
  release.settle()
  const looks = [await release.look(), await release.look(), await release.look()]
  const gone = looks.flatMap(({ writes }) => writes).filter(write => write.startsWith('delete'))
  expect(gone).toEqual([
    'delete services/shop-canary',
    'delete ingresses/shop-canary',
    'delete deployments/shop-canary',
  ])
})

test('that is being deleted is waited for, and not deleted again', async () => {
  const metadata = { ...canaryIngress.metadata, deletionTimestamp: '2026-03-01T12:00:00Z' }
  const release = scene({}, [front], [{ ...canaryIngress, metadata }])
  expect((await release.look()).writes).toEqual([])
})

describe('there is none, the release goes on, and that is told once', () => {
  const udp = { ...canaryService, spec: { ...canaryService.spec, ports: [{ port: 53, protocol: 'UDP' }] } }
  const anothers = { ...web('shop-canary', 'b.example').metadata, ownerReferences: [owner('Ingress', 'x')] }
  test.each<readonly [string, readonly Service[], readonly Ingress[], RegExp]>([
    [
      'its name is taken',
      [front, canaryService],
      [web('shop-canary', 'b.example')],
      /an Ingress shop-canary exists and was not made by Canaryhook/,
    ],
    [
      'its name is taken by another owner',
      [front, canaryService],
      [{ ...web(), metadata: anothers }],
      /an Ingress shop-canary exists and was not made by Canaryhook/,
    ],
    [
      'users would meet the canary',
      [front, canaryService],
      [web('web', 'canary.shop.example')],
      /Ingress web already has canary\.shop\.example\//,
    ],
    [
      'the name of its Service is taken',
      [front, { ...front, metadata: { name: 'shop-canary', namespace: 'default', uid: 'x' } }],
      [],
      /a Service shop-canary exists and was not made by Canaryhook/,
    ],
    ['the Service has no port for it', [front, udp], [], /an Ingress needs a TCP port/],
  ])('%s', async (_sentence, services, ingresses, told) => {
    const release = scene({ preview }, services, ingresses)
    const looks = [await release.look(), await release.look()]
    expect(looks.flatMap(({ writes }) => writes)).toEqual([])
    expect(release.cluster.events).toEqual(['NoPreview'])
    expect(release.lines.map(({ msg }) => msg)).toEqual([expect.stringMatching(told)])
    expect(release.state?.phase).toBe('Progressing')
    // Not a second later, as after a write that the release cannot do without.
    expect(looks[1]?.wakeAt).toBeGreaterThan(release.now + 60_000)
  })

  test('the API server refuses it', async () => {
    const release = scene({ preview }, [front, canaryService], [])
    for (let look = 0; look < 2; look += 1) {
      release.cluster.fail('create ingresses/shop-canary', 'CLUSTER_INVALID', 'path is not allowed')
      await release.look()
    }
    expect(release.cluster.events).toEqual(['NoPreview'])
    expect(release.lines[0]?.msg).toMatch(/goes on without its preview: path is not allowed/)
    // Whoever refused may have been mended meanwhile.
    expect((await release.look()).writes).toEqual(['create ingresses/shop-canary'])
  })

  test('for two reasons, each told once', async () => {
    const anothers = { ...front, metadata: { name: 'shop-canary', namespace: 'default', uid: 'x' } }
    const release = scene({ preview }, [front, anothers], [web('shop-canary', 'b.example')])
    for (let look = 0; look < 3; look += 1) await release.look()
    expect(release.cluster.events).toEqual(['NoPreview', 'NoPreview'])
  })

  test('and told again by the next release', async () => {
    const taken = web('shop-canary', 'b.example')
    const release = scene({ preview }, [front, canaryService], [taken])
    await release.look()
    const running = release.shop ?? shop()
    release.cluster.put('deployments', held({ preview, plan, phase: 'Failed', stable: 7 }))
    await release.look()
    release.cluster.put('deployments', running)
    await release.look()
    expect(release.cluster.events.filter(reason => reason === 'NoPreview')).toHaveLength(2)
    const read = readState(running.metadata.annotations)
    expect(read).toMatchObject({ state: { preview } })
  })
})

test('one that is there though no watch told of it yet is no news', async () => {
  const release = scene({ preview }, [front, canaryService], [])
  release.cluster.fail('create ingresses/shop-canary', 'CLUSTER_EXISTS')
  await release.look()
  expect(release.cluster.events).toEqual([])
})

test('a cluster that cannot be reached is no refusal: the look is tried again', async () => {
  const release = scene({ preview }, [front, canaryService], [])
  release.cluster.fail('create ingresses/shop-canary', 'CLUSTER_UNAVAILABLE')
  expect((await release.lookInVain()).code).toBe('CLUSTER_UNAVAILABLE')
})
