/** Programs that tests need, built once from a Go module and kept in the user's cache. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A program cannot be had: what is missing, and what to do. */
export class NoBinaries extends Error {}

/** A folder with go.mod and go.sum, and what is built from it. */
export interface GoModule {
  readonly folder: string
  /** Its folder in the cache, and the beginning of the names in there: `controlplane`, `v1.36.3`. */
  readonly name: string
  readonly version: string
  /** Names of programs, and the Go packages they are made of. */
  readonly packages: Readonly<Record<string, string>>
  /** Go variables that carry the version, as `path.name` and value. */
  readonly stamps: Readonly<Record<string, string>>
  /** How long a build takes, for the one who waits: `about five minutes on two cores`. */
  readonly takes: string
  /** Said when there is no Go: what is missing then and how else it can be had, a sentence a line. */
  readonly withoutGo: readonly string[]
}

/** The part of the environment that says where the cache is. */
export interface CacheSettings {
  readonly XDG_CACHE_HOME?: string | undefined
}

/**
 * Builds what is not in the cache yet.
 * @param say told what takes long
 * @returns the folder that the programs are in
 * @throws NoBinaries when there is no Go to build with, or the build fails
 */
export async function builtPrograms(
  module: GoModule,
  wanted: readonly string[],
  settings: CacheSettings,
  say: (text: string) => void,
): Promise<string> {
  const cache = join(settings.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'canaryhook', module.name)
  const folder = join(cache, `${module.version}-${await hashOf(module)}`)
  const missing = wanted.filter(program => !existsSync(join(folder, program)))
  if (missing.length > 0) await build(module, missing, folder, say)
  return folder
}

/** The version of a module as the go.mod of a folder requires it: `v1.36.3`. @throws when it does not */
export async function requiredVersion(folder: string, path: string): Promise<string> {
  const lines = (await readFile(join(folder, 'go.mod'), 'utf8'))
    .split('\n')
    .map(line => line.trim().split(' '))
  const version = lines.find(([name, version]) => name === path && version?.startsWith('v'))?.[1]
  if (!version) throw new Error(`go.mod does not name ${path}`)
  return version
}

/** Other modules make other programs. */
async function hashOf({ folder }: GoModule): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(folder, file)))
  return hash.update(`${process.platform} ${process.arch}`).digest('hex').slice(0, 16)
}

async function build(
  module: GoModule,
  programs: readonly string[],
  target: string,
  say: (text: string) => void,
): Promise<void> {
  const { error, status } = spawnSync('go', ['version'])
  if (error || status !== 0) throw new NoBinaries(module.withoutGo.join('\n'))
  say(`building ${programs.join(', ')} ${module.version}: once, ${module.takes}`)
  // A build that is cut off must not look like a complete one: programs come to their place at the end.
  const work = `${target}.${process.pid}`
  await mkdir(work, { recursive: true })
  try {
    const stamps = Object.entries(module.stamps).map(([name, value]) => `-X ${name}=${value}`)
    const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...stamps].join(' ')]
    for (const program of programs) {
      const start = Date.now()
      const path = module.packages[program] ?? program
      await go(module.folder, ['build', ...flags, '-o', join(work, program), path])
      say(`built ${program} in ${Math.round((Date.now() - start) / 1000)} s`)
    }
    await mkdir(target, { recursive: true })
    for (const program of programs) await rename(join(work, program), join(target, program))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function go(folder: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' }
    const child = spawn('go', args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve()
      else reject(new NoBinaries(`go ${args[0]} ${args.at(-1)} failed with ${code}:\n${said}`))
    })
  })
}
