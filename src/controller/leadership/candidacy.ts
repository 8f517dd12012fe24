import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemClock } from '../clock.ts'
import type { Election } from '../controller.ts'
import { ELECTION_SETTINGS } from './election.ts'

export interface CandidacyFlags {
  /** Where the Lease is; the pod's own namespace when left out, else `canaryhook`. */
  readonly leaseNamespace?: string
  readonly leaseName: string
  /** Lease duration, renew deadline and retry period in milliseconds; Kubernetes' usual ones when left out. */
  readonly leaseTiming?: readonly [number, number, number]
  /** The host's name when left out, which is the pod's. */
  readonly identity?: string
}

/** The kubelet puts it beside the service account's token. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/** The namespace that this process works from: the one given, else that of its pod, else `canaryhook`. */
export async function homeNamespace(
  given: string | undefined,
  namespaceFile: string = NAMESPACE_FILE,
): Promise<string> {
  if (given !== undefined) return given
  return (await readFile(namespaceFile, 'utf8').catch(() => '')).trim() || 'canaryhook'
}

/** How a process stands for election. Never throws: what is missing has a default. */
export async function candidacy(
  flags: CandidacyFlags,
  namespaceFile: string = NAMESPACE_FILE,
): Promise<Election> {
  const [leaseDuration, renewDeadline, retryPeriod] = flags.leaseTiming ?? []
  return {
    lease: {
      namespace: await homeNamespace(flags.leaseNamespace, namespaceFile),
      name: flags.leaseName,
    },
    // With a random part, as client-go's users do it: a restarted process must not be taken for the one before.
    identity: `${flags.identity ?? hostname()}_${randomBytes(4).toString('hex')}`,
    settings: {
      leaseDuration: leaseDuration ?? ELECTION_SETTINGS.leaseDuration,
      renewDeadline: renewDeadline ?? ELECTION_SETTINGS.renewDeadline,
      retryPeriod: retryPeriod ?? ELECTION_SETTINGS.retryPeriod,
    },
    clock: systemClock,
  }
}
