/** Where the programs of a control plane come from: an envtest folder, or built once from this folder's Go module. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Paths of the programs. */
export interface Binaries {
  readonly etcd: string
  readonly apiServer: string
  readonly controllerManager: string
  readonly scheduler: string
  readonly kwok: string
}

/** The parts of the environment that say where they are. */
export interface BinarySettings {
  /** A folder with programs of these names, as setup-envtest makes it. What is missing there is built. */
  readonly KUBEBUILDER_ASSETS?: string | undefined
  readonly XDG_CACHE_HOME?: string | undefined
}

/** Nothing can be started: what is missing, and what to do. */
export class NoBinaries extends Error {}

const MODULE = fileURLToPath(new URL('.', import.meta.url))
const VERSION_FIELDS = 'k8s.io/component-base/version'

/** The Go packages, and the names that their programs have. */
const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
} as const

type Program = keyof typeof PACKAGES
const PROGRAMS = Object.keys(PACKAGES) as Program[]

/**
 * Finds the programs; builds them when they are in no folder yet, which takes some minutes once.
 * @param say told what takes long
 * @throws NoBinaries when there is no Go to build with, or the build fails
 */
export async function findBinaries(settings: BinarySettings, say: (text: string) => void): Promise<Binaries> {
  const assets = settings.KUBEBUILDER_ASSETS
  const given = new Set(assets ? PROGRAMS.filter(program => existsSync(join(assets, program))) : [])
  const cache = join(settings.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'canaryhook', 'controlplane')
  const built = join(cache, await keyOfBuild())
  const missing = PROGRAMS.filter(program => !given.has(program) && !existsSync(join(built, program)))
  if (missing.length > 0) await build(missing, built, say)
  const path = (program: Program) => join(given.has(program) && assets ? assets : built, program)
  return {
    etcd: path('etcd'),
    apiServer: path('kube-apiserver'),
    controllerManager: path('kube-controller-manager'),
    scheduler: path('kube-scheduler'),
    kwok: path('kwok'),
  }
}

/** Other modules make other programs. */
async function keyOfBuild(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(MODULE, file)))
  hash.update(`${process.platform} ${process.arch}`)
  return `${await kubernetesVersion()}-${hash.digest('hex').slice(0, 16)}`
}

/** `v1.36.3`, as go.mod has it. */
export async function kubernetesVersion(): Promise<string> {
  const found = /^\s*k8s\.io\/kubernetes (?<version>v\S+)/m.exec(
    await readFile(join(MODULE, 'go.mod'), 'utf8'),
  )
  if (!found?.groups?.version) throw new Error('go.mod does not name k8s.io/kubernetes')
  return found.groups.version
}

async function build(
  programs: readonly Program[],
  target: string,
  say: (text: string) => void,
): Promise<void> {
  requireGo(spawnSync('go', ['version'], { encoding: 'utf8' }))
  const version = await kubernetesVersion()
  say(`building ${programs.join(', ')} of Kubernetes ${version}: once, about five minutes on two cores`)
  // A build that is cut off must not look like a complete one: programs come to their place at the end.
  const work = `${target}.${process.pid}`
  await mkdir(work, { recursive: true })
  try {
    const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? []
    const fields = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
    const stamps = Object.entries(fields).map(([name, value]) => `-X ${VERSION_FIELDS}.${name}=${value}`)
    for (const program of programs) {
      const start = Date.now()
      await go([
        'build',
        '-trimpath',
        '-ldflags',
        ['-s', '-w', ...stamps].join(' '),
        '-o',
        join(work, program),
        PACKAGES[program],
      ])
      say(`built ${program} in ${Math.round((Date.now() - start) / 1000)} s`)
    }
    await mkdir(target, { recursive: true })
    for (const program of programs) await rename(join(work, program), join(target, program))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function requireGo({ error, status }: SpawnSyncReturns<string>): void {
  if (!error && status === 0) return
  throw new NoBinaries(
    [
      'There is no Kubernetes control plane to start. One of these makes one:',
      '  - install Go 1.26 or newer (https://go.dev/dl): the programs are then built once, in some minutes;',
      '  - set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok;',
      '  - set USE_EXISTING_CLUSTER=true, with KUBECONFIG naming a cluster whose nodes are played by kwok.',
    ].join('\n'),
  )
}

function go(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' }
    const child = spawn('go', args, { cwd: MODULE, env, stdio: ['ignore', 'ignore', 'pipe'] })
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
