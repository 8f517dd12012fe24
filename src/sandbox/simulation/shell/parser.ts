/** Turns the text after `sh -c` into a script. A useful part of POSIX sh; functions and `case` are not in it. */
import { Cursor } from './cursor.ts'
import {
  type AndOr,
  type Branch,
  type Command,
  type Pipeline,
  type Redirect,
  type Script,
  ShellSyntaxError,
  type Word,
} from './syntax.ts'
import { readWord } from './word-parser.ts'

const RESERVED = /^(if|then|elif|else|fi|for|while|until|do|done|in|case|esac|[{}!])(?![^\s;&|()<>])/

/** @throws ShellSyntaxError */
export function parseScript(source: string): Script {
  const cursor = new Cursor(source)
  const script = readScript(cursor)
  if (cursor.peek() !== '') throw unexpected(cursor)
  return script
}

/** Reads until something that cannot start a command: the end, `)`, or a word such as `done`. */
function readScript(cursor: Cursor): Script {
  const script: AndOr[] = []
  for (;;) {
    skipBlank(cursor, true)
    if (cursor.peek() === '' || cursor.peek() === ')' || closesBlock(cursor)) return script
    script.push(readAndOr(cursor))
    skipBlank(cursor, false)
    if (!cursor.takeIf('\n') && !cursor.looksAt(/^;(?!;)/) && !cursor.looksAt(/^&(?!&)/)) return script
    // A command in the background runs in the foreground here: nobody waits for its output otherwise.
    cursor.takeMatch(/^[;&]/)
  }
}

function readAndOr(cursor: Cursor): AndOr {
  const first = readPipeline(cursor)
  const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = []
  for (;;) {
    skipBlank(cursor, false)
    const operator = cursor.takeIf('&&') ? '&&' : cursor.takeIf('||') ? '||' : undefined
    if (operator === undefined) return { first, rest }
    skipBlank(cursor, true)
    rest.push({ operator, pipeline: readPipeline(cursor) })
  }
}

function readPipeline(cursor: Cursor): Pipeline {
  const negated = takeReserved(cursor, '!')
  const commands = [readCommand(cursor)]
  for (;;) {
    skipBlank(cursor, false)
    if (!cursor.looksAt(/^\|(?!\|)/)) return { negated, commands }
    cursor.take()
    skipBlank(cursor, true)
    commands.push(readCommand(cursor))
  }
}

function readCommand(cursor: Cursor): Command {
  skipBlank(cursor, false)
  if (takeReserved(cursor, 'if')) return readIf(cursor)
  if (takeReserved(cursor, 'while')) return readLoop(cursor, false)
  if (takeReserved(cursor, 'until')) return readLoop(cursor, true)
  if (takeReserved(cursor, 'for')) return readFor(cursor)
  if (takeReserved(cursor, '{')) {
    const body = readScript(cursor)
    expectReserved(cursor, '}')
    return { kind: 'group', body, subshell: false }
  }
  if (cursor.takeIf('(')) {
    const body = readScript(cursor)
    if (!cursor.takeIf(')')) throw unexpected(cursor)
    return { kind: 'group', body, subshell: true }
  }
  if (cursor.looksAt(RESERVED)) throw unexpected(cursor)
  return readSimple(cursor)
}

function readIf(cursor: Cursor): Command {
  const branches: Branch[] = []
  for (;;) {
    const condition = readScript(cursor)
    expectReserved(cursor, 'then')
    branches.push({ condition, body: readScript(cursor) })
    if (takeReserved(cursor, 'elif')) continue
    const otherwise = takeReserved(cursor, 'else') ? readScript(cursor) : undefined
    expectReserved(cursor, 'fi')
    return otherwise === undefined ? { kind: 'if', branches } : { kind: 'if', branches, otherwise }
  }
}

function readLoop(cursor: Cursor, until: boolean): Command {
  const condition = readScript(cursor)
  return { kind: 'loop', until, condition, body: readBody(cursor) }
}

function readFor(cursor: Cursor): Command {
  skipBlank(cursor, false)
  const name = cursor.takeMatch(/^[A-Za-z_][A-Za-z0-9_]*/)
  if (name === undefined) throw unexpected(cursor)
  expectReserved(cursor, 'in')
  const items: Word[] = []
  for (let item = nextWord(cursor); item; item = nextWord(cursor)) items.push(item)
  skipBlank(cursor, false)
  cursor.takeMatch(/^[;\n]/)
  return { kind: 'for', name, items, body: readBody(cursor) }
}

function readBody(cursor: Cursor): Script {
  expectReserved(cursor, 'do')
  const body = readScript(cursor)
  expectReserved(cursor, 'done')
  return body
}

function readSimple(cursor: Cursor): Command {
  const assignments: { name: string; value: Word }[] = []
  const words: Word[] = []
  const redirects: Redirect[] = []
  for (;;) {
    skipBlank(cursor, false)
    const redirect = readRedirect(cursor)
    if (redirect) {
      redirects.push(redirect)
      continue
    }
    const assigned = words.length === 0 ? cursor.takeMatch(/^[A-Za-z_][A-Za-z0-9_]*=/) : undefined
    if (assigned !== undefined) {
      assignments.push({ name: assigned.slice(0, -1), value: readWord(cursor, parseScript) ?? [] })
      continue
    }
    const word = readWord(cursor, parseScript)
    if (word === undefined) break
    words.push(word)
  }
  if (words.length + assignments.length + redirects.length === 0) throw unexpected(cursor)
  return { kind: 'simple', assignments, words, redirects }
}

function readRedirect(cursor: Cursor): Redirect | undefined {
  const operator = cursor.takeMatch(/^(2>&1|[12]?>&2|>&1|2>>|2>|1?>>|1?>|<(?!<))/)
  if (operator === undefined) return undefined
  if (operator === '2>&1') return { stream: 'stderr', append: true, to: 'stdout' }
  if (operator.endsWith('>&2')) return { stream: 'stdout', append: true, to: 'stderr' }
  if (operator === '>&1') return { stream: 'stdout', append: true, to: 'stdout' }
  const to = nextWord(cursor)
  if (to === undefined) throw unexpected(cursor)
  const stream = operator === '<' ? 'stdin' : operator.startsWith('2') ? 'stderr' : 'stdout'
  return { stream, append: operator.endsWith('>>'), to }
}

function nextWord(cursor: Cursor): Word | undefined {
  skipBlank(cursor, false)
  return readWord(cursor, parseScript)
}

function closesBlock(cursor: Cursor): boolean {
  return cursor.looksAt(/^(then|elif|else|fi|do|done|esac|\})(?![^\s;&|()<>])/)
}

function takeReserved(cursor: Cursor, word: string): boolean {
  skipBlank(cursor, false)
  return cursor.looksAt(new RegExp(`^${escaped(word)}(?![^\\s;&|()<>])`)) && cursor.takeIf(word)
}

function expectReserved(cursor: Cursor, word: string): void {
  skipBlank(cursor, true)
  if (!takeReserved(cursor, word)) throw unexpected(cursor, word)
}

function skipBlank(cursor: Cursor, newlines: boolean): void {
  for (;;) {
    const space = cursor.takeMatch(newlines ? /^\s+/ : /^([ \t]|\\\n)+/)
    const comment = cursor.takeMatch(/^#[^\n]*/)
    if (space === undefined && comment === undefined) return
  }
}

function unexpected(cursor: Cursor, expected?: string): ShellSyntaxError {
  const found = cursor.takeMatch(/^(\n|\S+)/)
  const shown = found === undefined ? 'end of file' : found === '\n' ? 'newline' : `"${found}"`
  const hint = expected === undefined ? '' : ` (expecting "${expected}")`
  return new ShellSyntaxError(`syntax error: unexpected ${shown}${hint}`)
}

function escaped(text: string): string {
  return text.replace(/[{}!]/g, '\\$&')
}
