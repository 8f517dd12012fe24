/** Where the demo writes: a terminal with a live view under the lines that stay, or plain lines into a pipe. */
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { type Paint, VIEW_WIDTH } from './view.ts'
import { wrap } from './wrap.ts'

export interface Screen {
  /** Writes a line that stays. */
  say(line: string): void
  /** Shows the live view under them; a pipe gets none. */
  show(render: (paint: Paint) => readonly string[]): void
  /** Takes the live view away. */
  end(): void
}

/** @param stream standard output */
export function openScreen(stream: WriteStream): Screen {
  return stream.isTTY ? new Terminal(stream) : new Pipe(stream)
}

class Pipe implements Screen {
  readonly #stream: WriteStream

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`)
  }

  show(): void {}

  end(): void {}
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR_BELOW = '\u001b[0J'
const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24

class Terminal implements Screen {
  readonly #stream: WriteStream
  #view: readonly string[] = []
  #drawn = 0

  constructor(stream: WriteStream) {
    this.#stream = stream
    stream.write(HIDE_CURSOR)
  }

  say(line: string): void {
    const lines = wrap(line, this.#columns())
    this.#draw(`${lines.join('\n')}\n`)
  }

  show(render: (paint: Paint) => readonly string[]): void {
    this.#view = render(paint)
    this.#draw('')
  }

  end(): void {
    this.#view = []
    this.#draw('')
    this.#stream.write(SHOW_CURSOR)
  }

  /** Goes back to where the view began, writes what stays, and the view again: in one write, so nothing flickers. */
  #draw(staying: string): void {
    const up = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`
    // What does not fit is broken by the terminal or scrolled away, and cannot be gone back over.
    const rows = this.#columns() < VIEW_WIDTH ? 0 : (this.#stream.rows || DEFAULT_ROWS) - 1
    const fitting = this.#view.slice(0, Math.max(0, rows))
    const view = fitting.map(line => `${line}\n`).join('')
    this.#stream.write(`${up}\r${CLEAR_BELOW}${staying}${view}`)
    this.#drawn = fitting.length
  }

  #columns(): number {
    return this.#stream.columns || DEFAULT_COLUMNS
  }
}

const STYLES = { title: 'bold', stable: 'blue', canary: 'yellow', bad: 'red', quiet: 'dim' } as const

const paint: Paint = (text, role) => styleText(STYLES[role], text)
