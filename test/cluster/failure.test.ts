import { expect, test } from 'vitest'
import { answerError, isExpired, noAnswerError } from '../../src/cluster/failure.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

function error(status: number, reason: string, message: string, header?: string, details?: object) {
  const body = JSON.stringify({ kind: 'Status', status: 'Failure', code: status, reason, message, details })
  return answerError('PATCH deployments default/shop', { status, retryAfterHeader: header, body }, NOW)
}

test.each<[string, number, string, string, string]>([
  ['a stale write', 409, 'Conflict', 'the object has been modified', 'CLUSTER_CONFLICT'],
  ['a create of what is there', 409, 'AlreadyExists', 'deployments "shop" already exists', 'CLUSTER_EXISTS'],
  ['an object that is not there', 404, 'NotFound', 'deployments "shop" not found', 'CLUSTER_NOT_FOUND'],
  ['a field that must not be so', 422, 'Invalid', 'spec.replicas: Invalid value', 'CLUSTER_INVALID'],
  ['a body that cannot be read', 400, 'BadRequest', 'cannot unmarshal', 'CLUSTER_INVALID'],
  ['a content type nobody knows', 415, 'UnsupportedMediaType', 'not supported', 'CLUSTER_INVALID'],
  ['an unknown user', 401, 'Unauthorized', 'Unauthorized', 'CLUSTER_FORBIDDEN'],
  [
    'a quota with no room',
    403,
    'Forbidden',
    'pods "x" is forbidden: exceeded quota: small',
    'CLUSTER_FORBIDDEN',
  ],
  ['a denial by a policy', 403, 'Forbidden', 'admission webhook "p" denied the request', 'CLUSTER_FORBIDDEN'],
  ['too many requests', 429, 'TooManyRequests', 'slow down', 'CLUSTER_THROTTLED'],
  [
    'a webhook that did not answer',
    500,
    'InternalError',
    'Internal error occurred: failed calling webhook "deployments.canaryhook.dev": connection refused',
    'CLUSTER_WEBHOOK',
  ],
  ['a server in trouble', 500, 'InternalError', 'etcdserver: leader changed', 'CLUSTER_UNAVAILABLE'],
  ['a server that starts', 503, 'ServiceUnavailable', 'not ready', 'CLUSTER_UNAVAILABLE'],
  ['a time-out in the server', 504, 'Timeout', 'request did not complete', 'CLUSTER_UNAVAILABLE'],
])('%s', (_sentence, status, reason, message, code) => {
  expect(error(status, reason, message)).toMatchObject({
    code,
    status,
    reason,
    message: `PATCH deployments default/shop: ${message} (${status})`,
  })
})

test.each<[string, string | undefined, object | undefined, number | undefined]>([
  ['Retry-After in seconds', '3', undefined, 3000],
  ['Retry-After as a date', 'Thu, 01 Jan 2026 00:00:05 GMT', undefined, 5000],
  ['a date that has passed means now', 'Wed, 31 Dec 2025 00:00:00 GMT', undefined, 0],
  ['the Status says it when there is no header', undefined, { retryAfterSeconds: 2 }, 2000],
  ['none', undefined, undefined, undefined],
  ['nonsense counts as none', 'soon', undefined, undefined],
])('retry after: %s', (_sentence, header, details, expected) => {
  expect(error(429, 'TooManyRequests', 'slow down', header, details).retryAfter).toBe(expected)
})

test('an answer that is no Status is shown as it is, cut short', () => {
  const body = `<html>${'x'.repeat(9000)}`
  const failed = answerError('LIST all pods', { status: 502, retryAfterHeader: undefined, body }, NOW)
  expect(failed).toMatchObject({ code: 'CLUSTER_UNAVAILABLE', reason: '' })
  expect(failed.message).toMatch(/^LIST all pods: <html>x+ \(502\)$/)
  expect(failed.message.length).toBeLessThan(600)
})

test('no answer at all is unavailable, with status 0 and the cause', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect(noAnswerError('LIST all pods', 'https://api:6443', cause)).toMatchObject({
    code: 'CLUSTER_UNAVAILABLE',
    status: 0,
    message: 'LIST all pods: no answer from https://api:6443: connect ECONNREFUSED',
    cause,
  })
})

test('410 and a version that the server has not reached need a new list; other errors do not', () => {
  expect(isExpired(error(410, 'Expired', 'too old resource version'))).toBe(true)
  expect(isExpired(error(504, 'Timeout', 'Timeout: Too large resource version: 9, current: 5'))).toBe(true)
  expect(isExpired(error(504, 'Timeout', 'request did not complete'))).toBe(false)
  expect(isExpired(new Error('410'))).toBe(false)
})
