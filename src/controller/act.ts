/** Carries a decision out: the difference between what is wanted and what is there, in an order that is safe to be cut off anywhere. */
import { ApiError, type Cluster, type ObjectRef } from '../cluster/port.ts'
import { controllerRevisions, deployments, replicaSets } from '../cluster/resources.ts'
import type { Decision, Mend } from '../core/decision.ts'
import { type KeptDeployment, whole } from '../core/kept.ts'
import type { ControllerRevision, Deployment, KubernetesObject } from '../core/kubernetes.ts'
import { TRACK_LABEL } from '../core/names.ts'
import { makeCanary, makeSnapshot, restoredSet, sizeAnnotations } from '../core/objects.ts'
import { type Gathered, isControlledBy, ourCanary } from '../core/observe.ts'
import { project } from '../core/project.ts'
import { type DeploymentWrite, deploymentWrite, disowning, emergencyWrite, repair } from '../core/writes.ts'
import { type Caches, keyOf } from './caches.ts'
import { urgent } from './urgent.ts'

export interface Acting {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly now: () => number
  /** The uid of the canary that was deleted last, by its key: until the watch tells, the cache still has it. */
  readonly removed: Map<string, string>
  /** The state is stored: the moment to tell people. Only the first call counts. */
  readonly stored: (deployment: KeptDeployment) => void
  /** A write for the canary was refused by the API server; the deadline decides what becomes of it. */
  readonly refused: (error: ApiError) => void
}

/** Refusals that waiting or a person may mend, and that the release's deadline is there for. */
const REFUSALS = new Set(['CLUSTER_FORBIDDEN', 'CLUSTER_INVALID', 'CLUSTER_EXISTS'])

/**
 * The order: the record of what serves before anything else; the state before what follows from it; what is
 * no longer needed last.
 * @throws ApiError when a write failed; the next run decides anew
 */
export async function act(given: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  // A failed version is taken away before others go on.
  const isFailed = decision.state?.phase === 'Failed'
  const acting = isFailed ? { ...given, cluster: urgent(given.cluster) } : given
  if (decision.snapshot === 'take') await takeSnapshot(acting, gathered)
  const deployment = await storeState(acting, gathered, decision).catch(async error => {
    // What serves must not wait until a state can be stored, but for a newer one.
    if (!isConflict(error)) await mend(acting, gathered, decision)
    throw error
  })
  await mend(acting, { ...gathered, deployment }, decision)
  await fitCanary(acting, { ...gathered, deployment }, decision)
  if (decision.snapshot === 'drop') await dropSnapshots(acting, gathered, undefined)
  const disowned = disowning(deployment)
  if (disowned) await send(acting, deployment, disowned)
}

async function takeSnapshot(acting: Acting, gathered: Gathered): Promise<void> {
  const { cluster, caches } = acting
  const { deployment } = gathered
  const serving = gathered.replicaSets.filter(
    set => isControlledBy(set, deployment) && (set.spec.replicas ?? 1) > 0,
  )
  const snapshot = makeSnapshot(deployment, serving.map(whole))
  caches.snapshots.absorb(await createOrAdopt(cluster, refTo(deployment).namespace, snapshot))
  await dropSnapshots(acting, gathered, snapshot.metadata.name)
}

/** One of that name has the same content, by its name: it only lost its owner (an orphaning deletion, a backup). */
async function createOrAdopt(
  cluster: Cluster,
  namespace: string,
  snapshot: ControllerRevision,
): Promise<ControllerRevision> {
  try {
    return await cluster.create(controllerRevisions, namespace, snapshot)
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'CLUSTER_EXISTS')) throw error
    const { name, ownerReferences, labels } = snapshot.metadata
    const body = { metadata: { ownerReferences, labels } }
    return cluster.patch(controllerRevisions, { namespace, name }, { type: 'merge', body })
  }
}

async function dropSnapshots(
  { cluster, caches }: Acting,
  gathered: Gathered,
  but: string | undefined,
): Promise<void> {
  for (const { metadata } of gathered.snapshots) {
    if (metadata.name === but) continue
    const ref = { namespace: metadata.namespace ?? 'default', name: metadata.name }
    await cluster.remove(controllerRevisions, ref, metadata.uid === undefined ? {} : { uid: metadata.uid })
    caches.snapshots.forget(ref)
  }
}

/** After the state: a ReplicaSet of another size lets the Deployment controller write, and the state would conflict. */
async function mend(acting: Acting, gathered: Gathered, { mend }: Decision): Promise<void> {
  if (mend.length > 0) await confirm(acting, gathered.deployment)
  for (const step of mend) await carryOutMend(acting, gathered, step)
}

/**
 * ReplicaSets come by a watch of their own, which may be ahead: what looks like somebody's doing on them may be
 * the rollout that we have begun. This changes nothing; the status, because no webhook need be there for it.
 * @throws ApiError CLUSTER_CONFLICT when there is a newer version of the Deployment
 */
async function confirm({ cluster }: Acting, deployment: KeptDeployment): Promise<void> {
  const body = { metadata: { resourceVersion: deployment.metadata.resourceVersion } }
  await cluster.patch(deployments, refTo(deployment), { type: 'merge', body }, 'status')
}

async function carryOutMend({ cluster, caches }: Acting, gathered: Gathered, mend: Mend): Promise<void> {
  const { deployment } = gathered
  const { namespace } = refTo(deployment)
  if (mend.kind === 'scale') {
    const body = { metadata: { annotations: sizeAnnotations(deployment) }, spec: { replicas: mend.replicas } }
    const patch = { type: 'merge', body } as const
    caches.replicaSets.absorb(await cluster.patch(replicaSets, { namespace, name: mend.name }, patch))
    return
  }
  caches.replicaSets.absorb(
    await cluster.create(replicaSets, namespace, restoredSet(mend.set, mend.replicas, deployment)),
  )
}

/** @returns the Deployment as the last write left it */
async function storeState(acting: Acting, gathered: Gathered, decision: Decision): Promise<KeptDeployment> {
  const { state } = decision
  let deployment = gathered.deployment
  let write = deploymentWrite(deployment, decision, acting.now())
  if (write?.to === 'main' && state) {
    const first = write
    deployment = await send(acting, deployment, first).catch(error =>
      withoutWebhook(acting, gathered, decision, error),
    )
    acting.stored(deployment)
    const mended = repair(deployment, state)
    if (mended) deployment = await send(acting, deployment, mended)
    write = deploymentWrite(deployment, { ...decision, restore: undefined }, acting.now())
  }
  if (write?.to === 'status') deployment = await send(acting, deployment, write)
  acting.stored(deployment)
  return deployment
}

async function send(
  acting: Acting,
  deployment: KeptDeployment,
  write: DeploymentWrite,
): Promise<KeptDeployment> {
  const patch = { type: 'strategic', body: write.body } as const
  const subresource = write.to === 'status' ? 'status' : undefined
  const written = await acting.cluster.patch(deployments, refTo(deployment), patch, subresource)
  acting.caches.deployments.absorb(written)
  return written
}

/**
 * The webhook cannot be called. A release that failed must not wait for it: its state goes through the
 * status, its canary shrinks as far as it is covered, stable grows through /scale. (The one write of a
 * size that goes around the webhook; see docs/operations.md.)
 */
async function withoutWebhook(
  acting: Acting,
  gathered: Gathered,
  decision: Decision,
  error: unknown,
): Promise<never> {
  const { state } = decision
  const down = error instanceof ApiError && error.code === 'CLUSTER_WEBHOOK'
  if (!down || state?.phase !== 'Failed') throw error
  const write = emergencyWrite(gathered.deployment, decision, acting.now())
  const deployment = write ? await send(acting, gathered.deployment, write) : gathered.deployment
  acting.stored(deployment)
  await fitCanary(acting, { ...gathered, deployment }, decision)
  const replicas = project(state)?.replicas
  if (replicas !== undefined && replicas > (deployment.spec.replicas ?? 1)) {
    const patch = { type: 'merge', body: { spec: { replicas } } } as const
    await acting.cluster.patch(deployments, refTo(deployment), patch, 'scale')
  }
  throw error
}

async function fitCanary(acting: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  const { cluster, caches } = acting
  const { deployment } = gathered
  const canary = ourCanary(gathered)
  const wanted = decision.canary
  if (wanted === 'keep' || canary?.metadata.deletionTimestamp) return
  // Somebody else's has its name: decisions know.
  if (gathered.canary && !canary) return
  try {
    if (wanted === 'none') {
      const { uid } = canary?.metadata ?? {}
      if (!canary || !uid || acting.removed.get(keyOf(canary.metadata)) === uid) return
      await cluster.remove(deployments, refTo(canary), { uid })
      acting.removed.set(keyOf(canary.metadata), uid)
    } else if (!canary) {
      caches.deployments.absorb(await createCanary(cluster, makeCanary(whole(deployment), wanted)))
    } else {
      const adopted = isControlledBy(canary, deployment)
      if (adopted && canary.spec.replicas === wanted) return
      const { ownerReferences } = makeCanary(whole(deployment), wanted).metadata
      const body = { ...(!adopted && { metadata: { ownerReferences } }), spec: { replicas: wanted } }
      caches.deployments.absorb(await cluster.patch(deployments, refTo(canary), { type: 'merge', body }))
    }
  } catch (error) {
    if (!(error instanceof ApiError && REFUSALS.has(error.code))) throw error
    acting.refused(error)
  }
}

/**
 * One of that name may be there though no watch told of it yet: the answer to an earlier create was lost. Whose
 * it is, the tests of a patch tell that changes nothing, so that what is not ours is never touched.
 * @throws ApiError CLUSTER_CONFLICT when it is ours: decided anew when the watch brings it, with all that is
 *   newer; CLUSTER_EXISTS when it is not
 */
async function createCanary(cluster: Cluster, canary: Deployment): Promise<Deployment> {
  const ref = refTo(canary)
  try {
    return await cluster.create(deployments, ref.namespace, canary)
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'CLUSTER_EXISTS')) throw error
    const [owner] = canary.metadata.ownerReferences ?? []
    const body = [
      { op: 'test', path: '/metadata/ownerReferences/0/uid', value: owner?.uid },
      { op: 'test', path: `/metadata/labels/${TRACK_LABEL.replace('/', '~1')}`, value: 'canary' },
    ]
    await cluster.patch(deployments, ref, { type: 'json', body }).catch((failure: unknown) => {
      throw failure instanceof ApiError && failure.code === 'CLUSTER_INVALID' ? error : failure
    })
    const message = `${ref.namespace}/${ref.name} is there already, and the watch has yet to tell of it`
    throw new ApiError('CLUSTER_CONFLICT', message, { status: 409, cause: error })
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'CLUSTER_CONFLICT'
}

function refTo({ metadata }: KubernetesObject): ObjectRef {
  return { namespace: metadata.namespace ?? 'default', name: metadata.name }
}
