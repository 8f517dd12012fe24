/**
 * Carries out a Dockerfile's steps in a clean folder instead of an image, each stage a folder of its own: what a
 * machine without Docker can prove. Base images are empty but for the files that are said to be in them.
 */
import { execFile } from 'node:child_process'
import { cp, link, mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { lets, type Stage } from './dockerfile.ts'

/** What came out: the last stage. */
export interface Built {
  /** The folder that is the image's root. */
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
}

export interface BuildOptions {
  /** The folder of the Dockerfile. */
  readonly context: string
  readonly ignore: string
  /** An empty folder to work in. */
  readonly work: string
  /** Files of base images, by the argument that names the image: path in the image, and the file here. */
  readonly bases: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** @throws when a step fails */
export async function buildInFolder(stages: readonly Stage[], options: BuildOptions): Promise<Built> {
  const roots = new Map<string, string>()
  let built: Built | undefined
  for (const [index, stage] of stages.entries()) {
    const root = join(options.work, `stage-${index}`)
    await mkdir(root, { recursive: true })
    for (const [path, file] of Object.entries(options.bases[stage.argument ?? ''] ?? {})) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await link(file, join(root, path)).catch(() => cp(file, join(root, path)))
    }
    built = await carryOut(stage, root, roots, options)
    roots.set(stage.name, root)
  }
  if (!built) throw new Error('the Dockerfile has no stage')
  return built
}

async function carryOut(
  stage: Stage,
  root: string,
  roots: ReadonlyMap<string, string>,
  options: BuildOptions,
): Promise<Built> {
  const env: Record<string, string> = {}
  const labels: Record<string, string> = {}
  let folder = '/'
  let user = ''
  let entrypoint: readonly string[] = []
  let command: readonly string[] = []
  for (const { name, text } of stage.instructions) {
    if (name === 'WORKDIR') {
      folder = resolve(folder, text)
      await mkdir(join(root, folder), { recursive: true })
    } else if (name === 'COPY') {
      await copy(text, { root, folder, roots, options })
    } else if (name === 'RUN') {
      await run(text, join(root, folder), root)
    } else if (name === 'ENV') Object.assign(env, pairsOf(text))
    else if (name === 'LABEL') Object.assign(labels, pairsOf(text))
    else if (name === 'USER') user = text
    else if (name === 'ENTRYPOINT') entrypoint = JSON.parse(text) as string[]
    else command = JSON.parse(text) as string[]
  }
  return { root, env, labels, user, entrypoint, command }
}

async function copy(
  text: string,
  where: { root: string; folder: string; roots: ReadonlyMap<string, string>; options: BuildOptions },
): Promise<void> {
  const words = text.split(/\s+/)
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
  const target = words.pop() ?? ''
  const source = from === undefined ? where.options.context : where.roots.get(from)
  if (source === undefined) throw new Error(`COPY ${text}: there is no stage ${from}`)
  for (const word of words) {
    const path = join(source, word)
    const isFolder = (await stat(path)).isDirectory()
    const isInto = !isFolder && (target.endsWith('/') || words.length > 1)
    const to = join(where.root, resolve(where.folder, target), isInto ? basename(word) : '')
    await mkdir(dirname(to), { recursive: true })
    await cp(path, to, {
      recursive: true,
      filter: file =>
        from !== undefined || file === source || lets(where.options.ignore, relative(source, file)),
    })
  }
}

/** With the programs of the stage before those of this machine. */
async function run(text: string, cwd: string, root: string): Promise<void> {
  const { npm_config_registry: _, NODE_OPTIONS: __, ...own } = process.env
  const env = { ...own, PATH: `${join(root, 'usr/local/bin')}:${process.env.PATH}` }
  await promisify(execFile)('/bin/sh', ['-ec', text], { cwd, env })
}

/** `a=b c="d e"` */
function pairsOf(text: string): Record<string, string> {
  const found = text.matchAll(/(?<key>[\w.\-/]+)=(?:"(?<quoted>[^"]*)"|(?<plain>\S*))/g)
  return Object.fromEntries(
    [...found].map(({ groups }) => [groups?.key ?? '', groups?.quoted ?? groups?.plain ?? '']),
  )
}

/** Every file under a folder, by its path in it. */
export async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => !entry.isDirectory())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
}
