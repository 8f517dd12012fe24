/** The page docs/conformance.md, from what vitest reported of both runs. Pure. */

/** The parts of vitest's JSON report that are read. */
export interface Report {
  readonly testResults: readonly {
    /** The file, absolute or not. */
    readonly name: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
    }[]
  }[]
}

export interface Result {
  /** `test/scenarios/release.test.ts`. */
  readonly file: string
  /** With the titles of what it stands in, as `vitest list` prints them. */
  readonly title: string
  readonly status: 'passes' | 'fails' | 'not run'
}

/** Between the titles of a test and of what it stands in. */
const WITHIN = ' > '
const SCENARIOS = 'test/scenarios/'

/** Every test of a run. */
export function readResults(report: Report): readonly Result[] {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(
      ({ ancestorTitles, title, status }): Result => ({
        file: name.slice(Math.max(0, name.lastIndexOf('test/', name.lastIndexOf('/') - 1))),
        title: [...ancestorTitles, title].join(WITHIN),
        status: status === 'passed' ? 'passes' : status === 'failed' ? 'fails' : 'not run',
      }),
    ),
  )
}

/** @param version of Kubernetes: `v1.36.3` */
export function writePage(
  sandbox: readonly Result[],
  controlPlane: readonly Result[],
  version: string,
): string {
  const scenarios = (results: readonly Result[]) => results.filter(({ file }) => file.startsWith(SCENARIOS))
  const here = scenarios(sandbox)
  const there = scenarios(controlPlane)
  // The chart's tests (test/helm) are many, and tell of Helm.
  const more = controlPlane.filter(({ file }) => file.startsWith('test/controlplane/'))
  return [
    '# Conformance',
    '',
    '<!-- Written by npm run conformance. -->',
    '',
    'The scenarios of `test/scenarios` run unchanged on the sandbox, whose cluster is simulated, and on a real Kubernetes',
    `control plane (${version}; its nodes and pods are played by kwok). Where the two differ, the sandbox is wrong.`,
    'What only a real API server can tell is tested there alone. `npm run conformance` runs everything and writes this page.',
    '',
    '| run | tests | pass | fail |',
    '|---|---|---|---|',
    summary('scenarios on the sandbox', here),
    summary('scenarios on the control plane', there),
    summary('what only the control plane can tell', more),
    '',
    ...differences(here, there),
    '',
    '## Scenarios',
    ...filesOf([...here, ...there]).flatMap(file => compared(file, here, there)),
    '',
    '## What only the control plane can tell',
    ...filesOf(more).flatMap(file => alone(file, more)),
    '',
  ].join('\n')
}

function summary(what: string, results: readonly Result[]): string {
  const count = (status: Result['status']) => results.filter(result => result.status === status).length
  return `| ${what} | ${results.length} | ${count('passes')} | ${count('fails')} |`
}

function differences(here: readonly Result[], there: readonly Result[]): readonly string[] {
  const differing = titlesOf([...here, ...there]).filter(
    ({ file, title }) => statusOf(here, file, title) !== statusOf(there, file, title),
  )
  if (differing.length === 0) return ['**Differences: none.**']
  return [
    `**Differences: ${differing.length}.**`,
    '',
    ...differing.map(({ file, title }) => `- \`${file}\`: ${title}`),
  ]
}

function compared(file: string, here: readonly Result[], there: readonly Result[]): readonly string[] {
  const rows = titlesOf([...here, ...there].filter(result => result.file === file)).map(
    ({ title }) => `| ${cell(title)} | ${statusOf(here, file, title)} | ${statusOf(there, file, title)} |`,
  )
  return ['', `### \`${file}\``, '', '| scenario | sandbox | control plane |', '|---|---|---|', ...rows]
}

function alone(file: string, results: readonly Result[]): readonly string[] {
  const rows = results
    .filter(result => result.file === file)
    .map(({ title, status }) => `| ${cell(title)} | ${status} |`)
  return ['', `### \`${file}\``, '', '| test | control plane |', '|---|---|', ...rows]
}

function filesOf(results: readonly Result[]): readonly string[] {
  return [...new Set(results.map(({ file }) => file))].sort()
}

function titlesOf(results: readonly Result[]): readonly Result[] {
  return [...new Map(results.map(result => [`${result.file} ${result.title}`, result])).values()]
}

function statusOf(results: readonly Result[], file: string, title: string): Result['status'] {
  return results.find(result => result.file === file && result.title === title)?.status ?? 'not run'
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** The tests that a page lists, with their files. */
export function readPageTitles(page: string): readonly Omit<Result, 'status'>[] {
  let file = ''
  return page.split('\n').flatMap(line => {
    file = /^### `(?<file>[^`]+)`$/.exec(line)?.groups?.file ?? file
    const title = /^\| (?<title>.+?) (?<!\\)\|/.exec(line)?.groups?.title
    if (file === '' || title === undefined || title === 'scenario' || title === 'test') return []
    return [{ file, title: title.replaceAll('\\|', '|') }]
  })
}
