/** Holds what the pages say against the code: links, paths, scripts, annotations, plans, denials, reasons. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import {
  COMMANDS,
  formatErrors,
  PREFIX,
  PREVIEW,
  readAnnotations,
  STATE,
  STEPS,
  TEST,
} from '../../src/core/annotations.ts'
import { printDuration } from '../../src/core/duration.ts'
import { canaryCount, stages } from '../../src/core/plan/expand.ts'
import { parsePlan } from '../../src/core/plan/plan.ts'
import { readState } from '../../src/core/state.ts'
import { targetOf } from '../../src/core/weights.ts'
import { state } from '../core/shop.ts'
import {
  anchorsOf,
  type Block,
  codeOf,
  linksOf,
  type Page,
  ROOT,
  readPage,
  readPages,
  tableOf,
} from './pages.ts'

const pages = readPages()
const annotationsPage = readPage('docs/annotations.md')
const operationsPage = readPage('docs/operations.md')

test('the pages are found, with their blocks, tables and links', () => {
  expect(pages.map(({ file }) => file)).toContain('README.md')
  const readme = readPage('README.md')
  expect(readme.blocks.map(({ info }) => info)).toContain('sh run exit=1')
  expect(readme.blocks.find(({ info }) => info === 'sh run')?.next?.info).toBe('text')
  expect(linksOf(readme)).toContain('LICENSE')
  expect(anchorsOf(readme)).toContain('what-is-not-there-yet')
})

test('every link inside the repository leads to a file, and to a heading that is there', () => {
  const broken = pages.flatMap(page => linksOf(page).flatMap(link => whatIsWrongWith(link, page)))
  expect(broken).toEqual([])
})

test('every path of the repository that a page names is there', () => {
  const path = /`((?:src|test|docs|examples|certs|helm|webhook-config)\/[\w./-]+)`/g
  const missing = pages.flatMap(({ file, text }) =>
    [...text.matchAll(path)]
      .map(match => match[1] ?? '')
      // The chart comes with a later version, and its page says so.
      .filter(named => named !== 'helm/canaryhook/' && !existsSync(join(ROOT, named)))
      .map(named => `${file}: ${named}`),
  )
  expect(missing).toEqual([])
})

test('every npm script that a page names is one', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
  // The titles of tests in the generated page are no commands.
  const written = pages.filter(({ file }) => file !== 'docs/conformance.md')
  const named = written.flatMap(({ file, text }) =>
    [...text.matchAll(/\bnpm (?:run )?(?<name>[a-z]+)\b/g)]
      .map(match => match.groups?.name ?? '')
      .filter(name => !NPM_WORDS.has(name))
      .map(name => ({ file, name })),
  )
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter(({ name }) => !Object.hasOwn(scripts, name))).toEqual([])
})

/** npm's own commands, and words that stand after it in a sentence. */
const NPM_WORDS = new Set(['ci', 'scripts', 'or', 'package', 'alone', 'and'])

describe('annotations in examples', () => {
  const blocks = pages.flatMap(page => page.blocks.map(block => ({ page, block })))
  const examples = blocks.filter(({ block }) => /^yaml\b/.test(block.info) && block.text.includes(PREFIX))

  test('can be used', () => {
    const good = examples.filter(({ block }) => block.info === 'yaml')
    expect(good.length).toBeGreaterThan(2)
    const wrong = good
      .map(({ page, block }) => ({
        where: `${page.file}:${block.line}`,
        ...readAnnotations(annotationsOf(block.text)),
      }))
      .filter(({ kind }) => kind !== 'ok')
    expect(wrong).toEqual([])
  })

  test('that are denied are denied in the words that follow', () => {
    const bad = examples.filter(({ block }) => block.info === 'yaml denied')
    expect(bad.length).toBeGreaterThan(1)
    for (const { page, block } of bad) {
      const reading = readAnnotations(annotationsOf(block.text))
      const errors = reading.kind === 'errors' ? reading.errors : []
      const said = formatErrors(errors, { namespace: 'default', name: 'shop' })
      expect(textAfter(page, block)).toBe(`${said}\n`)
    }
  })

  const manifests = readdirSync(join(ROOT, 'examples')).filter(file => file.endsWith('.yaml'))
  test.each(manifests)('in examples/%s can be used', file => {
    const manifest = readFileSync(join(ROOT, 'examples', file), 'utf8')
    expect(readAnnotations(annotationsOf(manifest))).toMatchObject({ kind: 'ok' })
  })

  test.each(manifests)('examples/%s is told of in the README beside it', file => {
    expect(linksOf(readPage('examples/README.md'))).toContain(file)
  })
})

describe('the page on annotations', () => {
  test('has every command, and no other', () => {
    const rows = tableOf(annotationsPage, 'command', 'when', 'effect').rows
    expect(new Set(rows.map(([cell]) => codeOf(cell)))).toEqual(new Set(COMMANDS))
  })

  test('has the defaults', () => {
    const rows = tableOf(annotationsPage, 'annotation', 'values', 'default', 'meaning').rows
    const written = Object.fromEntries(rows.map(([name, , value]) => [codeOf(name), codeOf(value)]))
    const reading = readAnnotations({ [STEPS]: '10%' })
    const settings = reading.kind === 'ok' ? reading.settings : undefined
    expect(written).toMatchObject({
      deadline: printDuration(settings?.deadline ?? 0),
      'max-restarts': String(settings?.maxRestarts),
      capacity: settings?.capacity,
      'on-failure': settings?.onFailure,
    })
  })

  test.each(tableOf(annotationsPage, 'step', 'what it does').rows)(
    'shows a step that can be used: %s',
    cell => {
      const step = codeOf(cell) ?? ''
      const source = step === 'test' ? { [TEST]: 'cronjob/shop-smoke' } : {}
      expect(readAnnotations({ [STEPS]: step, ...source })).toMatchObject({ kind: 'ok' })
    },
  )

  test.each(tableOf(annotationsPage, 'preview', 'the canary is at').rows)(
    'shows a preview that can be used: %s',
    cell => {
      const preview = codeOf(cell) ?? ''
      expect(readAnnotations({ [STEPS]: '10%', [PREVIEW]: preview })).toMatchObject({
        kind: 'ok',
        settings: { preview },
      })
    },
  )

  test.each(tableOf(annotationsPage, 'refused', 'because').rows)(
    'tells why %s is refused',
    (cell, because) => {
      expect(parsePlan(codeOf(cell) ?? '')).toEqual({ errors: [because] })
    },
  )

  test.each(tableOf(annotationsPage, 'replicas', 'plan', 'canary pods').rows)(
    'counts right: %s replicas, %s',
    (replicas, cell, pods) => {
      const reading = parsePlan(codeOf(cell) ?? '')
      const all = 'plan' in reading ? stages(reading.plan) : []
      const counts = all.map((_, index) => canaryCount(all, index, Number(replicas)))
      expect(counts.join(', ')).toBe(pods)
    },
  )
})

test.each(tableOf(annotationsPage, 'replicas', 'weight', 'stable', 'canary', 'baseline', 'pods').rows)(
  'a baseline beside %s replicas at %s is as the page on annotations says',
  (replicas = '', percent = '', ...cells) => {
    const total = Number(replicas)
    const weighing = { ...state({ plan: percent, total }), baseline: true }
    const { stable, canary, baseline } = targetOf(weighing)
    expect(cells.map(cell => Number.parseInt(cell, 10))).toEqual([
      stable,
      canary,
      baseline,
      stable + canary + baseline,
    ])
  },
)

test('the reasons that a failure can have are those of the page on operations', () => {
  const documented = tableOf(operationsPage, 'reason', 'what happened', 'what to do').rows.map(([cell]) =>
    codeOf(cell),
  )
  const files = [
    'decide',
    'health',
    'phases/failed',
    'phases/pending',
    'phases/progressing',
    'phases/requests',
    'phases/testing',
  ]
  const sources = [...files.map(file => `src/core/${file}.ts`), 'src/controller/reconcile.ts']
  const given = sources.flatMap(file =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/(?:reason:|STALLED =) '([A-Z]\w+)'/g)].map(
      match => match[1],
    ),
  )
  expect(new Set(documented)).toEqual(new Set(given))
})

test('a state that is shown can be read', () => {
  const shown = pages
    .flatMap(({ blocks }) => blocks)
    .filter(({ info, text }) => info === 'json' && /^\{\s*"version"/.test(text))
  expect(shown.length).toBeGreaterThan(0)
  for (const { text } of shown) {
    expect(readState({ [STATE]: JSON.stringify(JSON.parse(text)) })).toMatchObject({ kind: 'ok' })
  }
})

function whatIsWrongWith(link: string, page: Page): string[] {
  if (/^[a-z]+:/.test(link)) return []
  const [path = '', anchor] = link.split('#', 2)
  const target = path === '' ? page.file : normalize(join(dirname(page.file), path))
  if (!existsSync(join(ROOT, target))) return [`${page.file}: ${link} is not there`]
  if (anchor === undefined || anchorsOf(readPage(target)).includes(anchor)) return []
  return [`${page.file}: ${link} has no such heading`]
}

/** The annotations of the first object in a YAML text. */
function annotationsOf(text: string): Record<string, string> {
  const [first] = parseAllDocuments(text).map(
    document => document.toJS() as { metadata: { annotations: Record<string, string> } },
  )
  return first?.metadata.annotations ?? {}
}

/** The first block of text after a block. */
function textAfter(page: Page, block: Block): string {
  return page.blocks.find(({ info, line }) => info === 'text' && line > block.line)?.text ?? ''
}
