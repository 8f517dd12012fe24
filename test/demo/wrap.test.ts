import { expect, test } from 'vitest'
import { wrap } from '../../src/demo/wrap.ts'

test.each([
  ['a line that fits stays', 'one two', ['one two']],
  ['a longer one is broken between words', 'one two three four', ['one two', 'three four']],
  ['what follows is indented like the line', '  one two three', ['  one two', '  three']],
  ['and clear of a time', '  1.2 s  one two', ['  1.2 s  one', '         two']],
  ['and clear of a mark', '  ✔ one two three', ['  ✔ one two', '    three']],
  ['a word that is too long stays whole', 'a-very-long-word x', ['a-very-long-word', 'x']],
  ['an empty line stays', '', ['']],
])('%s', (_sentence, line, expected) => {
  expect(wrap(line, 12)).toEqual(expected)
})
