/** What keeps pods of canaries and of tests from running. The sentences are in health.test.ts and test-job.test.ts. */
import { describe, expect, test } from 'vitest'
import type { Pod } from '../../src/core/kubernetes.ts'
import { containersOf, whyNotReady, whyNotRunning } from '../../src/core/pod-problem.ts'

const pod = (status: NonNullable<Pod['status']>): Pod => ({ metadata: { name: 'p' }, status })
const unready = pod({ conditions: [{ type: 'Ready', status: 'False', message: 'a probe fails' }] })
const crashing = pod({ containerStatuses: [{ name: 'c', restartCount: 1, ready: false }] })

test('a pod that runs and is not ready is no problem of a test', () => {
  expect(whyNotReady([unready], 'canary pod')).toBe('pod p is not ready: a probe fails')
  expect(whyNotRunning([unready], 'test pod')).toBeUndefined()
})

describe('a person is told whose pod it is', () => {
  test.each(['canary pod', 'test pod'] as const)('%s', kind => {
    expect(whyNotRunning([crashing], kind)).toBe(`${kind} p, container c restarted once`)
    expect(whyNotReady([unready, crashing], kind)).toBe(`${kind} p, container c restarted once`)
  })
})

test('init containers come before the others, and a pod may have none at all', () => {
  const both = pod({ containerStatuses: [{ name: 'b' }], initContainerStatuses: [{ name: 'a' }] })
  expect(containersOf(both).map(({ name }) => name)).toEqual(['a', 'b'])
  expect(containersOf({ metadata: { name: 'p' } })).toEqual([])
})
