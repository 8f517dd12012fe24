/** Who may approve, in every combination of what a step can ask for. */
import { describe, expect, test } from 'vitest'
import {
  approvalsOf,
  describeApprovers,
  type Person,
  unapproved,
  whyNotApprover,
} from '../../src/core/approval.ts'
import { stages } from '../../src/core/plan/expand.ts'
import { type Approvers, parsePlan } from '../../src/core/plan/plan.ts'
import { state } from './shop.ts'

const alice: Person = { name: 'alice', groups: ['developers'] }
const bob: Person = { name: 'bob', groups: ['sre', 'system:authenticated'] }
const anonymous: Person = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

test.each<readonly [string, Approvers]>([
  ['somebody other than alice', { other: true }],
  ['somebody of the group sre', { group: 'sre' }],
  ['somebody of the group sre other than alice', { group: 'sre', other: true }],
  ['somebody', { count: 1 }],
  ['2 people', { count: 2 }],
  ['3 people of the group sre other than alice', { count: 3, group: 'sre', other: true }],
])('people are told that it takes %s', (sentence, approvers) => {
  expect(describeApprovers(approvers, 'alice')).toBe(sentence)
})

test('an author whose name is not known is called the author', () => {
  expect(describeApprovers({ other: true }, undefined)).toBe('somebody other than the author of the change')
  expect(describeApprovers({ other: true }, 'unknown')).toBe('somebody other than the author of the change')
})

describe('alice changed the template:', () => {
  test.each<readonly [string, Approvers, Person]>([
    ['bob is another', { other: true }, bob],
    ['bob is in the group', { group: 'sre' }, bob],
    ['bob is both', { other: true, group: 'sre' }, bob],
    ['alice may be one of two', { count: 2 }, alice],
    ['alice may approve where her group may', { group: 'developers' }, alice],
  ])('%s', (_sentence, approvers, person) => {
    expect(whyNotApprover(approvers, person, 'alice')).toBeUndefined()
  })

  test.each<readonly [string, Approvers, Person, string]>([
    ['she is not another', { other: true }, alice, 'you are the author of the change'],
    ['she is not in the group', { group: 'sre' }, alice, 'you are not in the group sre'],
    ['a group has its letter case', { group: 'SRE' }, bob, 'you are not in the group SRE'],
    [
      'both are said at once',
      { other: true, group: 'sre' },
      alice,
      'you are the author of the change, and you are not in the group sre',
    ],
    [
      'nobody without a name is another',
      { other: true },
      anonymous,
      'the cluster does not know by name who asks',
    ],
    [
      'nor is the group of all who have none a group',
      { group: 'system:unauthenticated' },
      anonymous,
      'the cluster does not know by name who asks',
    ],
    ['nor one of two', { count: 2 }, { name: '', groups: [] }, 'does not know by name'],
    ['nor is unknown a name', { count: 2 }, { name: 'unknown', groups: [] }, 'does not know by name'],
  ])('%s', (_sentence, approvers, person, why) => {
    expect(whyNotApprover(approvers, person, 'alice')).toContain(why)
  })
})

test.each([undefined, '', 'unknown', 'system:anonymous'])(
  'where %j changed the template nobody is known to be another',
  author => {
    expect(whyNotApprover({ other: true }, bob, author)).toMatch(/who made the change is not known/)
    expect(whyNotApprover({ group: 'sre' }, bob, author)).toBeUndefined()
  },
)

describe('leaving steps out', () => {
  test.each<readonly [string, string, Person]>([
    ['is free where nothing says who approves', '10%, approve, approve for 1h', alice],
    ['is free for whom each of them could approve', 'approve by other, 10%, approve by group:sre', bob],
    ['is free where one person is enough', 'approve by 1', alice],
  ])('%s', (_sentence, plan, person) => {
    expect(unapproved(planned(plan), person, 'alice')).toBeUndefined()
  })

  test.each<readonly [string, string, Person, string]>([
    [
      'is not for the author where another has to approve',
      '10%, approve by other',
      alice,
      'step 2 of 2 (approve by other) cannot be left out: you are the author of the change; it takes somebody other than alice, who types command=approve',
    ],
    [
      'is for nobody where two have to',
      'approve by 2 group:sre, 10%',
      bob,
      'step 1 of 2 (approve by 2 group:sre) cannot be left out: one person alone cannot approve it; it takes 2 people of the group sre, each of whom types command=approve',
    ],
    [
      'is refused with the first that is in the way',
      'approve by group:sre, approve by group:security',
      bob,
      'step 2 of 2 (approve by group:security) cannot be left out',
    ],
  ])('%s', (_sentence, plan, person, why) => {
    expect(unapproved(planned(plan), person, 'alice')).toContain(why)
  })
})

test('those who approved are counted once, with those the controller has not seen yet, for this stage only', () => {
  const asked = state({
    step: 2,
    approvals: ['alice'],
    requests: [
      { command: 'approve', by: 'alice', step: 2 },
      { command: 'approve', by: 'bob', step: 2 },
      { command: 'approve', by: 'eve', step: 1 },
      { command: 'pause', by: 'dan' },
    ],
  })
  expect(approvalsOf(asked)).toEqual(['alice', 'bob'])
})

function planned(text: string) {
  const reading = parsePlan(text)
  if ('errors' in reading) throw new Error(reading.errors.join('; '))
  return stages(reading.plan)
}
