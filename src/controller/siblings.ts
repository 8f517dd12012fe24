/** The Deployments beside the user's, canary and baseline: made, sized, opened to requests, and taken away. */
import { ApiError, type Cluster } from '../cluster/port.ts'
import { deployments } from '../cluster/resources.ts'
import type { Decision } from '../core/decision.ts'
import { ISOLATED_LABEL, OPENED } from '../core/gate.ts'
import { type KeptDeployment, whole } from '../core/kept.ts'
import type { Deployment } from '../core/kubernetes.ts'
import { TRACK_LABEL } from '../core/names.ts'
import { type Isolation, makeBaseline, makeCanary } from '../core/objects.ts'
import { acceptedSet, type Gathered, ourBaseline, ourCanary } from '../core/observe.ts'
import { isControlledBy } from '../core/owner-reference.ts'
import { isIsolated, type Track } from '../core/siblings.ts'
import { type Acting, isRefusal, removeOnce } from './acting.ts'
import { refTo } from './refs.ts'

/** One of the two: what has its name, what of it is ours, what is wanted, and how it is made. */
interface Fitting {
  readonly track: Track
  readonly found: KeptDeployment | undefined
  readonly ours: KeptDeployment | undefined
  readonly wanted: number | 'none' | 'keep'
  /** Undefined when there is nothing to make it of. */
  readonly make: (replicas: number, isolation: Isolation) => Deployment | undefined
}

export async function fitCanary(acting: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  await adjust(acting, gathered, decision, {
    track: 'canary',
    found: gathered.canary,
    ours: ourCanary(gathered),
    wanted: decision.canary,
    make: (replicas, isolation) => makeCanary(whole(gathered.deployment), replicas, isolation),
  })
}

export async function fitBaseline(acting: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  await adjust(acting, gathered, decision, {
    track: 'baseline',
    found: gathered.baseline,
    ours: ourBaseline(gathered),
    wanted: decision.baseline,
    make: (replicas, isolation) => {
      const accepted = acceptedSet(gathered)
      return accepted && makeBaseline(whole(gathered.deployment), accepted, replicas, isolation)
    },
  })
}

async function adjust(
  acting: Acting,
  gathered: Gathered,
  decision: Decision,
  { track, found, ours, wanted, make }: Fitting,
): Promise<void> {
  const { cluster, caches } = acting
  if (wanted === 'keep' || ours?.metadata.deletionTimestamp) return
  const wasIsolated = ours !== undefined && isIsolated(ours)
  const isolated = decision.isolated === 'keep' ? wasIsolated : decision.isolated
  const isolation = { isolated, key: decision.state?.isolate }
  // Somebody else's has its name: decisions know.
  if (found && !ours) return
  try {
    if (wanted === 'none') {
      if (ours) await removeOnce(acting, deployments, ours)
      return
    }
    const adopted = ours !== undefined && isControlledBy(ours, gathered.deployment)
    if (adopted && ours.spec.replicas === wanted && isolated === wasIsolated) return
    const made = make(wanted, isolation)
    if (!made) return
    if (!ours) {
      caches.deployments.absorb(await create(cluster, made, track))
      return
    }
    const body = {
      metadata: {
        ...(!adopted && { ownerReferences: made.metadata.ownerReferences }),
        ...(isolated !== wasIsolated && { labels: { [ISOLATED_LABEL]: isolated ? 'true' : OPENED } }),
      },
      spec: {
        replicas: wanted,
        ...(isolated !== wasIsolated && opening(made, isolation)),
        // Since it was opened, its pods serve: from the next write on they are replaced as the user's are.
        ...(!isolated && !wasIsolated && made.spec.strategy && { strategy: made.spec.strategy }),
      },
    }
    caches.deployments.absorb(await cluster.patch(deployments, refTo(ours), { type: 'merge', body }))
  } catch (error) {
    if (!isRefusal(error)) throw error
    acting.refused(error, track)
  }
}

/** What differs between a template that takes requests and one that does not: the gates, and the label left out. */
function opening({ spec: { template } }: Deployment, { key }: Isolation): { readonly template: object } {
  const labels = key === undefined ? undefined : { [key]: template.metadata?.labels?.[key] ?? null }
  return {
    template: {
      ...(labels && { metadata: { labels } }),
      spec: { readinessGates: template.spec?.readinessGates ?? null },
    },
  }
}

/**
 * One of that name may be there though no watch told of it yet: the answer to an earlier create was lost. Whose
 * it is, the tests of a patch tell that changes nothing, so that what is not ours is never touched.
 * @throws ApiError CLUSTER_CONFLICT when it is ours: decided anew when the watch brings it, with all that is
 *   newer; CLUSTER_EXISTS when it is not
 */
async function create(cluster: Cluster, made: Deployment, track: Track): Promise<Deployment> {
  const ref = refTo(made)
  try {
    return await cluster.create(deployments, ref.namespace, made)
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'CLUSTER_EXISTS')) throw error
    const [owner] = made.metadata.ownerReferences ?? []
    const body = [
      { op: 'test', path: '/metadata/ownerReferences/0/uid', value: owner?.uid },
      { op: 'test', path: `/metadata/labels/${TRACK_LABEL.replace('/', '~1')}`, value: track },
    ]
    await cluster.patch(deployments, ref, { type: 'json', body }).catch((failure: unknown) => {
      throw failure instanceof ApiError && failure.code === 'CLUSTER_INVALID' ? error : failure
    })
    const message = `${ref.namespace}/${ref.name} is there already, and the watch has yet to tell of it`
    throw new ApiError('CLUSTER_CONFLICT', message, { status: 409, cause: error })
  }
}
