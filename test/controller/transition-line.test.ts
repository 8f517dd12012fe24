/** The line of the log that a transition makes. */
import { expect, test } from 'vitest'
import { transitionLine } from '../../src/controller/transition-line.ts'
import type { State } from '../../src/core/state.ts'
import { release, shop, state } from '../core/shop.ts'

const whole = { namespace: 'default', name: 'shop', release: release('v2'), phase: 'Progressing', step: 1 }

test.each<readonly [string, State | undefined, string, string, object, string]>([
  [
    'a step',
    state(),
    'CanaryAdvanced',
    'canary weight 10%',
    { ...whole, weight: 10 },
    'advance default/shop canary weight 10%',
  ],
  [
    'a step in pods',
    state({ plan: '2 pods' }),
    'CanaryStarted',
    'release x',
    { ...whole, pods: 2 },
    'start default/shop release x',
  ],
  [
    'a step without traffic',
    state({ plan: '10%, approve', step: 1 }),
    'Approved',
    'approved by bob',
    { ...whole, step: 2 },
    'Approved default/shop approved by bob',
  ],
  [
    'a failure',
    state({ phase: 'Failed' }),
    'CanaryFailed',
    'rolling back: canary pod restarted 3 times',
    { ...whole, phase: 'Failed', weight: 10 },
    'halt default/shop rolling back: canary pod restarted 3 times',
  ],
  [
    'something without a release',
    undefined,
    'X',
    'y',
    { namespace: 'default', name: 'shop' },
    'X default/shop y',
  ],
])('%s', (_sentence, given, reason, message, fields, line) => {
  const [logged, text] = transitionLine(shop(), given, { type: 'Normal', reason, message })
  expect(logged).toEqual({ ...fields, reason })
  expect(text).toBe(line)
})
