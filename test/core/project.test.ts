/** What a state says about the spec. */
import { expect, test } from 'vitest'
import { isProjected, type Projection, project, sameProjection } from '../../src/core/project.ts'
import type { State } from '../../src/core/state.ts'
import { state } from './shop.ts'

test.each<readonly [string, State, Projection | undefined]>([
  ['Pending holds', state({ phase: 'Pending' }), { paused: true, replicas: 10 }],
  ['Progressing holds at stable’s share', state({ stable: 7 }), { paused: true, replicas: 7 }],
  ['Failed holds', state({ phase: 'Failed' }), { paused: true, replicas: 10 }],
  [
    'Promoting lets go at the present size',
    state({ phase: 'Promoting', stable: 5 }),
    { paused: false, replicas: 5 },
  ],
  ['Reverting lets go', state({ phase: 'Reverting' }), { paused: false, replicas: 10 }],
  ['surge mode says nothing about the size', state({ stable: undefined, surge: 'x' }), { paused: true }],
  [
    'a scaling to 0 is held at 0',
    state({ phase: 'Failed', stable: 0, total: 0 }),
    { paused: true, replicas: 0 },
  ],
  ['a release that succeeded says nothing', state({ phase: 'Succeeded' }), undefined],
  ['a release that was taken back says nothing', state({ phase: 'Reverted' }), undefined],
])('%s', (_sentence, given, expected) => {
  expect(project(given)).toEqual(expected)
})

test.each<readonly [string, Projection, { paused?: boolean; replicas?: number }, boolean]>([
  ['paused and as many', { paused: true, replicas: 7 }, { paused: true, replicas: 7 }, true],
  ['paused: false is no paused', { paused: false, replicas: 7 }, { replicas: 7 }, true],
  ['un-paused', { paused: true, replicas: 7 }, { replicas: 7 }, false],
  ['another number', { paused: true, replicas: 7 }, { paused: true, replicas: 10 }, false],
  ['any number, where none is said', { paused: true }, { paused: true, replicas: 10 }, true],
])('is in the spec: %s', (_sentence, projection, spec, expected) => {
  expect(isProjected(projection, spec)).toBe(expected)
})

test.each<readonly [string, Projection | undefined, Projection | undefined, boolean]>([
  ['twice the same', { paused: true, replicas: 7 }, { paused: true, replicas: 7 }, true],
  ['another number', { paused: true, replicas: 7 }, { paused: true, replicas: 8 }, false],
  ['a number and none', { paused: true, replicas: 7 }, { paused: true }, false],
  ['none was ever made', { paused: false }, undefined, false],
  ['never, twice', undefined, undefined, true],
])('two projections are the same: %s', (_sentence, a, b, expected) => {
  expect(sameProjection(a, b)).toBe(expected)
})
