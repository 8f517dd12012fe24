/** Turns a word of a script into the arguments that it becomes. */
import { evaluateArithmetic } from './arithmetic.ts'
import type { Part, Script, Word } from './syntax.ts'

export interface ValueSource {
  /** '' when it is not set. */
  variable(name: string): string
  /** What a script prints, for `$(…)`. */
  output(script: Script): Promise<string>
}

/** @throws ShellSyntaxError for arithmetic that makes no sense */
export async function expandWords(words: readonly Word[], source: ValueSource): Promise<string[]> {
  const expanded: string[] = []
  for (const word of words) expanded.push(...(await expandWord(word, source)))
  return expanded
}

/** Unquoted values are split at spaces, and vanish when they are empty; quoted ones stay as they are. */
export async function expandWord(word: Word, source: ValueSource): Promise<string[]> {
  const fields: string[] = []
  let open: string | undefined
  for (const part of word) {
    const value = await textOf(part, source)
    if (part.quoted || part.kind === 'text') {
      open = (open ?? '') + value
      continue
    }
    for (const [index, piece] of value.split(/[ \t\n]+/).entries()) {
      if (index > 0 && open !== undefined) {
        fields.push(open)
        open = undefined
      }
      if (piece !== '') open = (open ?? '') + piece
    }
  }
  return open === undefined ? fields : [...fields, open]
}

async function textOf(part: Part, source: ValueSource): Promise<string> {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'variable': {
      const value = source.variable(part.name)
      return value === '' && part.fallback ? (await expandWord(part.fallback, source)).join(' ') : value
    }
    case 'arithmetic':
      return String(evaluateArithmetic(part.expression.replaceAll('$', ''), name => source.variable(name)))
    case 'output':
      return (await source.output(part.script)).replace(/\n+$/, '')
  }
}
