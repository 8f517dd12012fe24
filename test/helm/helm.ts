/** Runs Helm against one cluster, as a person with this kubeconfig and no settings of his own does. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

/** The chart of this project. */
export const CHART = fileURLToPath(new URL('../../helm/canaryhook', import.meta.url))

export interface HelmAnswer {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An object as a chart renders it. */
export interface Rendered {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export class Helm {
  readonly #program: string
  readonly #home: string

  private constructor(program: string, home: string) {
    this.#program = program
    this.#home = home
  }

  /**
   * @param program its path, as findHelm says it
   * @param kubeconfig the text of one; without it only what needs no cluster works
   */
  static async open(program: string, kubeconfig = ''): Promise<Helm> {
    const home = await mkdtemp(join(tmpdir(), 'canaryhook-helm-'))
    await writeFile(join(home, 'kubeconfig'), kubeconfig, { mode: 0o600 })
    return new Helm(program, home)
  }

  /**
   * Whatever comes out, also a failure.
   * @param input what it reads from standard input
   * @param killed SIGKILL as soon as this has come true; the code is null then
   */
  async run(args: readonly string[], input = '', killed?: Promise<unknown>): Promise<HelmAnswer> {
    const home = this.#home
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      KUBECONFIG: join(home, 'kubeconfig'),
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
    }
    const child = spawn(this.#program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const kill = () => void child.kill('SIGKILL')
    killed?.then(kill, kill)
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, stdout, stderr }
  }

  /** @returns its standard output @throws when it fails, with what it said */
  async done(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input)
    if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`)
    return stdout
  }

  /** What `helm template` makes of our chart. @param args flags, such as `--set` */
  async rendered(args: readonly string[] = [], name = 'canaryhook'): Promise<readonly Rendered[]> {
    const output = await this.done(['template', name, CHART, '--namespace', name, ...args])
    return parseAllDocuments(output).flatMap(document => (document.toJS() as Rendered | null) ?? [])
  }

  /** Removes its files. */
  async close(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true })
  }
}
