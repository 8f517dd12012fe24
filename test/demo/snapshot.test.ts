import { describe, expect, test } from 'vitest'
import type { Deployment, Pod } from '../../src/core/kubernetes.ts'
import { readSnapshot } from '../../src/demo/snapshot.ts'

const AT = Date.parse('2030-01-01T00:00:07Z')

const state = {
  version: 1,
  phase: 'Progressing',
  release: '62d39f0bab',
  plan: '10% for 12s, 50% for 8s',
  deadline: 600,
  maxRestarts: 2,
  onFailure: 'hold',
  total: 10,
  stable: 9,
  step: 0,
  since: '2029-12-31T23:59:58.000Z',
  reached: '2030-01-01T00:00:00.000Z',
}

const shop = (recorded?: object): Deployment => ({
  metadata: {
    name: 'shop',
    annotations: recorded ? { 'canaryhook.dev/state': JSON.stringify(recorded) } : {},
  },
  spec: {
    selector: { matchLabels: { app: 'shop' } },
    template: { spec: { containers: [{ name: 'shop', image: 'shop:v2' }] } },
  },
})

const pod = (image: string, ready: boolean, canary = false, going = false): Pod => ({
  metadata: {
    name: 'p',
    ...(canary && { labels: { 'canaryhook.dev/track': 'canary' } }),
    ...(going && { deletionTimestamp: '2030-01-01T00:00:00Z' }),
  },
  spec: { containers: [{ name: 'shop', image }] },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})

describe('readSnapshot', () => {
  test('tells the step and since when its weight stands', () => {
    expect(readSnapshot(shop(state), [], AT)).toMatchObject({
      phase: 'Progressing',
      step: 'step 1 of 2: 10% for 12s',
      reached: Date.parse('2030-01-01T00:00:00Z'),
      applied: 'v2',
    })
  })

  test('tells why a release failed, and no step then', () => {
    const failed = { ...state, phase: 'Failed', message: 'restarted 3 times' }
    const snapshot = readSnapshot(shop(failed), [], AT)
    expect(snapshot).toMatchObject({ phase: 'Failed', message: 'restarted 3 times' })
    expect(snapshot.step).toBeUndefined()
  })

  test('has no phase before the first release', () => {
    expect(readSnapshot(shop(), [], AT).phase).toBeUndefined()
  })

  test('groups pods by version, canary pods apart, and leaves out those that go', () => {
    const pods = [
      pod('shop:v1', true),
      pod('shop:v1', false),
      pod('shop:v2', true),
      pod('shop:v1', true, false, true),
      pod('shop:v2', false, true),
    ]
    expect(readSnapshot(shop(state), pods, AT)).toMatchObject({
      stable: [
        { version: 'v1', ready: 1, unready: 1 },
        { version: 'v2', ready: 1, unready: 0 },
      ],
      canary: [{ version: 'v2', ready: 0, unready: 1 }],
    })
  })
})
