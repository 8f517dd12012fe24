/** What people ask of a running release, carried out. */
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/core/decide.ts'
import type { Observation } from '../../../src/core/observe.ts'
import type { State } from '../../../src/core/state.ts'
import { canarySeen, seen } from '../observations.ts'
import { at, NOW, state } from '../shop.ts'
import { messages, reasons, shape } from './told.ts'

const running = (fields: Partial<State> = {}) => {
  const { stable = 10 } = fields
  return state({ plan: '30% for 5m, 50%', applied: { paused: true, replicas: stable }, ...fields })
}
const look = (state: State, fields: Partial<Observation>, now = NOW) => decide(state, seen(fields), now)
const stands = { replicas: 7, canary: canarySeen(3) }
const atFirst = { stable: 7, reached: at(-60) }

describe('people', () => {
  const asked = (command: NonNullable<State['requests']>[number]['command'], fields: Partial<State> = {}) =>
    running({ ...atFirst, requests: [{ command, by: 'bob' }], ...fields })

  test.each<readonly [string, State, string, readonly string[]]>([
    [
      'abort: stable goes back, the canary stays until it is',
      asked('abort'),
      'Failed, stable 10, canary 3',
      ['CanaryFailed'],
    ],
    [
      'skip: the step is over',
      asked('skip'),
      'Progressing step 2, stable 7, canary 5',
      ['Skipped', 'CanaryAdvanced'],
    ],
    [
      'skip of the last step: promotion',
      asked('skip', { step: 1 }),
      'Promoting, stable 7, canary keep',
      ['Skipped', 'Promoting'],
    ],
    ['promote: all steps are over', asked('promote'), 'Promoting, stable 7, canary keep', ['Promoting']],
    ['pause: it stays', asked('pause'), 'Progressing step 1, stable 7, canary 3', ['Paused']],
    [
      'resume: it goes on',
      asked('resume', { held: { by: 'bob', since: at(-30) } }),
      'Progressing step 1, stable 7, canary 3',
      ['Resumed'],
    ],
    ['approve at another step: nothing', asked('approve'), 'Progressing step 1, stable 7, canary 3', []],
    [
      'approve: it goes on',
      asked('approve', { plan: '30%, approve, 50%', step: 1 }),
      'Progressing step 3, stable 7, canary 5',
      ['Approved', 'CanaryAdvanced'],
    ],
  ])('%s', (_sentence, given, expected, said) => {
    const decision = look(given, stands)
    expect(shape(decision)).toBe(expected)
    expect(reasons(decision)).toEqual(said)
    expect(decision.state).not.toHaveProperty('requests')
    if (said.length > 0) expect(messages(decision)).toMatch(/bob/)
  })

  test.each<readonly [string, State, Partial<Observation>, string]>([
    [
      'promote with a canary that is not there yet: stable back at its full size, so that no pod is missing',
      asked('promote'),
      { replicas: 7, canary: canarySeen(3, 1) },
      'Promoting, stable 10, canary keep',
    ],
    [
      'skip of the last step likewise',
      asked('skip', { step: 1 }),
      { replicas: 7, canary: canarySeen(5, 2) },
      'Promoting, stable 10, canary keep',
    ],
    [
      'promote while stable still has them all',
      asked('promote', { stable: 10, reached: undefined }),
      { replicas: 10, canary: canarySeen(3, 0) },
      'Promoting, stable 10, canary 1',
    ],
  ])('%s', (_sentence, given, looks, expected) => {
    expect(shape(look(given, looks))).toBe(expected)
  })

  test.each<readonly [string, State, string, readonly string[]]>([
    [
      'the first of two who approve: it waits on',
      asked('approve', { plan: '30%, approve by 2, 50%', step: 1 }),
      'Progressing step 2, stable 7, canary 3',
      ['approved by bob (1 of 2)'],
    ],
    [
      'the second of two: it goes on',
      asked('approve', { plan: '30%, approve by 2, 50%', step: 1, approvals: ['eve'] }),
      'Progressing step 3, stable 7, canary 5',
      ['approved by bob (2 of 2)', 'canary weight 50% (step 3 of 3: 50%)'],
    ],
    [
      'the same one twice: counted once',
      asked('approve', { plan: '30%, approve by 2, 50%', step: 1, approvals: ['bob'] }),
      'Progressing step 2, stable 7, canary 3',
      ['approved by bob (1 of 2)'],
    ],
    [
      'an approval of a step that is over: nothing for the next one',
      asked('approve', {
        plan: '30%, approve, approve by group:sre',
        step: 2,
        requests: [{ command: 'approve', by: 'bob', step: 1 }],
      }),
      'Progressing step 3, stable 7, canary 3',
      [],
    ],
    [
      'a skip of a step that another one approved in between: not of the next one',
      asked('skip', {
        plan: '30%, approve, approve by other',
        step: 1,
        requests: [
          { command: 'approve', by: 'bob', step: 1 },
          { command: 'skip', by: 'alice', step: 1 },
        ],
      }),
      'Progressing step 3, stable 7, canary 3',
      ['approved by bob', 'canary waits for approval (step 3 of 3: approve by other)'],
    ],
  ])('%s', (_sentence, given, expected, said) => {
    const decision = look(given, stands)
    expect(shape(decision)).toBe(expected)
    expect(decision.said.map(({ message }) => message)).toEqual(said)
    expect(decision.state).not.toHaveProperty('requests')
  })

  test('who approved are remembered while others are waited for, and no longer', () => {
    const first = asked('approve', { plan: '30%, approve by 2, approve by 2', step: 1 })
    const one = look(first, stands).state
    expect(one).toMatchObject({ step: 1, approvals: ['bob'] })
    const second = {
      ...first,
      approvals: ['bob'],
      requests: [{ command: 'approve' as const, by: 'eve', step: 1 }],
    }
    const two = look(second, stands).state
    expect(two).toMatchObject({ step: 2 })
    expect(two).not.toHaveProperty('approvals')
  })

  test('an approval of the last step does not take pods that nobody replaces', () => {
    const given = asked('approve', { plan: '30%, approve', step: 1 })
    const decision = look(given, { replicas: 7, canary: canarySeen(3, 1) })
    expect(shape(decision)).toBe('Promoting, stable 10, canary keep')
  })

  test('are served in the order in which they asked', () => {
    const requests = [
      { command: 'pause', by: 'bob' },
      { command: 'resume', by: 'eve' },
    ] as const
    expect(reasons(look(running({ ...atFirst, requests: [...requests] }), stands))).toEqual([
      'Paused',
      'Resumed',
    ])
  })

  test('who keep it paused stop its clock', () => {
    const held = { by: 'bob', since: at(-1000) }
    const paused = running({ ...atFirst, reached: at(-1060), since: at(-1100), held })
    expect(look(paused, stands).state).toMatchObject({ step: 0, held })
    const resumed = look({ ...paused, requests: [{ command: 'resume', by: 'bob' }] }, stands)
    expect(resumed.state).toMatchObject({ step: 0, reached: at(-60), since: at(-100) })
    expect(resumed.wakeAt).toBe(NOW + 240_000)
  })

  test('are told in the condition who paused it and how to go on', () => {
    const { conditions } = look(running({ ...atFirst, held: { by: 'bob' } }), stands)
    expect(JSON.stringify(conditions)).toContain('paused by bob, to go on: kubectl annotate deployment shop')
  })
})
