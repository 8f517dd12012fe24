/** What the canary's pods say, in Kubernetes' own words. */
import { describe, expect, test } from 'vitest'
import { explain, failureOf } from '../../src/core/health.ts'
import type { Condition, ContainerStatus, Pod } from '../../src/core/kubernetes.ts'
import type { Observation } from '../../src/core/observe.ts'
import { baselineSeen, canarySeen, seen } from './observations.ts'
import { pod } from './shop.ts'

const container = (fields: Partial<ContainerStatus>): Pod =>
  pod('shop-canary-1', { containerStatuses: [{ name: 'shop', ...fields }] })
const waiting = (reason: string, message?: string) => ({
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
})
const crashed = { lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'no /etc/shop\n' } } }
const condition = (type: string, fields: Partial<Condition>): Pod =>
  pod('shop-canary-1', { conditions: [{ type, status: 'False', ...fields }] })

describe('the canary must go at once', () => {
  test.each<readonly [string, Pod, { reason: string; message: string }]>([
    [
      'restarted more often than allowed, with its last words',
      container({ restartCount: 3, ...crashed }),
      {
        reason: 'CanaryRestarted',
        message:
          'canary pod shop-canary-1, container shop restarted 3 times (at most 2 allowed); last exit: Error, exit code 1: no /etc/shop',
      },
    ],
    [
      'an init container restarted more often than allowed',
      pod('shop-canary-1', { initContainerStatuses: [{ name: 'migrate', restartCount: 5 }] }),
      {
        reason: 'CanaryRestarted',
        message: 'canary pod shop-canary-1, container migrate restarted 5 times (at most 2 allowed)',
      },
    ],
    [
      'an image name that will never do',
      container(waiting('InvalidImageName', 'couldn’t parse image name')),
      {
        reason: 'InvalidImageName',
        message: 'canary pod shop-canary-1, container shop: InvalidImageName: couldn’t parse image name',
      },
    ],
  ])('%s', (_sentence, one, failure) => {
    expect(failureOf(seen({ pods: [pod('fine'), one] }), 2)).toEqual(failure)
  })

  test('with max-restarts 0 a single restart is too many', () => {
    const failure = failureOf(seen({ pods: [container({ restartCount: 1 })] }), 0)
    expect(failure?.message).toMatch(/restarted once \(at most 0 allowed\)/)
  })
})

test.each<readonly [string, Pod]>([
  ['as many restarts as allowed', container({ restartCount: 2, ...crashed })],
  ['CrashLoopBackOff by itself', container({ restartCount: 1, ...waiting('CrashLoopBackOff') })],
  ['an image that cannot be pulled', container(waiting('ImagePullBackOff'))],
  ['a pod that cannot be scheduled', condition('PodScheduled', { reason: 'Unschedulable' })],
  ['a pod of which nothing is known yet', pod('shop-canary-1')],
])('may stay until the deadline: %s', (_sentence, one) => {
  expect(failureOf(seen({ pods: [one] }), 2)).toBeUndefined()
})

describe('why it is not ready', () => {
  const unready = canarySeen(3, 1)
  test.each<readonly [string, Partial<Observation>, string]>([
    ['nothing to say but the count', { canary: unready }, '1 of 3 canary pods are ready'],
    ['no canary at all', {}, '0 of 3 canary pods are ready'],
    [
      'a write of ours was refused',
      { refused: 'exceeded quota: pods', canary: canarySeen(3, 1, { failure: 'x' }) },
      '1 of 3 canary pods are ready: exceeded quota: pods',
    ],
    [
      'its pods cannot be made',
      { canary: canarySeen(3, 1, { failure: 'forbidden: exceeded quota' }), pods: [container(waiting('x'))] },
      '1 of 3 canary pods are ready: forbidden: exceeded quota',
    ],
    [
      'a pod cannot be scheduled',
      { canary: unready, pods: [condition('PodScheduled', { message: '0/3 nodes are available' })] },
      '1 of 3 canary pods are ready: pod shop-canary-1 cannot be scheduled: 0/3 nodes are available',
    ],
    [
      'an image cannot be pulled',
      { canary: unready, pods: [container(waiting('ErrImagePull', 'not found'))] },
      '1 of 3 canary pods are ready: canary pod shop-canary-1, container shop: ErrImagePull: not found',
    ],
    [
      'a container crashes again and again',
      { canary: unready, pods: [container({ restartCount: 2, ...waiting('CrashLoopBackOff'), ...crashed })] },
      '1 of 3 canary pods are ready: canary pod shop-canary-1, container shop: CrashLoopBackOff; last exit: Error, exit code 1: no /etc/shop',
    ],
    [
      'a container was started again and is not ready',
      { canary: unready, pods: [container({ restartCount: 1, ready: false })] },
      '1 of 3 canary pods are ready: canary pod shop-canary-1, container shop restarted once',
    ],
    [
      'a probe fails',
      { canary: unready, pods: [condition('Ready', { message: 'containers with unready status: [shop]' })] },
      '1 of 3 canary pods are ready: pod shop-canary-1 is not ready: containers with unready status: [shop]',
    ],
    [
      'containers that are just starting are no problem, another pod’s are',
      {
        canary: unready,
        pods: [container(waiting('ContainerCreating')), condition('Ready', { reason: 'ContainersNotReady' })],
      },
      '1 of 3 canary pods are ready: pod shop-canary-1 is not ready: ContainersNotReady',
    ],
    [
      'the most telling reason of all pods comes first',
      {
        canary: unready,
        pods: [condition('Ready', { message: 'no' }), condition('PodScheduled', { message: 'no node' })],
      },
      '1 of 3 canary pods are ready: pod shop-canary-1 cannot be scheduled: no node',
    ],
  ])('%s', (_sentence, fields, message) => {
    expect(explain(seen(fields), { canary: 3, baseline: 0 })).toBe(message)
  })

  test.each<readonly [string, Partial<Observation>, string]>([
    [
      'the baseline’s pods are not there',
      { canary: canarySeen(3), baseline: baselineSeen(3, 1) },
      '3 of 3 canary pods and 1 of 3 baseline pods are ready',
    ],
    [
      'the baseline’s pods cannot be made',
      { canary: canarySeen(3), baseline: baselineSeen(3, 1, { failure: 'exceeded quota: pods=12' }) },
      '3 of 3 canary pods and 1 of 3 baseline pods are ready: exceeded quota: pods=12',
    ],
    [
      'the baseline was not made, and that was refused',
      { canary: canarySeen(3), refused: 'forbidden' },
      '3 of 3 canary pods and 0 of 3 baseline pods are ready: forbidden',
    ],
    [
      'a baseline that is all there is not spoken of',
      { canary: unready, baseline: baselineSeen(3, 3, { failure: 'an old one' }) },
      '1 of 3 canary pods are ready',
    ],
  ])('%s', (_sentence, fields, message) => {
    expect(explain(seen(fields), { canary: 3, baseline: 3 })).toBe(message)
  })
})
