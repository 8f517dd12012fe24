/** Reads the project's pages: their blocks of code, tables and links. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface Block {
  /** `sh run exit=1`, as it stands after the fence; `setup` for what is in a comment. */
  readonly info: string
  readonly text: string
  /** Of its first line in the page, from 1. */
  readonly line: number
  /** The block that follows with nothing but blank lines between. */
  readonly next: Block | undefined
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Page {
  /** Relative to the root. */
  readonly file: string
  readonly text: string
  readonly blocks: readonly Block[]
  readonly tables: readonly Table[]
}

/** All pages in Markdown that git tracks or would track. */
export function readPages(): readonly Page[] {
  const listing = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md']
  return execFileSync('git', listing, { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter(file => file !== '' && existsSync(join(ROOT, file)))
    .map(readPage)
}

/** @param file relative to the root */
export function readPage(file: string): Page {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return { file, text, blocks: blocksOf(text), tables: tablesOf(withoutBlocks(text)) }
}

/** The table whose head is this. @throws Error when the page has none */
export function tableOf(page: Page, ...head: readonly string[]): Table {
  const found = page.tables.find(table => table.head.join('|') === head.join('|'))
  if (found) return found
  throw new Error(`${page.file} has no table ${head.join(' | ')}`)
}

/** The text of a table cell that is one piece of code; undefined for any other. */
export function codeOf(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1]
}

/** Targets of links, with the text between the brackets. */
export function linksOf(page: Page): readonly string[] {
  const links = withoutBlocks(page.text).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)
  return [...links].map(match => match[1] ?? '')
}

/** The names by which headings can be linked to, as GitHub makes them. */
export function anchorsOf(page: Page): readonly string[] {
  return [...withoutBlocks(page.text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}

const FENCED = /^```(?<info>.*)\n(?<code>(?:.*\n)*?)```$|^<!-- (?<hidden>setup)\n(?<script>(?:.*\n)*?)-->$/gm

function blocksOf(text: string): readonly Block[] {
  const found = [...text.matchAll(FENCED)].map(match => ({ match, start: match.index }))
  let next: Block | undefined
  let nextStart = Number.POSITIVE_INFINITY
  const blocks: Block[] = []
  for (const { match, start } of found.reverse()) {
    const { info = '', code = '', hidden, script = '' } = match.groups ?? {}
    const between = text.slice(start + match[0].length, nextStart)
    const block: Block = {
      info: hidden ?? info.trim(),
      text: hidden ? script : code,
      line: text.slice(0, start).split('\n').length + 1,
      next: between.trim() === '' ? next : undefined,
    }
    blocks.unshift(block)
    next = block
    nextStart = start
  }
  return blocks
}

function withoutBlocks(text: string): string {
  return text.replace(FENCED, '')
}

function tablesOf(text: string): readonly Table[] {
  return [...text.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) => {
    const [head = [], _rule, ...rows] = table.trimEnd().split('\n').map(cellsOf)
    return { head, rows }
  })
}

function cellsOf(row: string): readonly string[] {
  return row
    .slice(1, -1)
    .split('|')
    .map(cell => cell.trim())
}
