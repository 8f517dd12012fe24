import { ShellSyntaxError } from './syntax.ts'

/** A place in the text of a script. */
export class Cursor {
  readonly #source: string
  #position = 0

  constructor(source: string) {
    this.#source = source
  }

  /** A cursor over another text. */
  over(source: string): Cursor {
    return new Cursor(source)
  }

  /** The character here, '' at the end. */
  peek(): string {
    return this.#source[this.#position] ?? ''
  }

  take(): string {
    const character = this.peek()
    this.#position += character.length
    return character
  }

  /** Takes this text if it is what comes next. */
  takeIf(text: string): boolean {
    if (!this.#source.startsWith(text, this.#position)) return false
    this.#position += text.length
    return true
  }

  /** Takes what matches here; the pattern must start with `^`. */
  takeMatch(pattern: RegExp): string | undefined {
    const match = pattern.exec(this.#source.slice(this.#position))
    if (!match) return undefined
    this.#position += match[0].length
    return match[0]
  }

  looksAt(pattern: RegExp): boolean {
    return pattern.test(this.#source.slice(this.#position))
  }

  /** Takes the text before `end`, and `end` itself. */
  takeUntil(end: string, problem: string): string {
    const found = this.#source.indexOf(end, this.#position)
    if (found < 0) throw new ShellSyntaxError(`syntax error: ${problem}`)
    const text = this.#source.slice(this.#position, found)
    this.#position = found + end.length
    return text
  }

  /** Takes the text up to the `close` that belongs to an `open` already taken; quotes hide brackets. */
  takeBalanced(open: string, close: string): string {
    const start = this.#position
    let depth = 1
    let quote = ''
    while (depth > 0) {
      const character = this.take()
      if (character === '') throw new ShellSyntaxError(`syntax error: expected "${close}"`)
      if (quote !== '') {
        if (character === '\\' && quote === '"') this.take()
        else if (character === quote) quote = ''
      } else if (character === "'" || character === '"') quote = character
      else if (character === open) depth += 1
      else if (character === close) depth -= 1
    }
    return this.#source.slice(start, this.#position - 1)
  }
}
