/** Reads one word of a shell script: text, quotes, `$name`, `${name:-word}`, `$(command)`, `$((1 + 2))`. */
import type { Cursor } from './cursor.ts'
import { type Part, type Script, ShellSyntaxError, type Word } from './syntax.ts'

/** Ends a word when it is not quoted. */
const WORD_END = /[\s;&|<>()]/

export type ParseScript = (source: string) => Script

/** @returns undefined when there is no word at the cursor */
export function readWord(cursor: Cursor, parseScript: ParseScript): Word | undefined {
  const parts: Part[] = []
  for (;;) {
    const character = cursor.peek()
    if (character === '' || WORD_END.test(character)) break
    if (character === "'") parts.push(readSingleQuotes(cursor))
    else if (character === '"') parts.push(...readDoubleQuotes(cursor, parseScript))
    else if (character === '$') parts.push(readDollar(cursor, parseScript, false))
    else if (character === '`') parts.push(readBackquotes(cursor, parseScript, false))
    else if (character === '\\') {
      cursor.take()
      const escaped = cursor.take()
      if (escaped !== '\n') parts.push({ kind: 'text', text: escaped, quoted: true })
    } else parts.push({ kind: 'text', text: cursor.take(), quoted: false })
  }
  return parts.length > 0 ? joinTexts(parts) : undefined
}

function readSingleQuotes(cursor: Cursor): Part {
  cursor.take()
  const text = cursor.takeUntil("'", 'unterminated quoted string')
  return { kind: 'text', text, quoted: true }
}

function readDoubleQuotes(cursor: Cursor, parseScript: ParseScript): Part[] {
  cursor.take()
  // An empty quoted piece keeps "" a word of its own.
  const parts: Part[] = [{ kind: 'text', text: '', quoted: true }]
  for (;;) {
    const character = cursor.peek()
    if (character === '') throw new ShellSyntaxError('syntax error: unterminated quoted string')
    if (character === '"') {
      cursor.take()
      return parts
    }
    if (character === '$') parts.push(readDollar(cursor, parseScript, true))
    else if (character === '`') parts.push(readBackquotes(cursor, parseScript, true))
    else {
      cursor.take()
      const escaped = character === '\\' && /["$`\\\n]/.test(cursor.peek())
      const text = escaped ? cursor.take() : character
      if (!(escaped && text === '\n')) parts.push({ kind: 'text', text, quoted: true })
    }
  }
}

function readBackquotes(cursor: Cursor, parseScript: ParseScript, quoted: boolean): Part {
  cursor.take()
  const source = cursor.takeUntil('`', 'unterminated backquote')
  return { kind: 'output', script: parseScript(source), quoted }
}

function readDollar(cursor: Cursor, parseScript: ParseScript, quoted: boolean): Part {
  cursor.take()
  if (cursor.takeIf('((')) {
    const expression = cursor.takeBalanced('(', ')')
    if (!cursor.takeIf(')')) throw new ShellSyntaxError('syntax error: expected "))"')
    return { kind: 'arithmetic', expression, quoted }
  }
  if (cursor.takeIf('(')) {
    return { kind: 'output', script: parseScript(cursor.takeBalanced('(', ')')), quoted }
  }
  if (cursor.takeIf('{')) return readBraces(cursor, parseScript, quoted)
  const name = cursor.takeMatch(/^([A-Za-z_][A-Za-z0-9_]*|[?#@*!$0-9])/)
  if (name === undefined) return { kind: 'text', text: '$', quoted: true }
  return { kind: 'variable', name, quoted }
}

function readBraces(cursor: Cursor, parseScript: ParseScript, quoted: boolean): Part {
  const inside = cursor.takeBalanced('{', '}')
  const match = /^([A-Za-z_][A-Za-z0-9_]*|[?#@*!$0-9])(?::?-(.*))?$/s.exec(inside)
  const [, name, fallback] = match ?? []
  if (name === undefined) throw new ShellSyntaxError(`\${${inside}}: bad substitution`)
  if (fallback === undefined) return { kind: 'variable', name, quoted }
  const word = readWord(cursor.over(`"${fallback.replaceAll('"', '')}"`), parseScript) ?? []
  return { kind: 'variable', name, fallback: word, quoted }
}

function joinTexts(parts: readonly Part[]): Word {
  const joined: Part[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.kind === 'text' && last?.kind === 'text' && last.quoted === part.quoted) {
      joined[joined.length - 1] = { ...last, text: last.text + part.text }
    } else joined.push(part)
  }
  return joined
}
