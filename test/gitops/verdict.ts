/**
 * What Flux and Argo CD say of an object: Flux' own rules, and the interpreter that Argo CD runs health checks with,
 * both in a small program (main.go) that is built once.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { builtPrograms, type CacheSettings, requiredVersion } from '../programs/go-programs.ts'

export interface Said {
  readonly status: string
  readonly message: string
}

export interface Verdict {
  /** `InProgress`, `Failed`, `Current`, … of kstatus. */
  readonly flux: Said
  /** What the health check returned. */
  readonly argoCD: Said
}

/** @throws Error when the object or the check is not understood */
export type Judge = (object: KubernetesObject) => Promise<Verdict>

const MODULE = fileURLToPath(new URL('.', import.meta.url))

/**
 * @param healthCheck in Lua, as it stands in argocd-cm
 * @param say told what takes long
 * @throws NoBinaries when there is no Go to build the program with
 */
export async function judgeWith(
  healthCheck: string,
  settings: CacheSettings,
  say: (text: string) => void,
): Promise<Judge> {
  const source = await readFile(join(MODULE, 'main.go'))
  const version = await requiredVersion(MODULE, 'github.com/fluxcd/cli-utils')
  const module = {
    folder: MODULE,
    name: 'gitops',
    // The program changes with its source too.
    version: `${version}-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`,
    packages: { gitops: '.' },
    stamps: {},
    takes: 'half a minute on two cores',
    withoutGo: [
      'There is no Go to build the rules of Flux and Argo CD with:',
      '  - install Go 1.26 or newer (https://go.dev/dl): they are then built once, in half a minute.',
    ],
  }
  const program = join(await builtPrograms(module, ['gitops'], settings, say), 'gitops')
  return object => ask(program, { object, lua: healthCheck })
}

async function ask(program: string, question: unknown): Promise<Verdict> {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(question))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Verdict
}
