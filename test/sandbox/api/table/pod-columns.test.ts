import { expect, test } from 'vitest'
import type { ApiObject } from '../../../../src/sandbox/api/object.ts'
import { podStatus } from '../../../../src/sandbox/api/table/pod-columns.ts'

function pod(containerStatuses: unknown[], more: object = {}, metadata: object = {}): ApiObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', ...metadata },
    status: { phase: 'Running', containerStatuses, ...more },
  }
}

test.each([
  ['Running', pod([{ ready: true, state: { running: {} } }])],
  ['CrashLoopBackOff', pod([{ state: { waiting: { reason: 'CrashLoopBackOff' } } }])],
  ['Error', pod([{ state: { terminated: { reason: 'Error', exitCode: 1 } } }])],
  ['ExitCode:3', pod([{ state: { terminated: { exitCode: 3 } } }])],
  [
    'Completed',
    pod([{ state: { terminated: { reason: 'Completed', exitCode: 0 } } }], { phase: 'Succeeded' }),
  ],
  ['Evicted', pod([], { reason: 'Evicted', phase: 'Failed' })],
  [
    'Terminating',
    pod([{ ready: true, state: { running: {} } }], {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
  ],
  ['Pending', pod([], { phase: 'Pending' })],
])('shows %s', (expected, given) => {
  expect(podStatus(given)).toBe(expected)
})
