/** Apps of any name, several in a namespace: each is seen by its owner references and not by the namespace. */
import { setTimeout as sleep } from 'node:timers/promises'
import { deployments, pods, replicaSets } from '../../src/cluster/resources.ts'
import type { Deployment, KubernetesObject } from '../../src/core/kubernetes.ts'
import { canaryName } from '../../src/core/names.ts'
import { readState, type State } from '../../src/core/state.ts'
import type { Environment } from '../scenarios/environment.ts'
import { type AppOptions, manifest } from '../scenarios/manifest.ts'

export interface AppSeen {
  readonly deployment: Deployment | undefined
  readonly canary: Deployment | undefined
  readonly state: State | undefined
  /** Ready pods by version, of the app's own Deployment. */
  readonly stable: Readonly<Record<string, number>>
  /** The same of its canary. */
  readonly tried: Readonly<Record<string, number>>
}

export class NamedApp {
  readonly environment: Environment
  readonly namespace: string
  readonly name: string
  readonly options: AppOptions

  constructor(environment: Environment, namespace: string, name: string, options: AppOptions) {
    this.environment = environment
    this.namespace = namespace
    this.name = name
    this.options = options
  }

  get ref() {
    return { namespace: this.namespace, name: this.name }
  }

  /** What `kubectl create -f` sends. */
  async create(version: string): Promise<void> {
    const object = manifest(version, this.options)
    const named = { ...object, metadata: { ...object.metadata, name: this.name } }
    await this.environment.as('admin').create(deployments, this.namespace, named)
  }

  /** Creates it, and waits until it serves. */
  async serve(version: string): Promise<void> {
    await this.create(version)
    await this.servesAlone(version)
  }

  /** What `kubectl set image` sends. */
  async setVersion(version: string): Promise<void> {
    const { containers } = manifest(version, this.options).spec.template.spec ?? {}
    await this.patch({ spec: { template: { spec: { containers } } } })
  }

  async command(word: string): Promise<void> {
    await this.patch({ metadata: { annotations: { 'canaryhook.dev/command': word } } })
  }

  async look(): Promise<AppSeen> {
    const client = this.environment.as('admin')
    const all = await client.list(deployments, this.namespace)
    const sets = await client.list(replicaSets, this.namespace)
    const everyPod = await client.list(pods, this.namespace)
    const deployment = all.find(({ metadata }) => metadata.name === this.name)
    const canary = all.find(({ metadata }) => metadata.name === canaryName(this.name))
    const readyOf = (owner: KubernetesObject | undefined) => {
      const counts: Record<string, number> = {}
      const owned = new Set(sets.filter(set => isOwned(set, owner)).map(({ metadata }) => metadata.uid))
      for (const { metadata, spec, status } of everyPod) {
        if (!metadata.ownerReferences?.some(({ uid }) => owned.has(uid))) continue
        if (!status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) continue
        const version = spec?.containers?.[0]?.image?.split(':').at(-1) ?? ''
        counts[version] = (counts[version] ?? 0) + 1
      }
      return counts
    }
    const read = readState(deployment?.metadata.annotations)
    const state = read.kind === 'ok' ? read.state : undefined
    return { deployment, canary, state, stable: readyOf(deployment), tried: readyOf(canary) }
  }

  /** Waits until something is true. @throws Error with what was seen last */
  async until(what: string, check: (seen: AppSeen) => boolean, within = 45_000): Promise<AppSeen> {
    const deadline = Date.now() + within
    for (;;) {
      const seen = await this.look()
      if (check(seen)) return seen
      if (Date.now() > deadline) {
        const { state, stable, tried } = seen
        throw new Error(
          `${this.name}: ${what}: not within ${within / 1000} s: ${JSON.stringify({ state, stable, tried })}`,
        )
      }
      await sleep(150)
    }
  }

  servesAlone(version: string): Promise<AppSeen> {
    const { replicas } = manifest(version, this.options).spec
    return this.until(
      `only ${version} serves`,
      ({ canary, stable }) =>
        !canary && Object.keys(stable).join() === version && stable[version] === replicas,
    )
  }

  stands(): Promise<AppSeen> {
    return this.until('the first step stands', ({ state }) => state?.reached !== undefined)
  }

  private async patch(body: unknown): Promise<void> {
    await this.environment.as('admin').patch(deployments, this.ref, 'strategic', body)
  }
}

function isOwned(object: KubernetesObject, owner: KubernetesObject | undefined): boolean {
  const { uid } = owner?.metadata ?? {}
  return (
    uid !== undefined && object.metadata.ownerReferences?.some(reference => reference.uid === uid) === true
  )
}
