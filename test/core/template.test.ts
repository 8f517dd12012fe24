/** When two pod templates are the same version, and what they name. */
import { describe, expect, test } from 'vitest'
import type { PodTemplate } from '../../src/core/kubernetes.ts'
import { onlyRestarted, references, sameTemplate, templateHash } from '../../src/core/template.ts'
import { template } from './shop.ts'

const v1 = template('v1')
const container = { name: 'shop', image: 'shop:v1' }
const withMetadata = (metadata: NonNullable<PodTemplate['metadata']>): PodTemplate => ({ ...v1, metadata })
const withSpec = (spec: Record<string, unknown>): PodTemplate => ({
  ...v1,
  spec: { containers: [container], ...spec },
})
const labels = { app: 'shop' }
const restartedAt = { 'kubectl.kubernetes.io/restartedAt': '2026-03-01T12:00:00Z' }

describe('the same version', () => {
  test.each<readonly [string, PodTemplate]>([
    [
      'in another order of keys',
      { spec: { containers: [{ image: 'shop:v1', name: 'shop' }] }, metadata: { labels } },
    ],
    ['with a null', withSpec({ hostname: null })],
    [
      'with creationTimestamp: null, as the API server writes it',
      withMetadata({ labels, creationTimestamp: null }),
    ],
    ['with an empty map of annotations', withMetadata({ labels, annotations: {} })],
    ['restarted', withMetadata({ labels, annotations: restartedAt })],
    ['as a ReplicaSet has it', withMetadata({ labels: { ...labels, 'pod-template-hash': 'abc' } })],
  ])('%s', (_sentence, other) => {
    expect(sameTemplate(v1, other)).toBe(true)
    expect(templateHash(other)).toBe(templateHash(v1))
  })
})

describe('another version', () => {
  test.each<readonly [string, PodTemplate]>([
    ['by its image', template('v2')],
    ['by a label', withMetadata({ labels: { ...labels, tier: 'web' } })],
    ['by an annotation', withMetadata({ labels, annotations: { checksum: '1' } })],
    ['by false where nothing was', withSpec({ hostNetwork: false })],
    [
      'by an empty map, which may mean much (emptyDir: {})',
      withSpec({ volumes: [{ name: 'a', emptyDir: {} }] }),
    ],
    ['by the order of its containers', withSpec({ containers: [{ name: 'log' }, container] })],
    ['without a spec', { metadata: { labels } }],
  ])('%s', (_sentence, other) => {
    expect(sameTemplate(v1, other)).toBe(false)
    expect(templateHash(other)).not.toBe(templateHash(v1))
  })

  test('of containers in another order', () => {
    const two = [container, { name: 'log' }]
    expect(sameTemplate(withSpec({ containers: two }), withSpec({ containers: two.toReversed() }))).toBe(
      false,
    )
  })

  test('has a hash of ten hexadecimal digits', () => {
    expect(templateHash(v1)).toMatch(/^[0-9a-f]{10}$/)
    expect(templateHash({})).toMatch(/^[0-9a-f]{10}$/)
  })
})

test.each<readonly [string, PodTemplate, PodTemplate, boolean]>([
  ['a first restart', v1, withMetadata({ labels, annotations: restartedAt }), true],
  [
    'a second restart',
    withMetadata({ labels, annotations: { 'kubectl.kubernetes.io/restartedAt': 'before' } }),
    withMetadata({ labels, annotations: restartedAt }),
    true,
  ],
  ['nothing', v1, v1, false],
  ['another image only', v1, template('v2'), false],
  ['another image and a restart', template('v2'), withMetadata({ labels, annotations: restartedAt }), false],
])('only restarted: %s', (_sentence, before, after, expected) => {
  expect(onlyRestarted(before, after)).toBe(expected)
})

describe('references to ConfigMaps and Secrets', () => {
  test.each<readonly [string, Record<string, unknown>, readonly string[]]>([
    ['none', {}, []],
    [
      'of environments',
      {
        containers: [
          {
            name: 'shop',
            envFrom: [{ configMapRef: { name: 'a' } }, { secretRef: { name: 'b' } }],
            env: [
              { name: 'X', valueFrom: { configMapKeyRef: { name: 'c', key: 'x' } } },
              { name: 'Y', valueFrom: { secretKeyRef: { name: 'd', key: 'y' } } },
            ],
          },
        ],
      },
      ['ConfigMap/a', 'ConfigMap/c', 'Secret/b', 'Secret/d'],
    ],
    [
      'of volumes',
      {
        volumes: [
          { name: 'v', configMap: { name: 'a' } },
          { name: 'w', secret: { secretName: 'b' } },
          { name: 'x', projected: { sources: [{ configMap: { name: 'c' } }, { secret: { name: 'd' } }] } },
          { name: 'y', csi: { driver: 'x', nodePublishSecretRef: { name: 'e' } } },
        ],
      },
      ['ConfigMap/a', 'ConfigMap/c', 'Secret/b', 'Secret/d', 'Secret/e'],
    ],
    ['of image pulls', { imagePullSecrets: [{ name: 'a' }] }, ['Secret/a']],
    [
      'of init containers',
      { initContainers: [{ envFrom: [{ configMapRef: { name: 'a' } }] }] },
      ['ConfigMap/a'],
    ],
    ['each once', { imagePullSecrets: [{ name: 'a' }, { name: 'a' }] }, ['Secret/a']],
    [
      'and nothing that is only called so',
      { volumes: [{ name: 'secret', emptyDir: {} }], hostname: 'configMap' },
      [],
    ],
  ])('%s', (_sentence, spec, expected) => {
    expect(references(withSpec(spec))).toEqual(expected)
  })

  test('of a template without a spec: none', () => {
    expect(references({})).toEqual([])
  })
})
