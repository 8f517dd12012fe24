/** The command `canaryhook uninstall`: from its flags to what is done. */
import { type CandidacyFlags, candidacy } from '../controller/leadership/candidacy.ts'
import { dryRun } from './dry-run.ts'
import { type UninstallOptions, uninstall } from './uninstall.ts'

export interface UninstallFlags extends CandidacyFlags {
  readonly kubeconfig?: string
  readonly webhookConfiguration: string
  readonly leaderElection: boolean
  /** Canaryhook's own. */
  readonly deployment?: string
  readonly certificateSecret?: string
  /** Seconds. */
  readonly timeout: number
  readonly dryRun?: true
  /** Every namespace when left out. */
  readonly namespace?: readonly string[]
}

/**
 * @returns whether all is done; what is not was printed
 * @throws ApiError when the registration cannot be read or removed
 */
export async function carryOut(
  given: Pick<UninstallOptions, 'cluster' | 'log' | 'print' | 'stop'>,
  flags: UninstallFlags,
): Promise<boolean> {
  const { namespace, deployment, certificateSecret } = flags
  const common = {
    ...given,
    registration: flags.webhookConfiguration,
    timeout: flags.timeout * 1000,
    isMeant: (name: string) => namespace?.includes(name) ?? true,
  }
  if (flags.dryRun) return dryRun(common)
  const election = await candidacy(flags)
  const { lease } = election
  return uninstall({
    ...common,
    election: flags.leaderElection ? election : undefined,
    install: { namespace: lease.namespace, lease: lease.name, deployment, certificateSecret },
  })
}
