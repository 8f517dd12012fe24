/** The MutatingWebhookConfiguration in webhook-config/: which requests reach the webhook. */
import { readFileSync } from 'node:fs'
import { evaluate } from '@marcbachmann/cel-js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

interface Webhook {
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[]
  readonly rules: readonly object[]
  readonly failurePolicy: string
}

const file = new URL('../../webhook-config/mutatingwebhookconfiguration.yaml', import.meta.url)
const configuration = parse(readFileSync(file, 'utf8')) as {
  readonly metadata: { readonly name: string }
  readonly webhooks: readonly Webhook[]
}
const [webhook] = configuration.webhooks

function matches(object: object, oldObject: object | null): boolean {
  const conditions = webhook?.matchConditions ?? []
  return conditions.every(({ expression }) => evaluate(expression, { object, oldObject }) === true)
}

const plain = { metadata: { name: 'shop' } }
const foreign = { metadata: { name: 'shop', annotations: { 'example.com/steps': '10%' } } }
const annotated = { metadata: { name: 'shop', annotations: { 'canaryhook.dev/steps': '10%' } } }
const misspelt = { metadata: { name: 'shop', annotations: { a: 'b', 'canaryhook.dev/stesp': '10%' } } }
const withState = { metadata: { name: 'shop', annotations: { 'canaryhook.dev/state': '{}' } } }
const deleted = { metadata: { ...annotated.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }

test.each<[string, object, object | null, boolean]>([
  ['a create without annotations is not sent', plain, null, false],
  ['a create with foreign annotations is not sent', foreign, null, false],
  ['a create that opts in is sent', annotated, null, true],
  ['a create with a misspelt key is sent, to be told so', misspelt, null, true],
  ['an update of a Deployment that is not ours is not sent', foreign, plain, false],
  ['opting in is sent', annotated, plain, true],
  ['opting out is sent', plain, annotated, true],
  ['taking away the state is sent', plain, withState, true],
  ['the end of a deletion in the foreground is not sent', deleted, annotated, false],
])('%s', (_sentence, object, oldObject, expected) => {
  expect(matches(object, oldObject)).toBe(expected)
})

test('it fails closed, for creates and updates of Deployments, and comes last', () => {
  expect(configuration.metadata.name).toMatch(/^zz-/)
  expect(configuration.webhooks).toHaveLength(1)
  expect(webhook).toMatchObject({
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    sideEffects: 'None',
    timeoutSeconds: 5,
    admissionReviewVersions: ['v1'],
    clientConfig: { service: { namespace: 'canaryhook', name: 'canaryhook-webhook', path: '/mutate' } },
    rules: [
      {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['deployments'],
      },
    ],
  })
})
