/** The objects that Canaryhook creates. */
import { describe, expect, test } from 'vitest'
import { nameHash } from '../../src/core/names.ts'
import { makeBaseline, makeCanary, makeEvent, makeSnapshot, restoredSet } from '../../src/core/objects.ts'
import { snapshotSets } from '../../src/core/observe.ts'
import { templateHash } from '../../src/core/template.ts'
import { held, NOW, release, replicaSet, shop } from './shop.ts'

const ours = { 'canaryhook.dev/track': 'canary', 'canaryhook.dev/of': nameHash('shop') }
const ownedByShop = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'shop',
  uid: 'shop-uid',
  controller: true,
}

describe('the baseline Deployment', () => {
  const accepted = { ...ours, 'canaryhook.dev/track': 'baseline' }
  const made = makeBaseline(held(), replicaSet('v1', 10), 2)

  test('runs the accepted version, not the stored one, with our labels', () => {
    expect(made.spec.template.spec).toEqual(shop({ version: 'v1' }).spec.template.spec)
    expect(made.spec.template.metadata?.labels).toEqual({ app: 'shop', ...accepted })
    expect(made.metadata.labels).toMatchObject({ 'canaryhook.dev/release': release('v1'), ...accepted })
  })

  test('is in everything else a canary of its own', () => {
    const canary = makeCanary(held(), 2)
    expect(made.metadata).toMatchObject({ name: 'shop-baseline', ownerReferences: [ownedByShop] })
    expect(made.spec.selector).toEqual({ matchLabels: { app: 'shop', ...accepted } })
    expect({ ...made.spec, selector: {}, template: {} }).toEqual({
      ...canary.spec,
      selector: {},
      template: {},
    })
  })

  test('is as isolated as the canary', () => {
    const { metadata, spec } = makeBaseline(held(), replicaSet('v1', 10), 1, { isolated: true })
    expect(metadata.labels).toHaveProperty(['canaryhook.dev/isolated'], 'true')
    expect(spec.template.spec?.readinessGates).toEqual([{ conditionType: 'canaryhook.dev/live' }])
  })
})

describe('the canary Deployment', () => {
  const deployment = held({}, { spec: { minReadySeconds: 5, strategy: { rollingUpdate: { maxSurge: 1 } } } })
  const made = makeCanary(deployment, 3)

  test('is owned by the user’s, and does not keep its deletion waiting', () => {
    expect(made.metadata).toMatchObject({ name: 'shop-canary', namespace: 'default' })
    expect(made.metadata.ownerReferences).toEqual([ownedByShop])
  })

  test('selects its own pods alone, by the user’s selector and our labels', () => {
    const matchExpressions = [{ key: 'tier', operator: 'Exists' }]
    const selector = { matchLabels: { app: 'shop' }, matchExpressions }
    const { spec } = makeCanary(shop({ spec: { selector } }), 1)
    expect(spec.selector).toEqual({ matchLabels: { app: 'shop', ...ours }, matchExpressions })
    const onlyExpressions = makeCanary(shop({ spec: { selector: { matchExpressions } } }), 1)
    expect(onlyExpressions.spec.selector).toEqual({ matchLabels: ours, matchExpressions })
  })

  test('runs the stored template with our labels and nothing else changed', () => {
    const { template } = deployment.spec
    const labels = { app: 'shop', ...ours }
    expect(made.spec.template).toEqual({ ...template, metadata: { labels } })
    expect(makeCanary(shop({ spec: { template: {} } }), 1).spec.template).toEqual({
      metadata: { labels: ours },
    })
  })

  test('has the user’s strategy and minReadySeconds, and no deadline but ours', () => {
    expect(made.spec).toMatchObject({
      replicas: 3,
      minReadySeconds: 5,
      strategy: { rollingUpdate: { maxSurge: 1 } },
      progressDeadlineSeconds: 2147483647,
    })
    expect(made.spec).not.toHaveProperty('paused')
  })

  test('that is alone gives way to the pods that serve without a pod more', () => {
    const { spec } = makeCanary(deployment, 1, { isolated: true })
    expect(spec.strategy?.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: '100%' })
  })

  test('says which release it is for', () => {
    expect(made.metadata.labels).toEqual({
      ...ours,
      'canaryhook.dev/release': templateHash(deployment.spec.template),
    })
  })

  test.each([
    ['canaryhook.dev/steps', false],
    ['canaryhook.dev/state', false],
    ['kubectl.kubernetes.io/last-applied-configuration', false],
    ['deployment.kubernetes.io/revision', false],
    ['meta.helm.sh/release-name', false],
    ['helm.sh/chart', false],
    ['argocd.argoproj.io/tracking-id', false],
    ['app.kubernetes.io/instance', false],
    ['app.kubernetes.io/managed-by', false],
    ['kustomize.toolkit.fluxcd.io/name', false],
    ['helm.toolkit.fluxcd.io/namespace', false],
    ['app.kubernetes.io/name', true],
    ['team', true],
    ['example.com/canaryhook.dev', true],
  ])('%s of the user’s Deployment is copied: %s', (key, isCopied) => {
    const { metadata } = makeCanary(shop({ annotations: { [key]: 'x' }, metadata: {} }), 1)
    expect(Object.hasOwn(metadata.annotations ?? {}, key)).toBe(isCopied)
    const labelled = makeCanary(shop({ metadata: { labels: { [key]: 'x' } } }), 1)
    expect(Object.hasOwn(labelled.metadata.labels ?? {}, key)).toBe(isCopied)
  })
})

/** JSON as encoding/json of Go prints a map: keys sorted, and some characters escaped. */
function writtenByGo(value: unknown): string {
  const sorted = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
  return sorted.replace(
    /[<>&\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

describe('the snapshot', () => {
  const sets = [replicaSet('v1', 7), replicaSet('v2', 3)]
  const made = makeSnapshot(shop(), sets)

  test('is controlled by the user’s Deployment and has none of the app’s labels: nobody else may adopt it', () => {
    expect(made.metadata.ownerReferences).toEqual([ownedByShop])
    expect(made.metadata.labels).toEqual({
      'canaryhook.dev/track': 'stable',
      'canaryhook.dev/of': nameHash('shop'),
    })
  })

  test('gives back every ReplicaSet as it can be created again', () => {
    for (const [index, set] of snapshotSets(JSON.parse(JSON.stringify(made))).entries()) {
      const { name, namespace, labels, ownerReferences } = sets[index]?.metadata ?? { name: '' }
      const restored = restoredSet(set, 4, shop())
      expect(restored.metadata).toMatchObject({ name, namespace, labels, ownerReferences })
      expect(restored.metadata.uid).toBeUndefined()
      expect(restored.spec).toEqual({ ...sets[index]?.spec, replicas: 4 })
      expect(restored).not.toHaveProperty('status')
    }
  })

  test('has data that stay the same, by a byte, when the API server writes them anew', () => {
    const set = replicaSet('v1', 7)
    const containers = [
      { name: 'shop', image: 'shop:v1', command: ['sh', '-c', 'a && b <c >d \u2028 \b é"\\'] },
    ]
    const told = { ...set, spec: { ...set.spec, template: { ...set.spec.template, spec: { containers } } } }
    const { data } = makeSnapshot(shop(), [told])
    expect(JSON.stringify(data)).toBe(writtenByGo(data))
    expect(snapshotSets({ ...made, data })).toMatchObject([{ spec: { template: { spec: { containers } } } }])
  })

  test('gives it back with the sizes that the Deployment controller would note on it', () => {
    const deployment = shop({ spec: { replicas: 7, strategy: { rollingUpdate: { maxSurge: 2 } } } })
    const annotated = { ...replicaSet('v1', 7), metadata: { name: 'shop-v1', annotations: { note: 'x' } } }
    expect(restoredSet(annotated, 7, deployment).metadata.annotations).toEqual({
      note: 'x',
      'deployment.kubernetes.io/desired-replicas': '7',
      'deployment.kubernetes.io/max-replicas': '9',
    })
  })

  test('of other ReplicaSets has another name', () => {
    expect(makeSnapshot(shop(), [replicaSet('v3', 1)]).metadata.name).not.toBe(made.metadata.name)
  })

  test.each([
    ['of somebody else', { replicaSet: [] }],
    ['that are no JSON', { replicaSets: 'x' }],
    ['that are no list', { replicaSets: '{}' }],
    ['that are no text', { replicaSets: [] }],
    ['that are nothing', null],
    ['that are missing', undefined],
  ])('with data %s holds nothing', (_sentence, data) => {
    expect(snapshotSets({ ...made, data })).toEqual([])
  })
})

describe('an Event', () => {
  const said = { type: 'Normal', reason: 'CanaryStarted', message: 'release v2' } as const
  const made = makeEvent(shop(), said, NOW + 123, 0)

  test('is about the user’s Deployment, in its namespace', () => {
    expect(made).toMatchObject({
      ...said,
      metadata: { namespace: 'default' },
      involvedObject: { kind: 'Deployment', namespace: 'default', name: 'shop', uid: 'shop-uid' },
      firstTimestamp: '2026-03-01T12:00:00Z',
      lastTimestamp: '2026-03-01T12:00:00Z',
    })
  })

  test('has a name of its own, also beside others of the same moment and of the next', () => {
    const names = [0, 1, 2, 999].flatMap(count =>
      [NOW, NOW + 1].map(now => makeEvent(shop(), said, now, count).metadata.name),
    )
    expect(new Set(names).size).toBe(names.length)
  })

  test('is cut to what the API takes', () => {
    const bytes = (text: string) => new TextEncoder().encode(text).length
    const { message } = makeEvent(shop(), { ...said, message: 'a'.repeat(3000) }, NOW, 0)
    expect(message).toMatch(/^a{900,1023}…$/)
    expect(bytes(message)).toBeLessThanOrEqual(1024)
    const arrows = makeEvent(shop(), { ...said, message: '→'.repeat(1000) }, NOW, 0).message
    expect(arrows).toMatch(/^→{300,341}…$/)
    expect(bytes(arrows)).toBeLessThanOrEqual(1024)
  })
})
