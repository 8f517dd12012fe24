/** Deployments that cannot have a canary as they are written. */
import { expect, test } from 'vitest'
import { unfit } from '../../../src/core/admission/unfit.ts'
import { readAnnotations } from '../../../src/core/annotations.ts'
import type { DeploymentSpec } from '../../../src/core/kubernetes.ts'
import type { Capacity } from '../../../src/core/plan/expand.ts'
import { held, STEPS, shop } from '../shop.ts'
import { update } from './stored.ts'

const rolling = (maxSurge: number | string) => ({ rollingUpdate: { maxSurge } })

function ask(total: number, strategy: DeploymentSpec['strategy'], capacity: Capacity) {
  const reading = readAnnotations({ [STEPS]: '10%', 'canaryhook.dev/capacity': capacity })
  if (reading.kind !== 'ok') throw new Error('the annotations of this test are wrong')
  return unfit(shop({ spec: strategy ? { strategy } : {} }), reading.settings, total)
}

test.each<readonly [string, number, DeploymentSpec['strategy'], Capacity, RegExp | undefined]>([
  ['nothing said of a strategy', 10, undefined, 'shift', undefined],
  ['one replica with room for another', 1, undefined, 'shift', undefined],
  ['two replicas without room', 2, rolling(0), 'shift', undefined],
  ['one replica without room', 1, rolling(0), 'shift', /maxSurge 0 leaves no room.*allow maxSurge: 1/],
  ['one replica with no percentage of room', 1, rolling('0%'), 'shift', /leaves no room/],
  ['one replica without room, in surge mode', 1, rolling(0), 'surge', undefined],
  ['Recreate', 10, { type: 'Recreate' }, 'shift', /two versions must not run side by side/],
  ['Recreate in surge mode', 10, { type: 'Recreate' }, 'surge', /Recreate/],
])('%s', (_sentence, total, strategy, capacity, message) => {
  const answer = ask(total, strategy, capacity)
  if (message) expect(answer).toMatch(message)
  else expect(answer).toBeUndefined()
})

test('in mid-release the replicas are those the user wants, not those that stable has', () => {
  const before = held({ stable: 1, total: 2 }, { spec: { strategy: rolling(0) } })
  const after = { ...before, spec: { ...before.spec, template: shop({ version: 'v3' }).spec.template } }
  expect(update(before, after).message).toBe('')
})

test.each<readonly [string, string, RegExp | undefined]>([
  ['of the pods may isolate', 'app', undefined],
  [
    'that the pods do not have isolates nothing',
    'production',
    /names the label production, and the pod template has no such/,
  ],
])('a label %s', (_sentence, isolate, message) => {
  const annotations = {
    [STEPS]: 'test, 10%',
    'canaryhook.dev/test': 'cronjob/a',
    'canaryhook.dev/isolate': isolate,
  }
  const after = shop({ version: 'v2', annotations })
  expect(update(shop(), after).message).toMatch(message ?? /^$/)
})
