import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { linesOf } from '../../src/cluster/lines.ts'

async function lines(...chunks: (string | Buffer)[]): Promise<string[]> {
  const found: string[] = []
  for await (const line of linesOf(Readable.from(chunks.map(chunk => Buffer.from(chunk))))) found.push(line)
  return found
}

const euro = Buffer.from('€')

test.each<[string, (string | Buffer)[], string[]]>([
  ['several lines in one chunk', ['a\nb\nc\n'], ['a', 'b', 'c']],
  ['one line in several chunks', ['a', 'b', 'c\nd\n'], ['abc', 'd']],
  ['a character cut in two', [euro.subarray(0, 1), euro.subarray(1), '\n'], ['€']],
  ['empty lines are left out', ['\n\na\n\n'], ['a']],
  ['a last line without an end is left out', ['a\n{"type":'], ['a']],
  ['nothing at all', [], []],
])('%s', async (_sentence, chunks, expected) => {
  expect(await lines(...chunks)).toEqual(expected)
})
