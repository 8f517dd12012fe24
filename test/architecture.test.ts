/** Holds the shape of the code: who may import whom (docs: "Edges"), and what no file may hold. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** What git tracks, and what it would track: a new file is held to the rules before it is added. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => file !== '' && isThere(file))

const sources = files.filter(file => file.startsWith('src/') && file.endsWith('.ts'))
const tests = files.filter(file => file.startsWith('test/') && file.endsWith('.ts'))

/** Each part of src: what it may import of the others, beside itself. `shared` are single files of src. */
const SHARED = ['health.ts', 'log.ts']
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  certs: ['core'],
  metrics: ['core'],
  traffic: ['core'],
  cluster: ['core'],
  webhook: ['core', ...SHARED],
  controller: ['core', 'cluster', 'traffic', 'metrics', 'certs', ...SHARED],
  // It carries releases to their end as the controller does, where none runs.
  uninstall: ['core', 'cluster', 'controller'],
  cli: ['core', 'cluster'],
  sandbox: ['core', 'cluster', 'certs', 'webhook', 'controller', ...SHARED],
  demo: ['core', 'cluster', 'certs', 'sandbox', ...SHARED],
  'main.ts': ['core', 'certs', 'cluster', 'webhook', 'controller', 'uninstall', 'options.ts', ...SHARED],
  'health.ts': [],
  'log.ts': [],
  'options.ts': ['core'],
}

/** The modules of Node that compute and nothing else. */
const PURE_NODE = ['node:crypto']
/** The packages that core may use: they neither read nor write anything. */
const PURE_PACKAGES = ['yaml', 'zod']

test('the rules see the files', () => {
  expect(sources).toContain('src/core/errors.ts')
  expect(tests).toContain('test/architecture.test.ts')
})

test('the reader of imports finds every form and is not fooled by comments and texts', () => {
  const text = `
    import { a, type B } from './one.ts'
    import type { C } from "./two.ts"
    import './three.ts'
    export { d } from './four.ts'
    export * from './five.ts'
    const lazy = await import('./six.ts')
    type E = import('./seven.ts').E
    import {
      f,
    } from './eight.ts'
    // import x from './comment.ts'
    /* import y from './block.ts' */
    const url = 'https://x' // a text with slashes is no comment
    const words = "import z from './text.ts'"
    const tick = \`export * from './template.ts'\`
  `
  const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight']
  expect(importsOf(text)).toEqual(names.map(name => `./${name}.ts`))
})

test('a part imports only the parts it may', () => {
  expect(sources.flatMap(file => wrongEdges(file, read(file)))).toEqual([])
})

test.each([
  ['core imports nothing but core', 'src/core/plan/plan.ts', '../../cluster/port.ts'],
  ['the webhook does not import the cluster', 'src/webhook/app.ts', '../cluster/connect.ts'],
  ['the controller does not import the webhook', 'src/controller/queue.ts', '../webhook/server.ts'],
  ['nothing imports main', 'src/sandbox/main.ts', '../main.ts'],
  ['nothing but the demo imports the sandbox', 'src/main.ts', './sandbox/sandbox.ts'],
  ['a new part must be given its place', 'src/novel/thing.ts', '../core/plan/plan.ts'],
])('%s', (_sentence, file, specifier) => {
  expect(wrongEdges(file, `import { x } from '${specifier}'`)).toHaveLength(1)
})

test('main loads each subcommand only when it runs', () => {
  const lazy = /\bimport\(\s*'(?<specifier>[^']+)'/g
  const lazily = [...read('src/main.ts').matchAll(lazy)].map(match => match.groups?.specifier)
  const atOnce = importsOf(read('src/main.ts')).filter(specifier => !lazily.includes(specifier))
  const small = ['./core/version.ts', './log.ts', './options.ts', 'commander', 'pino']
  expect(atOnce.sort()).toEqual(small)
})

test('of client-node only single modules are loaded: the whole of it costs 89 MB', () => {
  const whole = sources.filter(file => importsOf(read(file)).includes('@kubernetes/client-node'))
  expect(whole.filter(file => !['sandbox', 'demo'].includes(partOf(file)))).toEqual([])
})

test('core does no I/O: of Node and of packages it uses only what computes', () => {
  const wrong = sources
    .filter(file => partOf(file) === 'core')
    .flatMap(file =>
      importsOf(read(file))
        .filter(specifier => !isRelative(specifier))
        .filter(specifier => ![...PURE_NODE, ...PURE_PACKAGES].includes(specifier))
        .map(specifier => `${file}: ${specifier}`),
    )
  expect(wrong).toEqual([])
})

test('core reads no clock, no chance and no environment', () => {
  const wrong = matchesIn(
    sources.filter(file => partOf(file) === 'core'),
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bset(?:Timeout|Interval)\b|\brandomBytes\b|\brandomUUID\b/,
    withoutComments,
  )
  expect(wrong).toEqual([])
})

test('only entries read the environment', () => {
  const inside = sources.filter(file => !['main.ts', 'sandbox', 'demo', 'cli'].includes(partOf(file)))
  expect(matchesIn(inside, /\bprocess\.(?:env|argv)\b/, withoutComments)).toEqual([])
})

test('modules of Node are imported with their node: prefix', () => {
  const wrong = [...sources, ...tests].flatMap(file =>
    importsOf(read(file))
      .filter(specifier => builtinModules.includes(specifier) && !specifier.startsWith('node:'))
      .map(specifier => `${file}: ${specifier}`),
  )
  expect(wrong).toEqual([])
})

test('no file is called by a name that says nothing', () => {
  const wrong = files.filter(file => /^(?:utils?|helpers?|common|misc|index)\b/.test(basename(file)))
  expect(wrong.filter(file => file.endsWith('.ts'))).toEqual([])
})

test('no default exports, but in the configuration of tools', () => {
  // A .d.ts describes somebody else's module.
  const code = [...sources, ...tests].filter(file => !/\.(?:config|d)\.ts$/.test(file))
  expect(matchesIn(code, /^\s*export\s+default\b|\bas\s+default\s*[,}]/m, withoutComments)).toEqual([])
})

test('no file of src is longer than 400 lines', () => {
  const long = sources
    .map(file => ({ file, lines: read(file).split('\n').length }))
    .filter(({ lines }) => lines > 400)
  expect(long).toEqual([])
})

test('no test is skipped, alone or still to be written', () => {
  const marked = /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|todo|fails|skipIf|runIf)\b/
  expect(matchesIn(tests, marked, withoutCommentsAndTexts)).toEqual([])
})

test('the lock file names no registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved"/)
})

test('no file names a package registry or a path of somebody’s machine', () => {
  const address =
    /registry\.npmjs\.org|registry\.yarnpkg\.com|\/(?:npm|pypi|goproxy)\/(?:simple|repository)\b/
  const path = /(?<![\w.:/-])\/(?:home|root|Users|work|tmp)\/\w/
  // This file holds the patterns themselves.
  const others = files.filter(file => !file.endsWith('architecture.test.ts') && !isBinary(file))
  expect([...matchesIn(others, address), ...matchesIn(others, path)]).toEqual([])
})

/** `core` of src/core/plan/plan.ts; `main.ts` of src/main.ts. */
function partOf(file: string): string {
  return file.split('/')[1] ?? ''
}

function wrongEdges(file: string, text: string): string[] {
  const part = partOf(file)
  const allowed = MAY_IMPORT[part]
  if (!allowed) return [`${file}: say in this test what ${part} may import`]
  return (
    importsOf(text)
      .filter(isRelative)
      .map(specifier => normalize(join(dirname(file), specifier)))
      // What lies outside src (package.json) is no part of it.
      .filter(target => target.startsWith('src/'))
      .filter(target => partOf(target) !== part && !allowed.includes(partOf(target)))
      .map(target => `${file} imports ${target}`)
  )
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.')
}

/**
 * What a TypeScript file imports or exports from, lazily or as a type too. Keywords are looked for where
 * texts are blanked out, so that none is found inside a text; the specifier is read from the same place of
 * the original.
 */
function importsOf(text: string): string[] {
  const code = withoutComments(text)
  const blank = withoutCommentsAndTexts(text)
  const forms = /\b(?:import|export)\b[^'"`;=]*?\bfrom\s*(?=['"])|\bimport\s*\(?\s*(?=['"])/g
  return [...blank.matchAll(forms)].map(({ 0: match, index }) => {
    const start = index + match.length
    return code.slice(start + 1, code.indexOf(code.charAt(start), start + 1))
  })
}

function withoutComments(text: string): string {
  return scan(text, { comments: true, texts: false })
}

function withoutCommentsAndTexts(text: string): string {
  return scan(text, { comments: true, texts: true })
}

/** Blanks out comments, or texts between their quotes, keeping every other character where it was. */
function scan(text: string, blank: { comments: boolean; texts: boolean }): string {
  // Regular expressions are matched too, so that a quote in one does not begin a text.
  const tokens =
    /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<quoted>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|(?<=[(,=:[!&|?{};\n]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g
  return text.replace(tokens, (...found) => {
    const [whole] = found as [string]
    const { comment, quoted } = found.at(-1) as { comment?: string; quoted?: string }
    if (comment !== undefined) return blank.comments ? spaces(whole) : whole
    if (quoted !== undefined)
      return blank.texts ? whole.charAt(0) + spaces(whole.slice(1, -1)) + whole.charAt(0) : whole
    return blank.texts ? spaces(whole) : whole
  })
}

function spaces(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

/** Each hit as `file:line: what`. */
function matchesIn(where: readonly string[], pattern: RegExp, prepare = (text: string) => text): string[] {
  return where.flatMap(file => {
    const text = prepare(read(file))
    return [...text.matchAll(new RegExp(pattern, `${pattern.flags.replace('g', '')}g`))].map(
      ({ 0: match, index }) => `${file}:${text.slice(0, index).split('\n').length}: ${match.trim()}`,
    )
  })
}

function isBinary(file: string): boolean {
  return /\.(?:png|jpe?g|gif|ico|woff2?|gz|tgz)$/.test(file)
}

function isThere(file: string): boolean {
  try {
    read(file)
    return true
  } catch {
    return false
  }
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}
