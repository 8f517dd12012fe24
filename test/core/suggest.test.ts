import { expect, test } from 'vitest'
import { editDistance, suggest } from '../../src/core/suggest.ts'

const KEYS = ['steps', 'capacity', 'deadline', 'max-restarts', 'on-failure', 'test']

test.each([
  ['a missing letter is forgiven', 'step', 'steps'],
  ['an extra letter is forgiven', 'deadlines', 'deadline'],
  ['swapped letters are one error', 'stpes', 'steps'],
  ['two errors in a long word are forgiven', 'capacitty2', 'capacity'],
  ['hyphens and capitals do not count', 'maxRestarts', 'max-restarts'],
  ['of two near words the nearer one is meant', 'tests', 'test'],
  ['a far word is nobody', 'replicas', undefined],
  ['two errors in a short word are too many', 'text1', undefined],
  ['nothing is nobody', '', undefined],
  ['a very long word is nobody', 's'.repeat(5000), undefined],
])('%s', (_sentence, word, meant) => {
  expect(suggest(word, KEYS)).toBe(meant)
})

test('of two equally near words the one named first is meant', () => {
  expect(suggest('bat', ['cat', 'rat'])).toBe('cat')
})

test.each([
  ['the same words', 'abc', 'abc', 0],
  ['a replaced letter', 'abc', 'abd', 1],
  ['an added letter', 'abc', 'abcd', 1],
  ['two swapped neighbours', 'abcd', 'abdc', 1],
  ['a word and nothing', 'abc', '', 3],
])('the distance of %s is counted in single errors', (_sentence, a, b, errors) => {
  expect(editDistance(a, b)).toBe(errors)
  expect(editDistance(b, a)).toBe(errors)
})
