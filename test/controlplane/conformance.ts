/** `npm run conformance`: runs the scenarios on both environments and writes docs/conformance.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { kubernetesVersion } from './binaries.ts'
import { type Report, readResults, writePage } from './conformance-page.ts'

interface Options {
  readonly sandbox?: string
  readonly controlplane?: string
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PAGE = join(ROOT, 'docs', 'conformance.md')

const program = new Command('conformance')
  .description(
    'Write docs/conformance.md: the scenarios on the sandbox against those on a real control plane.',
  )
  .option('--sandbox <file>', "vitest's JSON report of a run of test/scenarios; they are run when left out")
  .option('--controlplane <file>', 'the same of npm run test:controlplane')
await program.parseAsync()

const { sandbox, controlplane } = program.opts<Options>()
const directory = await mkdtemp(join(tmpdir(), 'canaryhook-conformance-'))
try {
  const here = await reportOf(sandbox, 'sandbox', ['test/scenarios'])
  const there = await reportOf(controlplane, 'controlplane', ['--config', 'vitest.controlplane.config.ts'])
  await writeFile(PAGE, writePage(readResults(here), readResults(there), await kubernetesVersion()))
  process.stdout.write(`wrote ${PAGE}\n`)
} finally {
  await rm(directory, { recursive: true, force: true })
}

/** A failed test is no reason to stop: the page says so. */
async function reportOf(given: string | undefined, name: string, args: readonly string[]): Promise<Report> {
  const file = given ?? join(directory, `${name}.json`)
  if (given === undefined) {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const child = spawn(process.execPath, [vitest, 'run', ...args, ...reporters], {
      cwd: ROOT,
      stdio: 'inherit',
    })
    await once(child, 'close')
  }
  return JSON.parse(await readFile(file, 'utf8')) as Report
}
