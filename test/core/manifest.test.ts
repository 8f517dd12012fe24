/** Telling a manifest from what somebody typed. */
import { describe, expect, test } from 'vitest'
import type { Deployment, ManagedFields } from '../../src/core/kubernetes.ts'
import { appliedReplicas, isFromManifest } from '../../src/core/manifest.ts'
import { COMMAND, shop } from './shop.ts'

const recording = (manifest: unknown) => ({
  'kubectl.kubernetes.io/last-applied-configuration':
    typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
})
const sent = { [COMMAND]: 'abort' }
const applied = (word: string) => ({ metadata: { annotations: { [COMMAND]: word } } })
const owning = (operation: string, field = `f:${COMMAND}`): ManagedFields => ({
  manager: 'someone',
  operation,
  fieldsV1: { 'f:metadata': { 'f:annotations': { [field]: {} } } },
})

describe('an annotation', () => {
  const typed = shop({ annotations: sent })
  const of = (managedFields: readonly ManagedFields[]): Deployment => ({
    ...typed,
    metadata: { ...typed.metadata, managedFields },
  })

  test.each([
    ['recorded by kubectl apply', shop({ annotations: { ...recording(applied('abort')), ...sent } }), true],
    ['recorded with another word', shop({ annotations: { ...recording(applied('retry')), ...sent } }), false],
    ['recorded without it', shop({ annotations: { ...recording({ metadata: {} }), ...sent } }), false],
    ['beside a record that is no JSON', shop({ annotations: { ...recording('{'), ...sent } }), false],
    ['beside a record that is null', shop({ annotations: { ...recording('null'), ...sent } }), false],
    ['recorded by nobody', typed, false],
    ['owned by server-side apply', of([owning('Apply')]), true],
    ['owned by an update', of([owning('Update')]), false],
    ['beside another that is owned by server-side apply', of([owning('Apply', 'f:other')]), false],
    ['owned by two', of([owning('Update'), owning('Apply')]), true],
    ['with fields that say nothing', of([{ operation: 'Apply' }, {}]), false],
  ])('%s: from a manifest? %#', (_sentence, object, isManifest) => {
    expect(isFromManifest(object, COMMAND)).toBe(isManifest)
  })
})

test.each([
  ['named', recording({ spec: { replicas: 7 } }), 7],
  ['none', recording({ spec: { replicas: 0 } }), 0],
  ['left out', recording({ spec: {} }), undefined],
  ['not a number', recording({ spec: { replicas: '7' } }), undefined],
  ['of a manifest that has no spec', recording([]), undefined],
  ['never recorded', {}, undefined],
])('the replicas of a manifest, %s', (_sentence, annotations, replicas) => {
  expect(appliedReplicas(shop({ annotations }))).toBe(replicas)
})
