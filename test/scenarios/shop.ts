/** The app of one scenario, in a namespace of its own, and what people do to it. */
import type { Resource } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import { COMMAND } from '../../src/core/annotations.ts'
import type { Deployment, KubernetesObject } from '../../src/core/kubernetes.ts'
import type { Phase } from '../../src/core/state.ts'
import type { Answer, ApiClient, WriteOptions } from './api-client.ts'
import type { Environment, KubectlOptions, Ran, Traffic, User } from './environment.ts'
import { writesAmong } from './environment.ts'
import { APP, type AppOptions, dropped, manifest, merged, SERVICE } from './manifest.ts'
import { ready, type View } from './view.ts'
import { startWatcher, type Watcher } from './watcher.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const services: Resource<KubernetesObject> = { group: '', version: 'v1', plural: 'services', kind: 'Service' }

export class Shop {
  readonly environment: Environment
  readonly namespace: string
  readonly watcher: Watcher
  readonly #options: AppOptions
  #applied: unknown

  private constructor(environment: Environment, namespace: string, watcher: Watcher, options: AppOptions) {
    this.environment = environment
    this.namespace = namespace
    this.watcher = watcher
    this.#options = options
  }

  /** A fresh namespace, watched as long as the environment is there; nothing is in it. @param options of every manifest */
  static async open(environment: Environment, options: AppOptions = {}): Promise<Shop> {
    const namespace = await environment.namespace()
    const watcher = await startWatcher(environment.cluster, namespace)
    return new Shop(environment, namespace, watcher, options)
  }

  /** The same with v1 serving on all its pods. */
  static async serving(environment: Environment, options: AppOptions = {}): Promise<Shop> {
    const shop = await Shop.open(environment, options)
    await shop.apply('v1')
    const { replicas = 1 } = shop.manifest('v1').spec
    await shop.until('v1 serves', view => ready(view, 'v1') === replicas && isSettled(view, replicas))
    shop.watcher.restart()
    return shop
  }

  get now(): View {
    return this.watcher.now
  }

  get ref() {
    return { namespace: this.namespace, name: APP }
  }

  get canaryRef() {
    return { namespace: this.namespace, name: `${APP}-canary` }
  }

  get admin(): ApiClient {
    return this.environment.as('admin')
  }

  /** The manifest of a version, with this shop's options. */
  manifest(version: string, changes: AppOptions = {}): Deployment {
    return manifest(version, { ...this.#options, ...changes })
  }

  /** What `kubectl apply` sends: the manifest, what it no longer says, and a record of it. */
  async apply(version: string, changes: AppOptions = {}, options: WriteOptions & { by?: User } = {}) {
    const wanted = this.manifest(version, changes)
    const record = { metadata: { annotations: { [LAST_APPLIED]: JSON.stringify(wanted) } } }
    const body = merged(merged(wanted, record), {})
    const client = this.environment.as(options.by ?? 'admin')
    const answer =
      this.#applied === undefined
        ? await client.create(deployments, this.namespace, body, options)
        : await client.patch(
            deployments,
            this.ref,
            'strategic',
            merged(body, dropped(this.#applied, wanted) ?? {}),
            options,
          )
    if (!options.dryRun) {
      this.#applied = wanted
      this.watcher.absorb(answer.object)
    }
    return answer
  }

  /** What `kubectl patch` sends. */
  async patch(body: unknown, by: User = 'admin', options: WriteOptions = {}): Promise<Answer<Deployment>> {
    const client = this.environment.as(by)
    const answer = await client.patch(deployments, this.ref, 'strategic', body, options)
    if (!options.dryRun && !options.subresource) this.watcher.absorb(answer.object)
    return answer
  }

  /** What `kubectl annotate` sends; null removes an annotation. */
  async annotate(annotations: Readonly<Record<string, string | null>>, by: User = 'admin') {
    const client = this.environment.as(by)
    const answer = await client.patch(deployments, this.ref, 'merge', { metadata: { annotations } })
    this.watcher.absorb(answer.object)
    return answer
  }

  command(word: string, by: User = 'admin'): Promise<Answer<Deployment>> {
    return this.annotate({ [COMMAND]: word }, by)
  }

  /** What `kubectl scale` sends. */
  async scale(replicas: number): Promise<void> {
    const options = { subresource: 'scale' } as const
    await this.admin.patch(deployments, this.ref, 'merge', { spec: { replicas } }, options)
  }

  /** The stored object. */
  stored(): Promise<Deployment> {
    return this.admin.get(deployments, this.ref)
  }

  kubectl(args: readonly string[], options?: KubectlOptions): Promise<Ran> {
    return this.environment.kubectl(this.namespace, args, options)
  }

  /** Puts a Service in front of the app. */
  /** @param labels that the Service asks for besides the app's own */
  async expose(labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const { spec, ...rest } = SERVICE
    const selector = { ...spec.selector, ...labels }
    await this.admin.create(services, this.namespace, { ...rest, spec: { ...spec, selector } })
  }

  traffic(requests: number): Promise<Traffic> {
    return this.environment.traffic(this.namespace, APP, requests)
  }

  /** Waits until something is true; the error tells what was seen, said and written. */
  until(what: string, check: (view: View) => boolean, within?: number): Promise<View> {
    return this.watcher.until(what, check, within).catch((error: Error) => {
      const writes = this.writes().map(({ verb, resource, subresource, name, status }) =>
        [verb, resource, subresource, name, status].filter(part => part !== '').join(' '),
      )
      const lines = (title: string, texts: readonly string[]) => [
        title,
        ...texts.slice(-10).map(text => `  ${text}`),
      ]
      error.message = [error.message, ...lines('Writes:', writes), ...lines('Logs:', this.logs())].join('\n')
      throw error
    })
  }

  /** Waits for a phase of the release of a version. */
  phase(phase: Phase, version: string, within?: number): Promise<View> {
    const check = (view: View) => view.state?.phase === phase && view.version === version
    return this.until(`${version} ${phase}`, check, within)
  }

  /** Waits until a stage of the plan (from 1) stands: its canary ready, stable down. */
  stands(step: number, version: string, within?: number): Promise<View> {
    const check = ({ state, ...view }: View) =>
      view.version === version && state?.step === step - 1 && state.reached !== undefined
    return this.until(`step ${step} of ${version} stands`, check, within)
  }

  /** Waits until a version serves on exactly this many pods and nothing else runs. */
  servesAlone(version: string, pods: number, within?: number): Promise<View> {
    const check = (view: View) =>
      ready(view, version) === pods && view.pods.length === pods && !view.canary && isSettled(view, pods)
    return this.until(`only ${version} serves, on ${pods} pods`, check, within)
  }

  /** Waits for an Event. */
  event(pattern: RegExp, within?: number): Promise<View> {
    return this.until(`an Event ${pattern}`, ({ events }) => events.some(text => pattern.test(text)), within)
  }

  /** The controller's writes for this app so far. */
  writes() {
    return writesAmong(this.environment.requestsOf('controller'), this.namespace)
  }

  logs(): readonly string[] {
    return this.environment.logs(this.namespace).map(({ msg }) => msg)
  }
}

/** The Deployment controller has seen what is stored, and that these pods are available. */
function isSettled({ deployment }: View, pods: number): boolean {
  const { metadata, status } = deployment ?? {}
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0)
  return isSeen && (status?.availableReplicas ?? 0) === pods
}
