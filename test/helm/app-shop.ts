/** The app of examples/chart in a namespace of its own, released with Helm, and watched as every scenario's app. */
import { fileURLToPath } from 'node:url'
import type { Environment } from '../scenarios/environment.ts'
import { APP } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { ready, type View } from '../scenarios/view.ts'
import type { Helm, HelmAnswer } from './helm.ts'

const CHART = fileURLToPath(new URL('../../examples/chart', import.meta.url))

/** What differs from the values of the chart. */
export interface ShopValues {
  readonly replicas?: number | null
  readonly steps?: string
  /** Annotations of ours, without their prefix. */
  readonly settings?: Readonly<Record<string, string>>
  /** Helm upgrade waits in its hook for the end of the release. */
  readonly waits?: boolean
  /** Steers the simulated pods: `ready: never`. */
  readonly behaviour?: Readonly<Record<string, string>>
}

/** Flags of every install and upgrade. */
export type ApplyFlags = readonly string[]

export class HelmShop {
  readonly shop: Shop
  readonly #helm: Helm
  readonly #values: ShopValues

  private constructor(shop: Shop, helm: Helm, values: ShopValues) {
    this.shop = shop
    this.#helm = helm
    this.#values = values
  }

  /** v1, installed and serving. @param values of every version @param flags of the install */
  static async serving(
    environment: Environment,
    helm: Helm,
    values: ShopValues = {},
    flags: ApplyFlags = [],
  ): Promise<HelmShop> {
    const app = new HelmShop(await Shop.open(environment), helm, values)
    await app.#run(['install', APP, CHART, '--values', '-', ...flags], app.#input('v1', {})).then(succeeded)
    const { replicas = 4 } = values
    // A chart without replicas leaves them to others.
    if (replicas === null) await app.shop.scale(4)
    await app.servesAlone('v1', replicas ?? 4)
    app.shop.watcher.restart()
    return app
  }

  /** `helm upgrade`, whatever comes of it. */
  tryUpgrade(version: string, values: ShopValues = {}, flags: ApplyFlags = []): Promise<HelmAnswer> {
    return this.#run(['upgrade', APP, CHART, '--values', '-', ...flags], this.#input(version, values))
  }

  /** The same, killed when something has come true. */
  async killedUpgrade(version: string, killed: Promise<unknown>): Promise<HelmAnswer> {
    const args = ['upgrade', APP, CHART, '--values', '-', '--namespace', this.shop.namespace]
    return this.#helm.run(args, this.#input(version, {}), killed)
  }

  /** @throws Error with what Helm said when it fails */
  async upgrade(version: string, values: ShopValues = {}, flags: ApplyFlags = []): Promise<HelmAnswer> {
    return succeeded(await this.tryUpgrade(version, values, flags))
  }

  /** Any other command of Helm, about this release. @throws Error with what Helm said when it fails */
  async helm(command: string, ...args: readonly string[]): Promise<HelmAnswer> {
    return succeeded(await this.#run([command, APP, ...args]))
  }

  /** What `helm status` calls the release: `deployed`, `pending-upgrade`, `failed`. */
  async status(): Promise<string> {
    const { stdout } = await this.helm('status', '--output', 'json')
    return (JSON.parse(stdout) as { info: { status: string } }).info.status
  }

  /** Waits until only this version serves. The pods of the hook are no pods of the app. */
  servesAlone(version: string, pods: number): Promise<View> {
    const check = (view: View) =>
      !view.canary && ready(view, version) === pods && ofTheApp(view).length === pods
    return this.shop.until(`only ${version} serves, on ${pods} pods`, check)
  }

  /** Waits until nothing is left of the app, nor of a release of it. */
  leavesNothing(): Promise<View> {
    return this.shop.until('nothing is there', view => {
      const objects = [ofTheApp(view), view.replicaSets, view.snapshots]
      return !view.deployment && !view.canary && objects.every(({ length }) => length === 0)
    })
  }

  #run(args: readonly string[], input = ''): Promise<HelmAnswer> {
    return this.#helm.run([...args, '--namespace', this.shop.namespace], input)
  }

  /** Values as JSON, which is YAML too. */
  #input(version: string, changes: ShopValues): string {
    const { replicas = 4, steps, settings, waits = false, behaviour = {} } = { ...this.#values, ...changes }
    const prefixed = Object.entries(behaviour).map(([name, value]) => [
      `sandbox.canaryhook.dev/${name}`,
      value,
    ])
    return JSON.stringify({
      image: { tag: version },
      replicas,
      canary: {
        steps: steps ?? '25% for 1h, 50% for 1h',
        settings: settings ?? {},
        wait: { enabled: waits },
      },
      podAnnotations: Object.fromEntries(prefixed),
    })
  }
}

function ofTheApp({ pods }: View) {
  return pods.filter(({ name }) => !name.startsWith(`${APP}-released`))
}

function succeeded(answer: HelmAnswer): HelmAnswer {
  if (answer.code === 0) return answer
  throw new Error(`helm ended with ${answer.code}:\n${answer.stderr}${answer.stdout}`)
}
