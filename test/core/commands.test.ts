/** Every command in every situation: what is said, or why not. */
import { describe, expect, test } from 'vitest'
import { COMMANDS, type Command } from '../../src/core/annotations.ts'
import { answerCommand } from '../../src/core/commands.ts'
import type { State } from '../../src/core/state.ts'
import { state } from './shop.ts'

const plan = '10% for 5m, approve'

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
    const answer = answerCommand(command, situations[situation as Situation])
    if (!expected.startsWith('✔ ')) {
      expect(answer).toMatchObject({ kind: 'refused', because: expect.stringContaining(expected) })
    } else {
      expect(answer).toMatchObject({ kind: 'accepted', says: expect.stringContaining(expected.slice(2)) })
    }
  })

  test('is not asked for twice', () => {
    for (const asked of [state({ plan, step: 1 }), state({ phase: 'Failed' })]) {
      const answer = answerCommand(command, { ...asked, requests: [{ command, by: 'bob' }] })
      expect(answer).toMatchObject({ kind: 'refused', because: expect.stringContaining('asked for already') })
    }
  })
})

test('resume takes back a pause that was not carried out yet', () => {
  const asked = state({ requests: [{ command: 'pause', by: 'bob' }] })
  expect(answerCommand('resume', asked).kind).toBe('accepted')
})
