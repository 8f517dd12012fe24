import { describe, expect, test } from 'vitest'
import type { ManagedFields } from '../../src/core/kubernetes.ts'
import { ownsSpec, withoutOurSpec } from '../../src/core/ownership.ts'
import { shop } from './shop.ts'

const state = { 'f:metadata': { 'f:annotations': { 'f:canaryhook.dev/state': {} } } }
const spec = { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } }
const helm: ManagedFields = { manager: 'helm', operation: 'Apply', fieldsV1: spec }
const ours: ManagedFields = { manager: 'canaryhook', operation: 'Update', fieldsV1: state }

const owned = (...managedFields: readonly ManagedFields[]) => {
  const object = shop()
  return { ...object, metadata: { ...object.metadata, managedFields } }
}

describe('we are no owner of the spec', () => {
  test.each<readonly [string, readonly ManagedFields[]]>([
    ['when nothing is known', []],
    ['when we wrote the state and the status', [helm, ours, { ...ours, subresource: 'status' }]],
    ['when somebody applies under our name', [{ ...helm, manager: 'canaryhook' }]],
  ])('%s', (_sentence, managers) => {
    expect(ownsSpec(owned(...managers))).toBe(false)
    expect(withoutOurSpec(owned(...managers))).toEqual(managers)
  })

  test('when the object says nothing of managers', () => {
    expect(ownsSpec(shop())).toBe(false)
  })
})

describe('what we own of the spec is given up', () => {
  test('after a direct write, and the state stays ours', () => {
    const written = owned(helm, { ...ours, fieldsV1: { ...state, ...spec } })
    expect(ownsSpec(written)).toBe(true)
    expect(withoutOurSpec(written)).toEqual([helm, ours])
  })

  test('after a write through /scale, with the whole entry', () => {
    const scaled = owned(
      { manager: 'canaryhook', operation: 'Update', subresource: 'scale', fieldsV1: spec },
      helm,
    )
    expect(ownsSpec(scaled)).toBe(true)
    expect(withoutOurSpec(scaled)).toEqual([helm])
  })
})
