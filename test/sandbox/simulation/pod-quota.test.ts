import type { V1Pod } from '@ngrok/webernetes'
import { expect, test } from 'vitest'
import { quotaUsage, refusalOf } from '../../../src/sandbox/simulation/pod-quota.ts'

const quota = (hard: Record<string, string>, name = 'pods') => ({ metadata: { name }, spec: { hard } })
const pods: V1Pod[] = ['Running', 'Pending', 'Succeeded'].map(phase => ({
  metadata: { name: phase },
  status: { phase },
}))

test.each([
  ['no quota lets it in', [], undefined],
  ['room for one more', [quota({ pods: '3' })], undefined],
  [
    'no room',
    [quota({ pods: '2' })],
    'pods "shop-x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2',
  ],
  [
    'count/pods counts those that are over too',
    [quota({ 'count/pods': '3' })],
    'pods "shop-x" is forbidden: exceeded quota: pods, requested: count/pods=1, used: count/pods=3, limited: count/pods=3',
  ],
  [
    'the quota that says no is named',
    [quota({ pods: '9' }, 'wide'), quota({ pods: '1' }, 'tight')],
    'pods "shop-x" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=2, limited: pods=1',
  ],
  ['what is not counted here does not refuse', [quota({ 'requests.cpu': '0' })], undefined],
])('%s', (_sentence, quotas, expected) => {
  expect(refusalOf('shop-x', quotas, pods)).toBe(expected)
})

test('usage is told for what is counted', () => {
  expect(quotaUsage(quota({ pods: '9', 'count/pods': '9', 'requests.cpu': '1' }), pods)).toEqual({
    pods: '2',
    'count/pods': '3',
  })
})
