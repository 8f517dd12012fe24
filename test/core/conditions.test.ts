/** The patch of the conditions. */
import { describe, expect, test } from 'vitest'
import { type ConditionPatch, conditionPatch, OURS, type Wanted } from '../../src/core/conditions.ts'
import type { Condition } from '../../src/core/kubernetes.ts'
import { NOW } from './shop.ts'

const now = '2026-03-01T12:00:00Z'
const before = '2026-03-01T11:00:00Z'
const running: Wanted = { Reconciling: { reason: 'Progressing', message: 'step 1 of 2' } }
const rejected: Wanted = { Stalled: { reason: 'Aborted', message: 'aborted by bob' } }

const available: Condition = { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' }
const rolledOut: Condition = {
  type: 'Progressing',
  status: 'True',
  reason: 'NewReplicaSetAvailable',
  message: 'fine',
}
const reconciling: Condition = {
  type: 'Reconciling',
  status: 'True',
  reason: 'Progressing',
  message: 'step 1 of 2',
  lastTransitionTime: before,
}
const stalled: Condition = { ...reconciling, type: 'Stalled', reason: 'Aborted', message: 'aborted by bob' }
const exceeded: Condition = {
  type: 'Progressing',
  status: 'False',
  reason: 'ProgressDeadlineExceeded',
  message: `${OURS}aborted by bob`,
  lastTransitionTime: before,
}
const gone = (type: string): ConditionPatch => ({ type, $patch: 'delete' })

test.each<readonly [string, Wanted, readonly Condition[], readonly ConditionPatch[]]>([
  ['nothing wanted and nothing there', {}, [], []],
  ['nothing wanted and only others’ there', {}, [available, rolledOut], []],
  ['a release begins', running, [available], [{ ...reconciling, lastTransitionTime: now }]],
  ['a release goes on as told', running, [available, reconciling], []],
  [
    'the next step: the message alone, since when it runs stays',
    { Reconciling: { reason: 'Progressing', message: 'step 2 of 2' } },
    [reconciling],
    [{ ...reconciling, message: 'step 2 of 2' }],
  ],
  [
    'a release fails: kubectl rollout status exits at once',
    rejected,
    [reconciling, rolledOut],
    [
      gone('Reconciling'),
      { ...stalled, lastTransitionTime: now },
      { ...exceeded, lastTransitionTime: now, lastUpdateTime: now },
    ],
  ],
  ['it is held as told, in whatever order', rejected, [exceeded, available, stalled], []],
  [
    'the next release begins: what was told of the last one goes',
    running,
    [stalled, exceeded],
    [{ ...reconciling, lastTransitionTime: now }, gone('Stalled'), gone('Progressing')],
  ],
  ['a release ended', {}, [reconciling], [gone('Reconciling')]],
  ['a hold ended', {}, [stalled, exceeded], [gone('Stalled'), gone('Progressing')]],
  [
    'the Deployment controller’s own word on a deadline stays',
    {},
    [{ ...exceeded, message: 'ReplicaSet "shop-1" has timed out progressing.' }],
    [],
  ],
])('%s', (_sentence, wanted, current, expected) => {
  expect(conditionPatch(wanted, current, NOW)).toEqual(expected)
})

describe('carried out', () => {
  test.each<readonly [string, Wanted]>([
    ['nothing', {}],
    ['running', running],
    ['rejected', rejected],
  ])('a second look finds nothing to do: %s', (_sentence, wanted) => {
    for (const current of [[], [available, rolledOut], [reconciling], [stalled, exceeded]]) {
      const after = new Map<string, Condition>(current.map(one => [one.type, one]))
      for (const patch of conditionPatch(wanted, current, NOW)) {
        if ('$patch' in patch) after.delete(patch.type)
        else after.set(patch.type, patch)
      }
      expect(conditionPatch(wanted, [...after.values()], NOW + 5000)).toEqual([])
    }
  })
})
