/** A held template: what comes of it, by what serves. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { canarySeen, seen, setSeen, snapshotSeen } from '../observations.ts'
import { at, NOW, release, state } from '../shop.ts'
import { messages, reasons, shape } from './told.ts'

const applied = { paused: true, replicas: 10 }
const pending = (fields: Partial<State> = {}) =>
  state({ phase: 'Pending', release: '', since: undefined, applied, ...fields })

type Row = readonly [string, Partial<State>, Partial<Observation>, string, readonly string[]]

test.each<Row>([
  [
    'waits until the Deployment controller has seen the stored spec',
    {},
    { settled: false },
    'Pending, stable 10, canary keep',
    [],
  ],
  [
    'records what serves before anything else',
    {},
    { snapshot: undefined },
    'Pending, stable 10, canary keep',
    [],
  ],
  [
    'records it anew when other ReplicaSets serve now',
    {},
    { snapshot: snapshotSeen('v0') },
    'Pending, stable 10, canary keep',
    [],
  ],
  [
    'then it is a release, at its first step',
    {},
    {},
    'Progressing step 1, stable 10, canary 1',
    ['CanaryStarted'],
  ],
  [
    'one available pod is enough to protect',
    {},
    { sets: [setSeen('v1', 10, 1)] },
    'Progressing step 1, stable 10, canary 1',
    ['CanaryStarted'],
  ],
  [
    'no available pod: nothing to protect, a fix must be able to ship',
    {},
    { sets: [setSeen('v1', 10, 0)] },
    'Promoting, stable 10, canary keep',
    ['NoCanary'],
  ],
  [
    'no ReplicaSet with an available pod, while the Deployment counts ten: one is behind, nothing ships meanwhile',
    {},
    { sets: [setSeen('v1', 10, 0)], available: 10 },
    'Pending, stable 10, canary keep',
    [],
  ],
  [
    'no ReplicaSet is seen yet, while the Deployment counts pods: likewise',
    {},
    { sets: [], available: 10 },
    'Pending, stable 10, canary keep',
    [],
  ],
  [
    'the template that serves was put back, and somebody aborts: there is nothing to abort',
    { requests: [{ command: 'abort', by: 'bob' }] },
    { template: release('v1') },
    'Reverting, stable 10, canary keep',
    ['Reverted'],
  ],
  ['no ReplicaSet at all: likewise', {}, { sets: [] }, 'Promoting, stable 10, canary keep', ['NoCanary']],
  [
    'a rollout that was going on: both versions serve, the mix is what counts as stable',
    {},
    { sets: [setSeen('v0', 4), setSeen('v1', 6)], snapshot: snapshotSeen('v0', 'v1') },
    'Progressing step 1, stable 10, canary 1',
    ['CanaryStarted'],
  ],
  [
    'the template is the one that serves: un-paused',
    {},
    { template: release('v1') },
    'Reverting, stable 10, canary keep',
    ['Reverted'],
  ],
  [
    'the template is one of a mix: it was accepted before',
    {},
    {
      template: release('v0'),
      sets: [setSeen('v0', 4), setSeen('v1', 6)],
      snapshot: snapshotSeen('v0', 'v1'),
    },
    'Reverting, stable 10, canary keep',
    ['Reverted'],
  ],
  [
    'the template is the one of the snapshot, whose pods are away just now',
    {},
    { template: release('v1'), sets: [setSeen('v1', 10, 0)] },
    'Reverting, stable 10, canary keep',
    ['Reverted'],
  ],
  [
    'an old ReplicaSet of that template that serves nothing proves nothing',
    {},
    { sets: [setSeen('v1', 10), setSeen('v2', 0)] },
    'Progressing step 1, stable 10, canary 1',
    ['CanaryStarted'],
  ],
  [
    'a former canary that serves stays until stable is back',
    { stable: 5, applied: { paused: true, replicas: 5 } },
    { replicas: 5, canary: canarySeen(5) },
    'Pending, stable 8, canary 5',
    [],
  ],
  [
    'pod by pod it goes as stable serves',
    { stable: 10 },
    { sets: [setSeen('v1', 10, 8)], canary: canarySeen(5) },
    'Pending, stable 10, canary 2',
    [],
  ],
  [
    'a former canary stays while the Deployment itself counts fewer pods than its ReplicaSets, which are behind',
    {},
    { sets: [setSeen('v1', 10)], available: 7, canary: canarySeen(3) },
    'Pending, stable 10, canary 3',
    [],
  ],
  [
    'a former canary stays while what is told of stable is from before it was smaller',
    {},
    { sets: [{ ...setSeen('v1', 10), settled: false }], canary: canarySeen(3) },
    'Pending, stable 10, canary 3',
    [],
  ],
  [
    'a former canary that is not ready goes at once',
    { stable: 10 },
    { canary: canarySeen(3, 0) },
    'Pending, stable 10, canary none',
    [],
  ],
  [
    'v3 while v2 rolled out: the mix is brought to N before v2’s canary goes',
    { stable: 5, applied: { paused: true, replicas: 5 } },
    {
      replicas: 5,
      sets: [setSeen('v1', 2), setSeen('v2', 3)],
      template: release('v3'),
      canary: canarySeen(5),
    },
    'Pending, stable 8, canary 5',
    [],
  ],
  [
    'a former canary makes up for a mix that will never serve whole: v1 of that mix is rolled out, and it stays until then',
    {},
    { sets: [setSeen('v1', 5), setSeen('bad', 5, 0)], template: release('v1'), canary: canarySeen(5) },
    'Promoting, stable 10, canary keep',
    ['RolledOutAgain'],
  ],
  [
    'while such a mix is being brought back to N it is waited for',
    { stable: 5, applied: { paused: true, replicas: 5 } },
    {
      replicas: 5,
      sets: [setSeen('v1', 3), setSeen('bad', 2, 0)],
      template: release('v1'),
      canary: canarySeen(5),
    },
    'Pending, stable 8, canary 5',
    [],
  ],
  [
    'without a former canary stable grows to its share as the release begins',
    { stable: 7, applied: { paused: true, replicas: 7 } },
    { replicas: 7 },
    'Progressing step 1, stable 9, canary 1',
    ['CanaryStarted'],
  ],
  [
    'scaled to 0: nothing to compare with',
    { total: 0, stable: 0 },
    { replicas: 0 },
    'Promoting, stable 0, canary keep',
    ['NoCanary'],
  ],
  [
    'promoted by a person: no canary',
    { requests: [{ command: 'promote', by: 'bob' }] },
    {},
    'Promoting, stable 10, canary keep',
    ['PromotedByHand'],
  ],
  [
    'promoted by a person: a former canary is ended first all the same',
    { requests: [{ command: 'promote', by: 'bob' }], stable: 10 },
    { sets: [setSeen('v1', 10, 8)], canary: canarySeen(5) },
    'Pending, stable 10, canary 2',
    [],
  ],
  [
    'aborted before it began: held',
    { requests: [{ command: 'abort', by: 'bob' }] },
    {},
    'Failed, stable 10, canary none',
    ['CanaryFailed'],
  ],
  [
    'paused before it began: it begins and stays at its first step',
    { requests: [{ command: 'pause', by: 'bob' }] },
    {},
    'Progressing step 1, stable 10, canary 1',
    ['CanaryStarted', 'Paused'],
  ],
])('%s', (_sentence, fields, looks, expected, said) => {
  const decision = decide(pending(fields), seen(looks), NOW)
  expect(shape(decision)).toBe(expected)
  expect(reasons(decision)).toEqual(said)
})

describe('the snapshot', () => {
  test.each<readonly [string, Partial<Observation>, 'take' | 'keep']>([
    ['is taken when there is none', { snapshot: undefined }, 'take'],
    ['is taken anew when it is of other ReplicaSets', { snapshot: snapshotSeen('v0') }, 'take'],
    ['is kept when it is of those that serve', {}, 'keep'],
    [
      'is of every ReplicaSet that has pods, and of no other',
      { sets: [setSeen('v0', 0), setSeen('v1', 10)], snapshot: snapshotSeen('v0', 'v1') },
      'take',
    ],
  ])('%s', (_sentence, looks, expected) => {
    expect(decide(pending(), seen(looks), NOW).snapshot).toBe(expected)
  })
})

describe('the release that begins', () => {
  test('is named by the stored template and begins now', () => {
    const { state: begun, said } = decide(pending(), seen(), NOW)
    expect(begun).toMatchObject({ release: release('v2'), since: at(0), step: 0 })
    expect(said[0]?.message).toBe(`release ${release('v2')} by alice: 10%, 50%`)
  })

  test('knows nothing of the failure before it', () => {
    const failed = { reason: 'Aborted', message: 'x', failedAt: at(-9), reached: at(-9), unready: at(-9) }
    const { state: begun } = decide(pending(failed), seen(), NOW)
    for (const field of Object.keys(failed)) expect(begun).not.toHaveProperty(field)
    expect(begun).not.toHaveProperty('requests')
  })

  test('leaves stable alone where the former version’s ConfigMaps may be pruned', () => {
    const decision = decide(pending(), seen({ referencesChanged: true }), NOW)
    expect(shape(decision)).toBe('Progressing step 1, stable free, canary 1')
    expect(messages(decision)).toMatch(/surge, as the new template names other ConfigMaps or Secrets/)
  })

  test('leaves stable alone only once it has its full size', () => {
    const smaller = { stable: 7, applied: { paused: true, replicas: 7 } }
    const decision = decide(pending(smaller), seen({ replicas: 7, referencesChanged: true }), NOW)
    expect(decision.state).toMatchObject({ total: 10, stable: 10 })
  })
})

describe('a template that was changed past the webhook while v2 rolled out', () => {
  const look = (looks: Partial<Observation>, fields: Partial<State> = {}) =>
    decide(pending({ release: release('v2'), ...fields }), seen({ template: release('v3'), ...looks }), NOW)
  const none = { maxSurge: 0, maxUnavailable: 2 }

  test.each<readonly [string, Partial<Observation>, readonly (readonly [string, number])[]]>([
    [
      'keeps its pods that serve until others cover them',
      { sets: [setSeen('v1', 9), setSeen('v3', 1)] },
      [['shop-v1', 10]],
    ],
    [
      'loses its pods that do not serve at once',
      { sets: [setSeen('v1', 8), setSeen('v3', 4, 2)] },
      [
        ['shop-v1', 10],
        ['shop-v3', 2],
      ],
    ],
    [
      'loses all of them when the others are back',
      { sets: [setSeen('v1', 10), setSeen('v3', 2)] },
      [['shop-v3', 0]],
    ],
    [
      'loses them while one of v1 is away where maxSurge is 0, since there is no room for another',
      { sets: [setSeen('v1', 8), setSeen('v3', 2)], strategy: { rollingUpdate: none } },
      [
        ['shop-v1', 10],
        ['shop-v3', 0],
      ],
    ],
    [
      'is covered by pods of the version that was accepted, too',
      { sets: [setSeen('v1', 4), setSeen('v2', 6), setSeen('v3', 1)] },
      [['shop-v3', 0]],
    ],
    [
      'gives way to a smaller one that does not become the largest before its pods went',
      { sets: [setSeen('v1', 3), setSeen('v3', 10)] },
      [
        ['shop-v1', 6],
        ['shop-v3', 7],
      ],
    ],
  ])('%s', (_sentence, looks, mends) => {
    const decision = look(looks)
    expect(shape(decision)).toBe('Pending, stable 10, canary keep')
    expect(decision.mend).toEqual(mends.map(([name, replicas]) => ({ kind: 'scale', name, replicas })))
  })

  test('gets a canary when its pods are gone', () => {
    expect(shape(look({ sets: [setSeen('v1', 10), setSeen('v3', 0)] }))).toMatch(/^Progressing step 1/)
  })

  test('is what serves where nothing else does any more', () => {
    expect(shape(look({ sets: [setSeen('v1', 0), setSeen('v3', 10)] }))).toMatch(/^Reverting/)
  })

  test('and was the version before: that one was accepted', () => {
    const back = { template: release('v1'), sets: [setSeen('v1', 8), setSeen('v2', 2)] }
    expect(shape(look(back))).toMatch(/^Reverting/)
  })

  test('can be aborted: it is held', () => {
    const requests = [{ command: 'abort', by: 'bob' }] as const
    const decision = look({ sets: [setSeen('v1', 9), setSeen('v3', 1)] }, { requests: [...requests] })
    expect(shape(decision)).toBe('Failed, stable 10, canary none')
  })
})

test('what is aborted in the middle of the former rollout is held once the mix that serves is recorded', () => {
  const abort = { command: 'abort', by: 'bob' } as const
  const mix = { sets: [setSeen('v0', 4), setSeen('v1', 6)] }
  const aborted = pending({ requests: [abort] })
  const first = decide(aborted, seen({ ...mix, snapshot: snapshotSeen('v0') }), NOW)
  expect(first).toMatchObject({ snapshot: 'take', state: { phase: 'Pending', requests: [abort] } })
  const then = decide(aborted, seen({ ...mix, snapshot: snapshotSeen('v0', 'v1') }), NOW)
  expect(then).toMatchObject({ state: { phase: 'Failed', reason: 'Aborted' }, mend: [] })
})

test('what was aborted before it began says by whom and why', () => {
  const abort = { command: 'abort', by: 'bob', because: 'canaryhook.dev/steps was removed' } as const
  const { state: left, conditions } = decide(pending({ requests: [abort] }), seen(), NOW)
  expect(left).toMatchObject({ phase: 'Failed', reason: 'Aborted', release: release('v2'), failedAt: at(0) })
  expect(left?.message).toBe('aborted by bob (canaryhook.dev/steps was removed)')
  expect(conditions).toMatchObject({ Stalled: { reason: 'Aborted' } })
})

test('after opting out the next template is let go, and what was left of the release is taken away', () => {
  const requests = [{ command: 'promote', by: 'bob', because: 'steps removed' }] as const
  const left = pending({ requests: [...requests], unprotected: true })
  const letGo = decide(left, seen(), NOW)
  expect(shape(letGo)).toBe('Promoting, stable 10, canary keep')
  const looks = seen({ paused: false, rolledOut: false })
  const over = decide({ ...(letGo.state ?? left), applied: { paused: false, replicas: 10 } }, looks, NOW)
  expect(over).toMatchObject({
    state: { phase: 'Succeeded' },
    snapshot: 'drop',
    canary: 'none',
    conditions: {},
  })
})
