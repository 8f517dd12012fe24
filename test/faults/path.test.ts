import { expect, test } from 'vitest'
import type { State } from '../../src/core/state.ts'
import { state } from '../core/shop.ts'
import { wrongTurn } from './path.ts'

const step = (number: number) => state({ step: number })

test.each<readonly [string, State | undefined, State | undefined, string]>([
  ['a release begins', undefined, state({ phase: 'Pending' }), ''],
  ['nothing stays nothing', undefined, undefined, ''],
  ['steps follow each other', step(0), step(1), ''],
  ['a held release is tried again', state({ phase: 'Failed' }), step(0), ''],
  ['the next release begins', state({ phase: 'Succeeded' }), state({ phase: 'Pending' }), ''],
  ['a state is lost', step(1), undefined, 'the state of phase Progressing was lost'],
  ['a release begins in the middle', undefined, step(1), 'a state began as Progressing'],
  ['a step goes back', step(1), step(0), 'step 2 went back to step 1'],
  ['another release has steps of its own', step(1), state({ step: 0, release: 'other' }), ''],
  ['an ended release comes to life', state({ phase: 'Succeeded' }), step(0), 'Succeeded became Progressing'],
  ['a promotion is taken back', state({ phase: 'Promoting' }), step(1), 'Promoting became Progressing'],
])('%s', (_sentence, before, after, problem) => {
  expect(wrongTurn(before, after)).toBe(problem)
})
