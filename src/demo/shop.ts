/** The user's side of the demo: applies examples/shop.yaml and new versions of it, and looks at it. */
import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { CanaryhookError } from '../core/errors.ts'
import type { Deployment, KubernetesEvent, KubernetesObject, Pod } from '../core/kubernetes.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { readSnapshot, type Snapshot } from './snapshot.ts'

const MANIFEST = new URL('../../examples/shop.yaml', import.meta.url)
const NAMESPACE = 'default'
const PATHS: Readonly<Record<string, string>> = {
  Deployment: `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
  Service: `/api/v1/namespaces/${NAMESPACE}/services`,
}
const SHOP = `${PATHS.Deployment}/shop`
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io%2Fname%3Dshop`
const EVENTS = `/api/v1/namespaces/${NAMESPACE}/events`

/** Sends requests to the API as the user alice. */
export class Shop {
  readonly #sandbox: Pick<Sandbox, 'request'>

  constructor(sandbox: Pick<Sandbox, 'request'>) {
    this.#sandbox = sandbox
  }

  /** Applies the example as it is. @throws CanaryhookError DEMO_REFUSED */
  async deploy(): Promise<void> {
    const documents = parseAllDocuments(await readFile(MANIFEST, 'utf8'))
    for (const document of documents) {
      const object = document.toJS() as KubernetesObject
      await this.#send('POST', PATHS[object.kind ?? ''] ?? '', { body: object })
    }
  }

  /**
   * What `kubectl set image` does, with annotations for the pods on top (null takes one away).
   * @returns the warnings that came with the answer
   * @throws CanaryhookError DEMO_REFUSED
   */
  async release(
    image: string,
    annotations: Readonly<Record<string, string | null>> = {},
  ): Promise<readonly string[]> {
    const template = { metadata: { annotations }, spec: { containers: [{ name: 'shop', image }] } }
    const answer = await this.#send('PATCH', SHOP, {
      body: { spec: { template } },
      contentType: 'application/strategic-merge-patch+json',
    })
    return answer.warnings
  }

  /** What `kubectl annotate` does. @returns the warnings that came with the answer @throws CanaryhookError DEMO_REFUSED */
  async annotate(annotations: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const answer = await this.#send('PATCH', SHOP, {
      body: { metadata: { annotations } },
      contentType: 'application/merge-patch+json',
    })
    return answer.warnings
  }

  /** @throws CanaryhookError DEMO_REFUSED */
  async look(): Promise<Snapshot> {
    const [deployment, pods] = await Promise.all([this.#send('GET', SHOP), this.#send('GET', PODS)])
    const { items } = pods.body as unknown as { items: readonly Pod[] }
    return readSnapshot(deployment.body as unknown as Deployment, items, Date.now())
  }

  /** What Canaryhook told about the Deployment so far, oldest first. @throws CanaryhookError DEMO_REFUSED */
  async events(): Promise<readonly KubernetesEvent[]> {
    const { body } = await this.#send('GET', EVENTS)
    const { items } = body as unknown as { items: readonly KubernetesEvent[] }
    return items
      .filter(event => event.source?.component === 'canaryhook' && event.involvedObject.name === 'shop')
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
  }

  async #send(method: string, path: string, options?: Parameters<Sandbox['request']>[3]) {
    const answer = await this.#sandbox.request('alice', method, path, options)
    if (answer.status < 400) return answer
    throw new CanaryhookError(
      'DEMO_REFUSED',
      `the API answered ${method} ${path} with ${answer.status}: ${String(answer.body.message)}`,
    )
  }
}
