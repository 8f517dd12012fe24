import { certificatesIn } from '../../certs/facts.ts'
import type { Cluster, ObjectRef, Watching } from '../../cluster/port.ts'
import { mutatingWebhookConfigurations } from '../../cluster/resources.ts'
import type { MutatingWebhookConfiguration } from '../../core/kubernetes.ts'
import type { Clock } from '../clock.ts'
import { withoutBallast } from '../slim.ts'

/** The webhook's registration: whom API servers trust, and since when this process has seen it so. */
export class Registration {
  readonly synced: Promise<void>
  readonly #cluster: Cluster
  readonly #ref: ObjectRef
  readonly #clock: Clock
  readonly #watching: Watching<MutatingWebhookConfiguration>
  /** PEM of the certificates in every caBundle, with the monotonic time when they were first seen there. */
  #since = new Map<string, number>()

  /** @param onChange called after each change */
  constructor(cluster: Cluster, name: string, clock: Clock, onChange: () => void) {
    this.#cluster = cluster
    this.#clock = clock
    this.#ref = { namespace: '', name }
    this.#watching = cluster.watch<MutatingWebhookConfiguration>(
      mutatingWebhookConfigurations,
      { fieldSelector: `metadata.name=${name}`, slim: withoutBallast },
      change => {
        this.#note(change.type === 'set' ? change.object : undefined)
        onChange()
      },
    )
    this.synced = this.#watching.synced
  }

  /** The caBundle of each webhook, PEM; undefined when nothing is registered. */
  get bundles(): readonly string[] | undefined {
    return bundlesOf(this.#watching.get(this.#ref))
  }

  /** When the API server made it, by its own clock; 0 when it is not there. */
  get written(): number {
    return Date.parse(this.#watching.get(this.#ref)?.metadata.creationTimestamp ?? '') || 0
  }

  /** Since how many milliseconds a certificate has been in every caBundle; -1 when it is not. */
  ageOf(pem: string): number {
    const since = this.#since.get(pem)
    return since === undefined ? -1 : this.#clock.now() - since
  }

  /**
   * Makes this the caBundle of every webhook in it.
   * @throws ApiError, CLUSTER_CONFLICT when somebody else changed it first
   */
  async write(bundle: string): Promise<void> {
    const { metadata, webhooks = [] } = this.#watching.get(this.#ref) ?? {}
    const caBundle = Buffer.from(bundle).toString('base64')
    const body = {
      metadata: { resourceVersion: metadata?.resourceVersion },
      // Merged by name: what else a webhook says stays whoever's it is.
      webhooks: webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })),
    }
    const patch = { type: 'strategic', body } as const
    this.#watching.absorb(await this.#cluster.patch(mutatingWebhookConfigurations, this.#ref, patch))
  }

  stop(): void {
    this.#watching.stop()
  }

  #note(configuration: MutatingWebhookConfiguration | undefined): void {
    const [first = [], ...others] = (bundlesOf(configuration) ?? []).map(bundle =>
      certificatesIn(bundle).map(String),
    )
    const everywhere = first.filter(pem => others.every(pems => pems.includes(pem)))
    const now = this.#clock.now()
    this.#since = new Map(everywhere.map(pem => [pem, this.#since.get(pem) ?? now]))
  }
}

function bundlesOf(configuration: MutatingWebhookConfiguration | undefined): readonly string[] | undefined {
  const { webhooks = [] } = configuration ?? {}
  if (webhooks.length === 0) return undefined
  return webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? '', 'base64').toString())
}
