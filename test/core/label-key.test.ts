/** The key of a label, as Kubernetes takes it. */
import { expect, test } from 'vitest'
import { readLabelKey } from '../../src/core/label-key.ts'

test.each([
  ['a word', 'production'],
  ['a word with all that is allowed', 'A1-b_c.d9'],
  ['one letter', 'a'],
  ['the longest name', 'a'.repeat(63)],
  ['a name with a domain', 'example.com/live'],
])('%s is one', (_sentence, key) => {
  expect(readLabelKey(key)).toEqual({ key })
  expect(readLabelKey(` ${key}\n`)).toEqual({ key })
})

test.each([
  ['nothing', '', '"" is not the key of a label (such as production or example.com/live)'],
  ['a name that is too long', 'a'.repeat(64), /is not the key of a label/],
  ['a name that begins with a dash', '-a', /is not the key of a label/],
  ['two words', 'a b', /is not the key of a label/],
  ['a domain in capitals', 'Example.com/a', /is not the key of a label/],
  ['a domain alone', 'example.com/', /is not the key of a label/],
  ['two slashes', 'a/b/c', /is not the key of a label/],
  ['a domain that is too long', `${'a'.repeat(254)}/b`, /is not the key of a label/],
  [
    'a label with its value',
    'production=true',
    '"production=true" is a label with a value (write its key alone: production)',
  ],
  ['a label as in YAML', 'a.b/c: "true"', /write its key alone: a\.b\/c/],
])('%s is none', (_sentence, text, problem) => {
  const expected = typeof problem === 'string' ? problem : expect.stringMatching(problem)
  expect(readLabelKey(text)).toEqual({ problem: expected })
})
