/** What an uninstall would do, without a write. */
import type { Cluster } from '../cluster/port.ts'
import { keyOf } from '../controller/refs.ts'
import { formerVersion } from '../core/uninstall/former-version.ts'
import { type Found, nextStep, type Step } from '../core/uninstall/next-step.ts'
import { beginStory, imagesOf, planOf } from '../core/uninstall/story.ts'
import { isRegistered } from './registration.ts'
import { isIn, NOT_LISTED, openSight, type Sight } from './sight.ts'

export interface DryRunOptions {
  readonly cluster: Cluster
  readonly registration: string
  /** In milliseconds. */
  readonly timeout: number
  readonly isMeant: (namespace: string) => boolean
  readonly print: (line: string) => void
}

/**
 * Prints one line for each Deployment to which something would be done.
 * @returns whether everything could be seen in time
 * @throws ApiError
 */
export async function dryRun({
  cluster,
  registration,
  timeout,
  isMeant,
  print,
}: DryRunOptions): Promise<boolean> {
  const isThere = await isRegistered(cluster, registration)
  print(
    isThere
      ? `The webhook's registration ${registration} would be removed.`
      : `The webhook's registration ${registration} is not there.`,
  )
  const sight = openSight(cluster, isMeant, () => {})
  try {
    if (!(await isIn(sight.synced, timeout))) {
      print(NOT_LISTED)
      return false
    }
    const lines = linesOf(sight)
    for (const line of lines) print(line)
    const deployments = lines.length === 1 ? '1 Deployment' : `${lines.length} Deployments`
    print(`Something would be done to ${deployments} of ${sight.list().length}. Nothing was changed.`)
    return true
  } finally {
    sight.stop()
  }
}

function linesOf(sight: Sight): readonly string[] {
  const before = { retried: false, letGo: false }
  return sight.list().flatMap(deployment => {
    const found = sight.of(deployment)
    const step = nextStep(found, before, Date.now())
    const deed = step.kind === 'patch' ? step.deed : step.kind
    const plan =
      step.kind === 'stuck' ? step.why : planOf(beginStory(deployment), deed, formerImages(found, step))
    return plan === undefined ? [] : [`${keyOf(deployment.metadata)}: ${plan}`]
  })
}

/** What would be put back into the template; looked for only where a release is given up. */
function formerImages({ deployment, sets, snapshots }: Found, step: Step): string | undefined {
  const isGivenUp = step.kind === 'patch' && step.deed !== 'clear'
  const former = isGivenUp ? formerVersion(deployment, sets, snapshots, '') : undefined
  return former?.kind === 'other' ? imagesOf(former.set.spec.template) : undefined
}
