import type { WriteStream } from 'node:tty'
import { expect, test } from 'vitest'
import { openScreen } from '../../src/demo/screen.ts'

function stream(terminal: boolean, columns = 80, rows = 24) {
  const written: string[] = []
  const fake = { isTTY: terminal, columns, rows, write: (text: string) => written.push(text) > 0 }
  return { written, screen: openScreen(fake as unknown as WriteStream) }
}

test('a pipe gets plain lines and no live view', () => {
  const { written, screen } = stream(false)
  screen.say('one')
  screen.show(() => ['live'])
  screen.end()
  expect(written.join('')).toBe('one\n')
})

test('a terminal is drawn over: the view stays under the lines', () => {
  const { written, screen } = stream(true)
  screen.show(() => ['a', 'b'])
  screen.say('one')
  expect(written.at(-1)).toBe('\u001b[2A\r\u001b[0Jone\na\nb\n')
})

test('at the end the view is gone and the cursor back', () => {
  const { written, screen } = stream(true)
  screen.show(() => ['a'])
  screen.end()
  expect(written.slice(-2)).toEqual(['\u001b[1A\r\u001b[0J', '\u001b[?25h'])
})

test.each([
  ['narrow', 40, 24],
  ['low', 80, 1],
])('a terminal that is too %s gets the lines alone', (_sentence, columns, rows) => {
  const { written, screen } = stream(true, columns, rows)
  screen.show(() => ['live'])
  expect(written.join('')).not.toContain('live')
})
