import { expect, test } from 'vitest'
import { quote } from '../../src/core/quote.ts'

test.each([
  ['a short text is shown as it is', '10%, 50%', 60, '"10%, 50%"'],
  ['newlines become spaces', '10%,\n  50%\n', 60, '"10%, 50%"'],
  ['control characters never reach a terminal', '\u001b[31m10%', 60, '"?[31m10%"'],
  ['text direction marks never reach a terminal', 'a\u202eb', 60, '"a?b"'],
  ['a long text is cut', 'abcdefghij', 5, '"abcd…"'],
])('%s', (_sentence, text, limit, shown) => {
  expect(quote(text, limit)).toBe(shown)
})
