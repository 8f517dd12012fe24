/** Where Helm comes from: a folder that is named, this folder's Go module, or, without Go, the PATH. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtPrograms, type CacheSettings, NoBinaries, requiredVersion } from '../programs/go-programs.ts'

/** The parts of the environment that say where it is. */
export interface HelmSettings extends CacheSettings {
  /** A folder of programs, as setup-envtest makes it; its `helm` is used when it has one. */
  readonly KUBEBUILDER_ASSETS?: string | undefined
  readonly PATH?: string | undefined
}

const MODULE = fileURLToPath(new URL('.', import.meta.url))

/**
 * Finds Helm; builds it when it is in no folder yet, which takes two minutes once.
 * @param say told what takes long
 * @returns its path
 * @throws NoBinaries when there is no Go to build with and no Helm 4 on the PATH, or the build fails
 */
export async function findHelm(settings: HelmSettings, say: (text: string) => void): Promise<string> {
  const given = join(settings.KUBEBUILDER_ASSETS ?? '', 'helm')
  if (settings.KUBEBUILDER_ASSETS && existsSync(given)) return given
  try {
    return join(await builtPrograms(await module(), ['helm'], settings, say), 'helm')
  } catch (error) {
    const onPath = error instanceof NoBinaries ? onThePath(settings.PATH ?? '') : undefined
    if (onPath === undefined) throw error
    return onPath
  }
}

/** Helm 3 knows nothing of the server-side apply that these tests are about. */
function onThePath(path: string): string | undefined {
  const found = path
    .split(delimiter)
    .map(folder => join(folder, 'helm'))
    .find(file => existsSync(file))
  if (found === undefined) return undefined
  const { stdout } = spawnSync(found, ['version', '--short'], { encoding: 'utf8' })
  return stdout?.startsWith('v4.') ? found : undefined
}

async function module() {
  const version = await requiredVersion(MODULE, 'helm.sh/helm/v4')
  return {
    folder: MODULE,
    name: 'helm',
    version,
    packages: { helm: 'helm.sh/helm/v4/cmd/helm' },
    stamps: { 'helm.sh/helm/v4/internal/version.version': version },
    takes: 'about two minutes on two cores',
    withoutGo: [
      'There is no Helm to install with. One of these makes one:',
      '  - install Go 1.26 or newer (https://go.dev/dl): Helm is then built once, in some minutes;',
      '  - put helm, version 4, on the PATH or into the folder that KUBEBUILDER_ASSETS names.',
    ],
  }
}
