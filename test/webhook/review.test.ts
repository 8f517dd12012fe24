import jsonpatch from 'jsonpatch'
import { expect, test } from 'vitest'
import { answerReview, parseReview } from '../../src/webhook/review.ts'
import { reviewOf, shop } from './review-fixture.ts'

const parse = (review: unknown) => parseReview(JSON.stringify(review))

test('an update of a Deployment is ours to judge', () => {
  expect(parse(reviewOf())).toMatchObject({
    type: 'deployment',
    request: { uid: 'review-1', operation: 'UPDATE', object: shop, oldObject: shop },
  })
})

test.each<[string, unknown]>([
  ['null', null],
  ['left out', undefined],
])('a create whose oldObject is %s has a null one', (_how, oldObject) => {
  expect(parse(reviewOf({ operation: 'CREATE', oldObject }))).toMatchObject({
    type: 'deployment',
    request: { oldObject: null },
  })
})

test.each<[string, Record<string, unknown>]>([
  ['a deletion', { operation: 'DELETE', object: null }],
  ['another kind', { kind: { group: 'apps', version: 'v1', kind: 'StatefulSet' } }],
  ['another group', { kind: { group: 'example.com', version: 'v1', kind: 'Deployment' } }],
  ['another version', { kind: { group: 'apps', version: 'v1beta1', kind: 'Deployment' } }],
  ['a subresource', { subResource: 'scale' }],
  ['no kind at all', { kind: undefined }],
])('%s is not ours, whatever is in it', (_what, request) => {
  expect(parse(reviewOf({ ...request }))).toEqual({ type: 'other', uid: 'review-1' })
})

test.each<[string, unknown, string[]]>([
  ['a list', [], ['the body is JSON but not an object']],
  ['a number', 7, ['the body is JSON but not an object']],
  [
    'another object',
    { apiVersion: 'v1', kind: 'Pod' },
    ['apiVersion is "v1"', 'kind is "Pod"', 'request is missing or not an object'],
  ],
  [
    'an old version',
    { ...reviewOf(), apiVersion: 'admission.k8s.io/v1beta1' },
    ['apiVersion is "admission.k8s.io/v1beta1"'],
  ],
  [
    'no fields',
    { request: {} },
    [
      'apiVersion is missing',
      'kind is missing',
      'request.uid is missing or not a text',
      'request.operation is missing or not a text',
    ],
  ],
  [
    'Deployments that are none',
    reviewOf({ object: { metadata: { annotations: { a: 1 } } }, oldObject: null, userInfo: undefined }),
    [
      'request.userInfo is missing or not an object',
      'request.object.metadata.annotations is not a map of texts',
      'request.object.spec is missing or not an object',
      'request.oldObject is missing or not an object',
    ],
  ],
  [
    'a spec without its fields',
    reviewOf({ object: { spec: {} } }),
    [
      'request.object.metadata is missing or not an object',
      'request.object.spec.selector is missing or not an object',
      'request.object.spec.template is missing or not an object',
    ],
  ],
])('%s: everything that is wrong is told', (_what, review, problems) => {
  expect(parse(review)).toEqual({ type: 'malformed', problems })
})

test('a body that is not JSON is told as one', () => {
  expect(parseReview('<html>')).toMatchObject({
    type: 'malformed',
    problems: [expect.stringMatching(/^the body is not JSON: /)],
  })
})

test('annotations may be null or missing', () => {
  const object = { ...shop, metadata: { name: 'shop', annotations: null } }
  expect(parse(reviewOf({ object })).type).toBe('deployment')
})

test('a patch travels as base64 of a JSON Patch that can be applied', () => {
  const patch = [{ op: 'add', path: '/spec/paused', value: true }] as const
  const { response } = answerReview('u', { allowed: true, patch, warnings: [] })
  expect(response).toMatchObject({ uid: 'u', allowed: true, patchType: 'JSONPatch' })
  expect(response).not.toHaveProperty('warnings')
  const operations: unknown = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString())
  expect(operations).toEqual(patch)
  expect(jsonpatch.apply_patch(shop, operations as never)).toMatchObject({ spec: { paused: true } })
})

test('an empty patch is left out', () => {
  expect(answerReview('u', { allowed: true, patch: [], warnings: [] }).response).toEqual({
    uid: 'u',
    allowed: true,
  })
})

test('a denial carries its message, and its warnings too', () => {
  const { response } = answerReview('u', { allowed: false, message: 'two errors', warnings: ['careful'] })
  expect(response).toEqual({
    uid: 'u',
    allowed: false,
    status: { code: 403, reason: 'Forbidden', message: 'two errors' },
    warnings: ['careful'],
  })
})

test('each line of a warning is a warning, since a header has no line breaks', () => {
  const { response } = answerReview('u', { allowed: true, patch: [], warnings: ['one\n  two\n', 'three'] })
  expect(response.warnings).toEqual(['one', '  two', 'three'])
})
