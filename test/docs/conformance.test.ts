/** docs/conformance.md is written by a command that takes minutes; what it lists is what there is. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Report, readPageTitles, readResults, writePage } from '../controlplane/conformance-page.ts'
import { ROOT } from './pages.ts'

interface Listed {
  readonly file: string
  /** As it stands in the file: the rows of a table are not filled in. */
  readonly name: string
}

describe('the page', () => {
  const listed = readPageTitles(readFileSync(join(ROOT, 'docs', 'conformance.md'), 'utf8'))

  test.each([
    ['of test/scenarios', ['test/scenarios']],
    [
      'that only the control plane can tell',
      ['test/controlplane', '--config', 'vitest.controlplane.config.ts'],
    ],
  ])('lists every test %s and no other; else: npm run conformance', (_sentence, [folder = '', ...args]) => {
    const there = testsOf([folder, ...args])
    const rows = listed.filter(({ file }) => file.startsWith(`${folder}/`))
    const isRow = (row: { file: string; title: string }, { file, name }: Listed) =>
      file === row.file && patternOf(name).test(row.title)
    expect(there.length).toBeGreaterThan(20)
    const sentence = ({ file, ...named }: { file: string; name?: string; title?: string }) =>
      `${file}: ${named.name ?? named.title}`
    expect(there.filter(found => !rows.some(row => isRow(row, found))).map(sentence)).toEqual([])
    expect(rows.filter(row => !there.some(found => isRow(row, found))).map(sentence)).toEqual([])
  })
})

/** Read from the files without running any of them. */
function testsOf(args: readonly string[]): readonly Listed[] {
  const directory = mkdtempSync(join(tmpdir(), 'canaryhook-tests-'))
  const file = join(directory, 'list.json')
  try {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
    execFileSync(process.execPath, [vitest, 'list', ...args, `--json=${file}`], {
      cwd: ROOT,
      stdio: 'ignore',
    })
    const found = JSON.parse(readFileSync(file, 'utf8')) as Listed[]
    return found.map(({ file, name }) => ({ file: file.slice(ROOT.length + 1), name }))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A name with `%s`, or with a value of the row, is that of every row of a table. */
function patternOf(name: string): RegExp {
  const parts = name.split(/%s|\$\{[^}]*\}/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

describe('two reports become a page', () => {
  const report = (file: string, ...tests: readonly [title: string, status: string][]): Report => ({
    testResults: [
      {
        name: `/somewhere/${file}`,
        assertionResults: tests.map(([title, status]) => ({ ancestorTitles: ['a release'], title, status })),
      },
    ],
  })
  const file = 'test/scenarios/x.test.ts'
  const both = (here: string, there: string): string =>
    writePage(
      readResults(report(file, ['is | promoted', here])),
      [
        ...readResults(report(file, ['is | promoted', there])),
        ...readResults(report('test/controlplane/y.test.ts', ['is applied', 'passed'])),
      ],
      'v9.9.9',
    )

  test('with a row for each scenario and both results', () => {
    const page = both('passed', 'passed')
    expect(page).toContain('| a release > is \\| promoted | passes | passes |')
    expect(page).toContain('| a release > is applied | passes |')
    expect(page).toContain('**Differences: none.**')
    expect(page).toContain('(v9.9.9;')
  })

  test('that names what differs', () => {
    const page = both('passed', 'failed')
    expect(page).toContain(`**Differences: 1.**\n\n- \`${file}\`: a release > is | promoted`)
    expect(page).toContain('| scenarios on the control plane | 1 | 0 | 1 |')
  })

  test('from which its list can be read again', () => {
    expect(readPageTitles(both('passed', 'passed'))).toEqual([
      { file, title: 'a release > is | promoted' },
      { file: 'test/controlplane/y.test.ts', title: 'a release > is applied' },
    ])
  })
})
