/** `npm run manifests`: writes webhook-config/ and the table of values in the chart's README, from the chart. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NoBinaries } from '../programs/go-programs.ts'
import { generated } from './generated.ts'
import { findHelm } from './program.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDER = join(ROOT, 'webhook-config')

try {
  const files = await generated(await findHelm(process.env, text => process.stderr.write(`${text}\n`)))
  for (const name of await readdir(FOLDER)) {
    const isStale = name.endsWith('.yaml') && !files.has(`webhook-config/${name}`)
    if (isStale) await rm(join(FOLDER, name))
  }
  for (const [name, text] of files) {
    if ((await readFile(join(ROOT, name), 'utf8').catch(() => '')) === text) continue
    await writeFile(join(ROOT, name), text)
    process.stdout.write(`wrote ${name}\n`)
  }
} catch (error) {
  if (!(error instanceof NoBinaries)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
