/** What a person does to the app, with the patience of a person: what fails for no fault of theirs is done again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { COMMAND } from '../../src/core/annotations.ts'
import type { Deployment, KubernetesObject, Pod } from '../../src/core/kubernetes.ts'
import type { ApiAnswer } from '../../src/sandbox/api/client.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { APP, dropped, manifest, merged } from '../scenarios/manifest.ts'
import type { Person } from './gates.ts'
import { optionsOf, type Schedule, type Version } from './schedule.ts'

/** Told by the API server, in the end. */
export type Said =
  | { readonly done: true; readonly object: Deployment }
  | { readonly done: false; readonly why: string }

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

export class Hands {
  readonly #sandbox: Sandbox
  readonly #schedule: Schedule
  readonly #namespace: string
  #applied: Deployment | undefined

  constructor(sandbox: Sandbox, schedule: Schedule, namespace: string) {
    this.#sandbox = sandbox
    this.#schedule = schedule
    this.#namespace = namespace
  }

  /** What `kubectl apply` sends. */
  async apply(version: Version, replicas: number): Promise<Said> {
    const wanted = manifest(version.name, optionsOf(this.#schedule, version, replicas))
    const record = { metadata: { annotations: { [LAST_APPLIED]: JSON.stringify(wanted) } } }
    const body = merged(wanted, record)
    const before = this.#applied
    const said = before
      ? await this.#write(
          'PATCH',
          `/${APP}`,
          'strategic-merge-patch',
          merged(body, dropped(before, wanted) ?? {}),
        )
      : // Without a number in the manifest the first one is given by hand.
        await this.#write('POST', '', undefined, merged(body, { spec: { replicas } }))
    if (said.done) this.#applied = wanted
    return said
  }

  command(word: string, by: Person): Promise<Said> {
    const body = { metadata: { annotations: { [COMMAND]: word } } }
    return this.#write('PATCH', `/${APP}`, 'merge-patch', body, by)
  }

  scale(replicas: number): Promise<Said> {
    return this.#write('PATCH', `/${APP}/scale`, 'merge-patch', { spec: { replicas } })
  }

  async remove(name: string): Promise<void> {
    await this.#sandbox.request('alice', 'DELETE', this.#path(`/${name}`))
  }

  /** The app and all pods of its namespace, as they are just now. */
  async look(): Promise<{ readonly deployment: Deployment; readonly pods: readonly Pod[] }> {
    const list = `/api/v1/namespaces/${this.#namespace}/pods`
    const deployment = await this.#sandbox.request('alice', 'GET', this.#path(`/${APP}`))
    const pods = await this.#sandbox.request('alice', 'GET', list)
    return {
      deployment: deployment.body as unknown as Deployment,
      pods: pods.body.items as unknown as readonly Pod[],
    }
  }

  /** All that the Deployment itself owns, by their names: the canary's are its own. */
  removeReplicaSets(): Promise<void> {
    return this.#removeOwned(`/apis/apps/v1/namespaces/${this.#namespace}/replicasets`)
  }

  /** Whatever has become of them. */
  removeTests(): Promise<void> {
    return this.#removeOwned(`/apis/batch/v1/namespaces/${this.#namespace}/jobs`)
  }

  async #removeOwned(path: string): Promise<void> {
    const { body } = await this.#sandbox.request('alice', 'GET', path)
    for (const { metadata } of body.items as unknown as readonly KubernetesObject[]) {
      if (metadata.ownerReferences?.some(({ name }) => name === APP)) {
        await this.#sandbox.request('alice', 'DELETE', `${path}/${metadata.name}`)
      }
    }
  }

  async #write(
    method: string,
    path: string,
    patch: string | undefined,
    body: unknown,
    by: Person = 'alice',
  ): Promise<Said> {
    for (;;) {
      const contentType = patch === undefined ? {} : { contentType: `application/${patch}+json` }
      const options = { body, ...contentType }
      const answer = await this.#sandbox.request(by, method, this.#path(path), options)
      if (answer.status < 300) return { done: true, object: answer.body as unknown as Deployment }
      const why = messageOf(answer)
      if (!/injected|failed calling webhook/.test(why)) return { done: false, why }
      await sleep(100)
    }
  }

  #path(rest: string): string {
    return `/apis/apps/v1/namespaces/${this.#namespace}/deployments${rest}`
  }
}

function messageOf({ status, body }: ApiAnswer): string {
  return typeof body.message === 'string' ? body.message : `status ${status}`
}
