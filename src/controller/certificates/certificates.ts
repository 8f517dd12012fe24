/**
 * The webhook's certificates, as this controller has to do with them: it writes the files for the webhook of its
 * own pod, and while it leads it renews what they are written from.
 */
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { LIVES, type Lives } from '../../certs/rotation.ts'
import type { Cluster, ObjectRef } from '../../cluster/port.ts'
import { secrets } from '../../cluster/resources.ts'
import type { Secret } from '../../core/kubernetes.ts'
import { systemClock } from '../clock.ts'
import type { Term } from '../leadership/term.ts'
import { withoutBallast } from '../slim.ts'
import { startFollower } from './follower.ts'
import { type Keeper, startKeeper } from './keeper.ts'

export interface CertificatesOptions {
  readonly cluster: Cluster
  /** Where tls.crt and tls.key are to be. */
  readonly directory: string
  readonly secret: ObjectRef
  /** The name of the MutatingWebhookConfiguration. */
  readonly configuration: string
  /** DNS names and IP addresses that API servers call the webhook by; at least one. */
  readonly names: readonly string[]
  /** Those of rotation.ts when left out. */
  readonly lives?: Lives
  readonly log: Logger
}

export interface Certificates {
  /**
   * This process leads from now on, until the term is over.
   * @param cluster which carries the term's permit
   * @param term undefined when it leads for ever
   */
  lead(cluster: Cluster, term: Pick<Term, 'signal'> | undefined): void
  /** Has its metrics told with the others of the process. */
  measure(register: Registry): void
  stop(): Promise<void>
}

/** Starts watching the Secret. Nothing that happens in the cluster makes it throw or stop. */
export function startCertificates(options: CertificatesOptions): Certificates {
  const { cluster, directory, secret: ref, configuration, names, log } = options
  const stopping = new AbortController()
  const follower = startFollower({ directory, name: `${ref.namespace}/${ref.name}`, log })
  let keeper: Keeper | undefined
  const watching = cluster.watch<Secret>(
    secrets,
    {
      namespace: ref.namespace,
      fieldSelector: `metadata.name=${ref.name}`,
      slim: withoutBallast,
    },
    change => {
      if (change.type === 'set') follower.take(change.object)
      keeper?.look()
    },
  )
  return {
    lead(permitted, term) {
      const signal = term ? AbortSignal.any([term.signal, stopping.signal]) : stopping.signal
      keeper = startKeeper({
        cluster: permitted,
        secret: ref,
        secrets: watching,
        configuration,
        names,
        lives: options.lives ?? LIVES,
        clock: systemClock,
        log,
        signal,
      })
    },
    measure(register) {
      new Gauge({
        name: 'canaryhook_certificate_end_seconds',
        help: 'When the certificate in the files of the webhook ends, in seconds since 1970; 0 without one.',
        registers: [register],
        collect() {
          this.set((follower.end ?? 0) / 1000)
        },
      })
    },
    async stop() {
      stopping.abort()
      watching.stop()
      await follower.stop()
    },
  }
}
