import type { V1Node, V1Pod } from '@ngrok/webernetes'
import { describe, expect, test } from 'vitest'
import { fitMessage, obstaclesOn, sumRequests } from '../../../src/sandbox/simulation/node-fit.ts'
import { parseQuantity } from '../../../src/sandbox/simulation/resource-quantity.ts'

const node = (spec: object = {}): V1Node => ({
  metadata: { name: 'node-1', labels: { disk: 'ssd' } },
  spec,
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3' } },
})

const pod = (spec: object = {}, resources: object = {}): V1Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', resources }], ...spec },
})

describe('obstaclesOn', () => {
  test.each([
    ['a pod that asks for nothing fits', node(), pod(), []],
    ['a request that fits', node(), pod({}, { requests: { cpu: '1500m' } }), []],
    ['too much cpu', node(), pod({}, { requests: { cpu: '2500m' } }), ['Insufficient cpu']],
    [
      'a limit without a request is the request',
      node(),
      pod({}, { limits: { memory: '2Gi' } }),
      ['Insufficient memory'],
    ],
    [
      'a resource that no node has',
      node(),
      pod({}, { limits: { 'nvidia.com/gpu': 1 } }),
      ['Insufficient nvidia.com/gpu'],
    ],
    ['a selector that matches', node(), pod({ nodeSelector: { disk: 'ssd' } }), []],
    [
      'a selector that does not',
      node(),
      pod({ nodeSelector: { disk: 'hdd' } }),
      ["node(s) didn't match Pod's node affinity/selector"],
    ],
    ['a cordoned node', node({ unschedulable: true }), pod(), ['node(s) were unschedulable']],
    [
      'a taint',
      node({ taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
      pod(),
      ['node(s) had untolerated taint(s)'],
    ],
    [
      'a taint that is tolerated',
      node({ taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
      pod({ tolerations: [{ key: 'gpu' }] }),
      [],
    ],
    ['a taint that only asks', node({ taints: [{ key: 'gpu', effect: 'PreferNoSchedule' }] }), pod(), []],
  ])('%s', (_sentence, on, candidate, expected) => {
    expect(obstaclesOn(on, candidate, new Map())).toEqual(expected)
  })

  test('what other pods use is not free', () => {
    const others = sumRequests([pod({}, { requests: { cpu: '1' } }), pod(), pod()])
    const obstacles = obstaclesOn(node(), pod({}, { requests: { cpu: '1500m' } }), others)
    expect(obstacles).toEqual(['Too many pods', 'Insufficient cpu'])
  })
})

test.each([
  ['no node at all', [], 'no nodes available to schedule pods'],
  [
    'no room anywhere',
    [['Insufficient cpu'], ['Insufficient cpu', 'Insufficient memory']],
    '0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
  ],
  [
    'no node matches',
    [["node(s) didn't match Pod's node affinity/selector"]],
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
  ],
])('the scheduler says: %s', (_sentence, obstacles, expected) => {
  expect(fitMessage(obstacles)).toBe(expected)
})

test.each([
  ['100m', 0.1],
  ['2', 2],
  [3, 3],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['1k', 1000],
  ['much', undefined],
  ['1 Gi', undefined],
])('the quantity %s is %s', (quantity, expected) => {
  expect(parseQuantity(quantity)).toBe(expected)
})
