import { describe, expect, test } from 'vitest'
import type { KeptReplicaSet } from '../../../src/core/kept.ts'
import type { Deployment } from '../../../src/core/kubernetes.ts'
import { makeSnapshot } from '../../../src/core/objects.ts'
import { STALLED } from '../../../src/core/phases/failed.ts'
import {
  type Before,
  type Found,
  nextStep,
  type Step,
  UNINSTALL,
} from '../../../src/core/uninstall/next-step.ts'
import { held, NOW, replicaSet, STATE, shop, state } from '../shop.ts'

const NEVER: Before = { retried: false, letGo: false }
const v1 = replicaSet('v1', 10)

function found(deployment: Deployment, more: Partial<Found> = {}): Found {
  const snapshots = [makeSnapshot(deployment, [v1])]
  return { deployment, sets: [v1], snapshots, hasSibling: false, hasLeftovers: true, ...more }
}

/** The former version is back at its full size and the canary is gone. */
const ready = { phase: 'Failed', reason: 'Aborted', stable: 10 } as const

const complete = { observedGeneration: 3, replicas: 10, updatedReplicas: 10, availableReplicas: 10 }
const VERSION = { op: 'replace', path: '/metadata/resourceVersion', value: '100' }
const WITHOUT_STATE = { op: 'remove', path: '/metadata/annotations/canaryhook.dev~1state' }
const none = { snapshots: [], hasLeftovers: false }

function patches(deed: string, body: object): (step: Step) => void {
  return step => expect(step).toMatchObject({ kind: 'patch', deed, body })
}

const waits =
  (until: RegExp) =>
  (step: Step): void =>
    expect(step).toEqual({ kind: 'wait', until: expect.stringMatching(until) })

const is =
  (kind: Step['kind']) =>
  (step: Step): void =>
    expect(step).toMatchObject({ kind })

/** One write that puts v1 back, un-pauses and forgets. */
const letsGoWithV1 = (step: Step): void => {
  expect(step).toMatchObject({ kind: 'patch', deed: 'let go', to: 'main' })
  const body = step.kind === 'patch' ? step.body : {}
  expect(body).toEqual({
    metadata: { resourceVersion: '100', annotations: { [STATE]: null } },
    spec: {
      paused: null,
      template: {
        $patch: 'replace',
        metadata: { labels: { app: 'shop' } },
        spec: { containers: [{ name: 'shop', image: 'shop:v1' }] },
      },
    },
  })
}

const aborts = (step: Step): void => {
  expect(step).toMatchObject({ kind: 'patch', deed: 'abort', to: 'status' })
  const { metadata } = (step as { body: { metadata: { resourceVersion: string; annotations: object } } }).body
  expect(metadata.resourceVersion).toBe('100')
  const written = JSON.parse((metadata.annotations as Record<string, string>)[STATE] ?? '')
  expect(written.requests).toEqual([{ command: 'abort', by: UNINSTALL }])
}

type Row = readonly [string, Found, (step: Step) => void]

describe('a release that lives', () => {
  test.each<Row>([
    ['is aborted while its canary runs', found(held()), aborts],
    ['is aborted before it has begun', found(held({ phase: 'Pending', release: '' })), aborts],
    [
      'is aborted though a person holds it and somebody approved',
      found(held({ requests: [{ command: 'approve', by: 'bob', step: 0 }] })),
      aborts,
    ],
    [
      'is not aborted twice',
      found(held({ requests: [{ command: 'abort', by: UNINSTALL }] })),
      waits(/its release is aborted/),
    ],
    [
      'is not aborted where a person promoted it just before',
      found(held({ requests: [{ command: 'promote', by: 'bob' }] })),
      waits(/it is rolled out, as was asked for before/),
    ],
    [
      'is let through where nothing serves that could be protected',
      found(held({ phase: 'Pending', release: '' }), { sets: [replicaSet('v1', 10, 0)] }),
      waits(/no pod of a former version is available/),
    ],
    ['that was accepted is rolled out', found(held({ phase: 'Promoting' })), waits(/serves on every pod/)],
    [
      'that goes back gets there',
      found(held({ phase: 'Reverting' })),
      waits(/back at the version that serves/),
    ],
    [
      'that failed waits until its canary is covered',
      found(held(ready), { hasSibling: true }),
      waits(/serves on all 10 pods and the canary is gone/),
    ],
    [
      'that failed waits until the former version has its size',
      found(held(ready, { spec: { replicas: 7 } })),
      waits(/the former version has 10 pods/),
    ],
    ['that failed is let go with the former version', found(held(ready)), letsGoWithV1],
    [
      'that failed with the size left to an autoscaler is let go at whatever size',
      found(held({ ...ready, stable: undefined, surge: 'HPA' }, { spec: { replicas: 7 } })),
      letsGoWithV1,
    ],
    ['that failed is let go by what serves where no record is left', found(held(ready), none), letsGoWithV1],
    [
      'of which the former version was applied again is let go with the template as it is',
      found(held(ready, { version: 'v1' })),
      step => expect(step).toMatchObject({ former: { kind: 'stored' } }),
    ],
    [
      'that failed with nothing left to go back to is for a person to decide',
      found(held(ready), { ...none, sets: [] }),
      step => expect(step).toMatchObject({ kind: 'stuck', command: expect.stringMatching(/rollout resume/) }),
    ],
    [
      'that is held at 0 replicas is let go, since nothing can start',
      found(held({ ...ready, total: 0, stable: 0 }), { ...none, sets: [] }),
      step => expect(step).toMatchObject({ deed: 'let go', former: { kind: 'unknown' } }),
    ],
    [
      'whose promotion stalled is promoted once more',
      found(held({ phase: 'Failed', reason: STALLED, message: 'no quota' })),
      patches('retry', {}),
    ],
  ])('%s', (_sentence, given, check) => check(nextStep(given, NEVER, NOW)))

  test('whose promotion stalls again after that is for a person to look at', () => {
    const stalled = found(held({ phase: 'Failed', reason: STALLED, message: 'no quota' }))
    expect(nextStep(stalled, { retried: true, letGo: false }, NOW)).toMatchObject({
      kind: 'stuck',
      why: expect.stringMatching(/^no quota\. It is paused/),
    })
  })
})

describe('a state that cannot be read', () => {
  const newer = (fields: object) => JSON.stringify({ ...state(), version: 2, ...fields })
  const paused = (replicas: number, availableReplicas: number) =>
    shop({
      version: 'v2',
      state: newer({ total: 10 }),
      spec: { paused: true, replicas },
      status: { availableReplicas },
    })
  test.each<Row>([
    [
      'first gets the former version its size back, as far as it says one',
      found(paused(5, 5), { hasSibling: true }),
      patches('grow', { spec: { replicas: 10 } }),
    ],
    [
      'waits for these pods as long as a canary serves for them',
      found(paused(10, 5), { hasSibling: true }),
      waits(/serves on all 10 pods/),
    ],
    ['is let go then', found(paused(10, 10), { hasSibling: true }), letsGoWithV1],
    [
      'is let go at the size that is there where it is no JSON',
      found(shop({ version: 'v2', state: '{', spec: { paused: true } })),
      letsGoWithV1,
    ],
  ])('%s', (_sentence, given, check) => check(nextStep(given, NEVER, NOW)))
})

describe('what is left when no release lives', () => {
  const ended = state({ phase: 'Succeeded', stable: undefined })
  const rest = shop({ state: ended, status: complete })
  const managed = [
    { manager: 'kubectl', operation: 'Apply' },
    { manager: 'canaryhook', operation: 'Update', fieldsV1: {} },
    { manager: 'canaryhook', operation: 'Apply' },
    { manager: 'canaryhook', operation: 'Update', subresource: 'status' },
  ]
  test.each<Row>([
    ['nothing, of a Deployment that never had a release', found(shop(), none), is('done')],
    [
      'nothing, of one that is being deleted',
      found(held({}, { metadata: { deletionTimestamp: 'now' } })),
      is('done'),
    ],
    [
      'waits for its rollout',
      found(shop({ state: ended, status: { ...complete, updatedReplicas: 4 } })),
      waits(/rolled out/),
    ],
    ['what stands beside it goes first', found(rest), is('sweep')],
    [
      'then its conditions',
      found(
        shop({
          state: ended,
          status: { ...complete, conditions: [{ type: 'Stalled', status: 'True', message: 'x' }] },
        }),
        none,
      ),
      patches('clear', { status: { conditions: [{ type: 'Stalled', $patch: 'delete' }] } }),
    ],
    [
      'is held by us although somebody took the state away',
      found(shop({ version: 'v2', spec: { paused: true } })),
      letsGoWithV1,
    ],
    [
      'stays paused where it is paused by its user',
      found(shop({ spec: { paused: true }, state: ended, status: complete }), none),
      patches('clear', [VERSION, WITHOUT_STATE]),
    ],
  ])('%s', (_sentence, given, check) => check(nextStep(given, NEVER, NOW)))

  test('the record and our part of managedFields go in one write, and nobody else’s part', () => {
    const deployment = shop({ state: ended, status: complete, metadata: {} })
    const metadata = { ...deployment.metadata, managedFields: managed }
    const step = nextStep(found({ ...deployment, metadata }, none), NEVER, NOW)
    const removed = [3, 1].map(place => ({ op: 'remove', path: `/metadata/managedFields/${place}` }))
    expect(step).toMatchObject({ body: [VERSION, WITHOUT_STATE, ...removed] })
  })
})

test('of a mix of accepted versions it is the newest that is put back', () => {
  const revision = (set: KeptReplicaSet, number: string) => ({
    ...replicaSet(set.metadata.name.slice(5), 5),
    metadata: { ...set.metadata, annotations: { 'deployment.kubernetes.io/revision': number } },
  })
  const deployment = held({ ...ready, release: 'v3' }, { version: 'v3' })
  const mix = [revision(replicaSet('v2', 5), '8'), revision(replicaSet('v1', 5), '12')]
  const step = nextStep(found(deployment, { snapshots: [makeSnapshot(deployment, mix)] }), NEVER, NOW)
  expect(step).toMatchObject({ former: { set: { metadata: { name: 'shop-v1' } } } })
})
