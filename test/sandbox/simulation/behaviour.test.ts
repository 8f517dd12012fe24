import { describe, expect, test } from 'vitest'
import {
  ANNOTATION_PREFIX,
  type Behaviour,
  parseBehaviour,
} from '../../../src/sandbox/simulation/behaviour.ts'

const annotated = (annotations: Record<string, string>) =>
  parseBehaviour(
    Object.fromEntries(Object.entries(annotations).map(([key, value]) => [ANNOTATION_PREFIX + key, value])),
  )

describe('parseBehaviour', () => {
  test.each<[string, Record<string, string>, Partial<Behaviour>]>([
    ['says nothing special without annotations', {}, { readyAfter: 0, errorRate: 0, latency: 0 }],
    ['knows never', { ready: 'never' }, { readyAfter: 'never' }],
    ['reads seconds', { ready: '5s' }, { readyAfter: 5000 }],
    ['reads a share', { 'error-rate': '0.3' }, { errorRate: 0.3 }],
    ['reads milliseconds', { latency: '200ms' }, { latency: 200 }],
    ['reads composed times', { 'restart-after': '1m30s' }, { restartAfter: 90_000 }],
    ['reads an exit code', { 'exit-code': '0' }, { exitCode: 0 }],
  ])('%s', (_sentence, annotations, expected) => {
    expect(annotated(annotations).behaviour).toMatchObject(expected)
  })

  test.each([
    ['a word that is no time', { ready: 'soon' }, 'ready: "soon" is not "never" or a time such as 5s'],
    ['a time without a unit', { latency: '200' }, 'latency: "200" is not a time such as 200ms'],
    ['an empty value', { latency: '' }, 'latency: "" is not a time such as 200ms'],
    ['a share over one', { 'error-rate': '30' }, 'error-rate: "30" is not a number from 0 to 1 such as 0.3'],
    ['an empty share', { 'error-rate': '' }, 'error-rate: "" is not a number from 0 to 1 such as 0.3'],
    [
      'a code that no process has',
      { 'exit-code': '256' },
      'exit-code: "256" is not a whole number from 0 to 255',
    ],
    ['a broken code', { 'exit-code': '1.5' }, 'exit-code: "1.5" is not a whole number from 0 to 255'],
  ])('refuses %s', (_sentence, annotations, problem) => {
    expect(annotated(annotations as Record<string, string>).problems).toEqual([ANNOTATION_PREFIX + problem])
  })

  test('tells everything that is wrong at once, unknown names with the known ones', () => {
    const { problems } = annotated({ redy: '5s', latency: 'x' })
    expect(problems).toHaveLength(2)
    expect(problems?.[0]).toBe(
      `${ANNOTATION_PREFIX}redy is not known to the sandbox: expected one of ready, error-rate, latency, restart-after, exit-code`,
    )
  })

  test('leaves other annotations alone', () => {
    expect(parseBehaviour({ 'example.com/ready': 'whenever' }).problems).toBeUndefined()
  })
})
