/** Every command in every situation: what is said, or why not. */
import { describe, expect, test } from 'vitest'
import { COMMANDS, type Command } from '../../src/core/annotations.ts'
import type { Person } from '../../src/core/approval.ts'
import { answerCommand } from '../../src/core/commands.ts'
import type { State } from '../../src/core/state.ts'
import { state } from './shop.ts'

const plan = '10% for 5m, approve'
const bob: Person = { name: 'bob', groups: ['sre'] }

const situations = {
  none: undefined,
  Pending: state({ phase: 'Pending' }),
  Progressing: state({ plan }),
  'at approve': state({ plan, step: 1 }),
  paused: state({ plan, held: { by: 'bob' } }),
  Promoting: state({ phase: 'Promoting' }),
  Reverting: state({ phase: 'Reverting' }),
  Failed: state({ phase: 'Failed' }),
} satisfies Record<string, State | undefined>
type Situation = keyof typeof situations

/** ✔: it will be carried out. Otherwise what the refusal says. */
const table: Record<Command, Record<Situation, string>> = {
  approve: {
    none: 'no release is running or held',
    Pending: 'nothing waits for approval: the release is about to start',
    Progressing: 'nothing waits for approval: the release is at step 1 of 2 (10% for 5m)',
    'at approve': '✔ step 2 of 2 approved, the release goes on',
    paused: 'nothing waits for approval',
    Promoting: 'nothing waits for approval: the release was accepted and is rolling out',
    Reverting: 'nothing waits for approval',
    Failed: 'to try again: command=retry',
  },
  abort: {
    none: 'no release is running or held',
    Pending: '✔ release aborted',
    Progressing: '✔ release aborted: the canary goes, the former version serves on all 10 pods',
    'at approve': '✔ release aborted',
    paused: '✔ release aborted',
    Promoting: 'to go back, apply the former manifest',
    Reverting: 'there is nothing to abort: it is going back to the version that serves',
    Failed: 'there is nothing to abort: the release failed and is held',
  },
  retry: {
    none: 'no release is running or held',
    Pending: 'only a failed release can be retried: the release is about to start',
    Progressing: 'only a failed release can be retried',
    'at approve': 'only a failed release can be retried',
    paused: 'only a failed release can be retried',
    Promoting: 'only a failed release can be retried',
    Reverting: 'only a failed release can be retried',
    Failed: '✔ the held version is released again from the first step',
  },
  skip: {
    none: 'no release is running or held',
    Pending: 'there is no step to skip: the release is about to start',
    Progressing: '✔ step 1 of 2 (10% for 5m) skipped',
    'at approve': '✔ step 2 of 2 (approve) skipped',
    paused: '✔ step 1 of 2 (10% for 5m) skipped',
    Promoting: 'there is no step to skip',
    Reverting: 'there is no step to skip',
    Failed: 'there is no step to skip: the release failed and is held',
  },
  promote: {
    none: 'no release is running or held',
    Pending: '✔ the steps that are left are skipped',
    Progressing: '✔ the steps that are left are skipped: rolling out on every pod',
    'at approve': '✔ the steps that are left are skipped',
    paused: '✔ the steps that are left are skipped',
    Promoting: 'there is nothing to promote: the release was accepted and is rolling out',
    Reverting: 'there is nothing to promote',
    Failed: '✔ the version that failed is rolled out on every pod all the same',
  },
  pause: {
    none: 'no release is running or held',
    Pending: '✔ the release stays where it is',
    Progressing: '✔ the release stays where it is (a failing canary is still taken away)',
    'at approve': '✔ the release stays where it is',
    paused: 'it is paused already, by bob; to go on: command=resume',
    Promoting: 'it cannot be paused: the release was accepted and is rolling out',
    Reverting: 'it cannot be paused',
    Failed: 'it cannot be paused: the release failed and is held',
  },
  resume: {
    none: 'no release is running or held',
    Pending: 'it is not paused',
    Progressing: 'it is not paused: the release is at step 1 of 2 (10% for 5m)',
    'at approve': 'it is not paused',
    paused: '✔ the release goes on',
    Promoting: 'it is not paused',
    Reverting: 'it is not paused',
    Failed: 'it is not paused',
  },
}

describe.each(COMMANDS)('%s', command => {
  test.each(Object.entries(table[command]))('%s: %s', (situation, expected) => {
    const answer = answerCommand(command, situations[situation as Situation], bob)
    if (!expected.startsWith('✔ ')) {
      expect(answer).toMatchObject({ kind: 'refused', because: expect.stringContaining(expected) })
    } else {
      expect(answer).toMatchObject({ kind: 'accepted', says: expect.stringContaining(expected.slice(2)) })
    }
  })

  test('is not asked for twice', () => {
    for (const asked of [state({ plan, step: 1 }), state({ plan, step: 1, held: { by: 'eve' } })]) {
      const answer = answerCommand(command, { ...asked, requests: [{ command, by: 'bob' }] }, bob)
      expect(answer).toMatchObject({ kind: 'refused', because: expect.stringContaining('asked for already') })
    }
  })
})

test('resume takes back a pause that was not carried out yet', () => {
  const asked = state({ requests: [{ command: 'pause', by: 'bob' }] })
  expect(answerCommand('resume', asked, bob).kind).toBe('accepted')
})

describe('a step that says who approves', () => {
  const alice: Person = { name: 'alice', groups: ['developers'] }
  const carol: Person = { name: 'carol', groups: ['sre'] }
  const waiting = (approve: string, fields: Partial<State> = {}) =>
    state({ plan: `10%, ${approve}, 50%`, step: 1, by: 'alice', ...fields })
  const asked = (by: string, step = 1) => ({ requests: [{ command: 'approve' as const, by, step }] })

  test.each<readonly [string, Command, State, Person, string]>([
    ['another may approve', 'approve', waiting('approve by other'), bob, 'step 2 of 3 approved, the release'],
    ['a member may', 'approve', waiting('approve by group:sre'), bob, 'step 2 of 3 approved, the release'],
    [
      'the first of two is told that it takes another',
      'approve',
      waiting('approve by 2'),
      alice,
      'step 2 of 3 approved by 1 of 2, somebody else has to as well',
    ],
    [
      'the second of two lets it go on',
      'approve',
      waiting('approve by 2', { approvals: ['alice'] }),
      bob,
      'the release goes on',
    ],
    [
      'the second of two may come before the controller saw the first',
      'approve',
      waiting('approve by 2', asked('alice')),
      bob,
      'the release goes on',
    ],
    [
      'what was typed for a step that is over does not count',
      'approve',
      waiting('approve by 2', asked('eve', 0)),
      bob,
      'approved by 1 of 2',
    ],
    ['who may approve may skip', 'skip', waiting('approve by other'), bob, 'step 2 of 3 (approve by other)'],
    ['who may approve may promote', 'promote', waiting('approve by other'), bob, 'rolling out on every pod'],
    [
      'the author may promote when it is over',
      'promote',
      waiting('approve by other', { step: 2 }),
      alice,
      'rolling out on every pod',
    ],
    [
      'the author may skip what comes before it',
      'skip',
      waiting('approve by other', { step: 0 }),
      alice,
      'step 1 of 3 (10%) skipped',
    ],
    [
      'the author may promote what failed after it',
      'promote',
      waiting('approve by other', { step: 2, phase: 'Failed' }),
      alice,
      'rolled out on every pod all the same',
    ],
    [
      'a promotion that stalled was approved',
      'promote',
      state({ plan: 'approve by other', step: 0, phase: 'Failed', reason: 'PromotionStalled' }),
      alice,
      'rolled out on every pod all the same',
    ],
    ['the author may abort', 'abort', waiting('approve by other'), alice, 'release aborted'],
  ])('%s', (_sentence, command, given, person, says) => {
    expect(answerCommand(command, given, person)).toEqual({
      kind: 'accepted',
      says: expect.stringContaining(says),
    })
  })

  test.each<readonly [string, Command, State, Person, string]>([
    [
      'the author may not approve what another has to',
      'approve',
      waiting('approve by other'),
      alice,
      'step 2 of 3 (approve by other) is not yours to approve: you are the author of the change; it takes somebody other than alice, who types command=approve',
    ],
    [
      'nor may somebody outside of the group',
      'approve',
      waiting('approve by other group:sre'),
      { name: 'dan', groups: [] },
      'you are not in the group sre; it takes somebody of the group sre other than alice, who types',
    ],
    [
      'each of two approves once',
      'approve',
      waiting('approve by 2', { approvals: ['bob'] }),
      bob,
      'you approved already: 1 of 2, somebody else has to',
    ],
    [
      'also before the controller saw it',
      'approve',
      waiting('approve by 2', asked('bob')),
      bob,
      'you approved already: 1 of 2, somebody else has to',
    ],
    [
      'a third one is too late',
      'approve',
      waiting('approve by 2', { approvals: ['alice'], ...asked('bob') }),
      carol,
      'approve was asked for already and is about to be carried out',
    ],
    [
      'the author may not skip it',
      'skip',
      waiting('approve by other'),
      alice,
      'step 2 of 3 (approve by other) is not yours to skip: you are the author of the change; it takes somebody other than alice',
    ],
    [
      'nobody skips what two have to approve',
      'skip',
      waiting('approve by 2', { approvals: ['alice'] }),
      bob,
      'is not yours to skip: one person alone cannot approve it; it takes 2 people, each of whom types command=approve',
    ],
    [
      'the author does not promote past it',
      'promote',
      waiting('approve by other', { step: 0 }),
      alice,
      'step 2 of 3 (approve by other) cannot be left out: you are the author of the change',
    ],
    [
      'nor before it began, wherever the former release was',
      'promote',
      waiting('approve by other', { step: 2, phase: 'Pending' }),
      alice,
      'cannot be left out',
    ],
    [
      'nor when it failed before that',
      'promote',
      waiting('approve by other', { step: 0, phase: 'Failed' }),
      alice,
      'cannot be left out',
    ],
  ])('%s', (_sentence, command, given, person, because) => {
    expect(answerCommand(command, given, person)).toEqual({
      kind: 'refused',
      because: expect.stringContaining(because),
    })
  })
})
