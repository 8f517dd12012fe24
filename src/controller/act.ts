/** Carries a decision out: the difference between what is wanted and what is there, in an order that is safe to be cut off anywhere. */
import { ApiError, type Cluster, type ObjectRef } from '../cluster/port.ts'
import { controllerRevisions, deployments, replicaSets } from '../cluster/resources.ts'
import type { Decision, Mend } from '../core/decision.ts'
import type { ControllerRevision, Deployment } from '../core/kubernetes.ts'
import { makeCanary, makeSnapshot, restoredSet, sizeAnnotations } from '../core/objects.ts'
import { type Gathered, isControlledBy, ourCanary } from '../core/observe.ts'
import { project } from '../core/project.ts'
import { type DeploymentWrite, deploymentWrite, emergencyWrite, repair } from '../core/writes.ts'
import { type Caches, keyOf } from './caches.ts'

export interface Acting {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly now: () => number
  /** The uid of the canary that was deleted last, by its key: until the watch tells, the cache still has it. */
  readonly removed: Map<string, string>
  /** The state is stored: the moment to tell people. Only the first call counts. */
  readonly stored: (deployment: Deployment) => void
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
export async function act(acting: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  if (decision.snapshot === 'take') await takeSnapshot(acting, gathered)
  for (const mend of decision.mend) await carryOutMend(acting, gathered, mend)
  const deployment = await storeState(acting, gathered, decision)
  await fitCanary(acting, { ...gathered, deployment }, decision)
  if (decision.snapshot === 'drop') await dropSnapshots(acting, gathered, undefined)
}

async function takeSnapshot(acting: Acting, gathered: Gathered): Promise<void> {
  const { cluster, caches } = acting
  const { deployment } = gathered
  const serving = gathered.replicaSets.filter(
    set => isControlledBy(set, deployment) && (set.spec.replicas ?? 1) > 0,
  )
  const snapshot = makeSnapshot(deployment, serving)
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
async function storeState(acting: Acting, gathered: Gathered, decision: Decision): Promise<Deployment> {
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

async function send(acting: Acting, deployment: Deployment, write: DeploymentWrite): Promise<Deployment> {
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
  try {
    if (wanted === 'none') {
      const { uid } = canary?.metadata ?? {}
      if (!canary || !uid || acting.removed.get(keyOf(canary.metadata)) === uid) return
      await cluster.remove(deployments, refTo(canary), { uid })
      acting.removed.set(keyOf(canary.metadata), uid)
    } else if (!canary) {
      const made = makeCanary(deployment, wanted)
      caches.deployments.absorb(await cluster.create(deployments, refTo(deployment).namespace, made))
    } else {
      const adopted = isControlledBy(canary, deployment)
      if (adopted && canary.spec.replicas === wanted) return
      const { ownerReferences } = makeCanary(deployment, wanted).metadata
      const body = { ...(!adopted && { metadata: { ownerReferences } }), spec: { replicas: wanted } }
      caches.deployments.absorb(await cluster.patch(deployments, refTo(canary), { type: 'merge', body }))
    }
  } catch (error) {
    if (!(error instanceof ApiError && REFUSALS.has(error.code))) throw error
    acting.refused(error)
  }
}

function refTo({ metadata }: Deployment): ObjectRef {
  return { namespace: metadata.namespace ?? 'default', name: metadata.name }
}
