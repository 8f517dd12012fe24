/** Where the programs of a control plane come from: an envtest folder, or built once from this folder's Go module. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtPrograms, type CacheSettings, requiredVersion } from '../programs/go-programs.ts'

/** Paths of the programs. */
export interface Binaries {
  readonly etcd: string
  readonly apiServer: string
  readonly controllerManager: string
  readonly scheduler: string
  readonly kwok: string
}

/** The parts of the environment that say where they are. */
export interface BinarySettings extends CacheSettings {
  /** A folder with programs of these names, as setup-envtest makes it. What is missing there is built. */
  readonly KUBEBUILDER_ASSETS?: string | undefined
}

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
  const wanted = PROGRAMS.filter(program => !given.has(program))
  const built = await builtPrograms(await module(), wanted, settings, say)
  const path = (program: Program) => join(given.has(program) && assets ? assets : built, program)
  return {
    etcd: path('etcd'),
    apiServer: path('kube-apiserver'),
    controllerManager: path('kube-controller-manager'),
    scheduler: path('kube-scheduler'),
    kwok: path('kwok'),
  }
}

/** `v1.36.3`, as go.mod has it. */
export function kubernetesVersion(): Promise<string> {
  return requiredVersion(MODULE, 'k8s.io/kubernetes')
}

async function module() {
  const version = await kubernetesVersion()
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? []
  const fields = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  return {
    folder: MODULE,
    name: 'controlplane',
    version,
    packages: PACKAGES,
    stamps: Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [`${VERSION_FIELDS}.${name}`, value]),
    ),
    takes: 'about five minutes on two cores',
    withoutGo: [
      'There is no Kubernetes control plane to start. One of these makes one:',
      '  - install Go 1.26 or newer (https://go.dev/dl): the programs are then built once, in some minutes;',
      '  - set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok;',
      '  - set USE_EXISTING_CLUSTER=true, with KUBECONFIG naming a cluster whose nodes are played by kwok.',
    ],
  }
}
