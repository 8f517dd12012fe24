/** Carries a decision out: the difference between what is wanted and what is there, in an order that is safe to be cut off anywhere. */
import { ApiError, type Cluster } from '../cluster/port.ts'
import { controllerRevisions, deployments, replicaSets } from '../cluster/resources.ts'
import type { Decision, Mend } from '../core/decision.ts'
import { type KeptDeployment, whole } from '../core/kept.ts'
import type { ControllerRevision } from '../core/kubernetes.ts'
import { makeSnapshot, restoredSet, sizeAnnotations } from '../core/objects.ts'
import type { Gathered } from '../core/observe.ts'
import { isControlledBy } from '../core/owner-reference.ts'
import { project } from '../core/project.ts'
import { type DeploymentWrite, deploymentWrite, disowning, emergencyWrite, repair } from '../core/writes.ts'
import type { Acting } from './acting.ts'
import { dropTests, fitService, startTest } from './gates.ts'
import { fitPreview } from './preview.ts'
import { refTo } from './refs.ts'
import { fitBaseline, fitCanary } from './siblings.ts'
import { urgent } from './urgent.ts'

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
  const present = { ...gathered, deployment }
  await dropTests(acting, decision)
  // Before the canary: as long as that is there, somebody looks after what belongs to it.
  await fitService(acting, present, decision)
  await fitPreview(acting, present, decision)
  await fitCanary(acting, present, decision)
  await fitBaseline(acting, present, decision)
  await startTest(acting, present, decision)
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
  for (const snapshot of gathered.snapshots) {
    const { name, uid } = snapshot.metadata
    if (name === but) continue
    const ref = refTo(snapshot)
    await cluster.remove(controllerRevisions, ref, uid === undefined ? {} : { uid })
    caches.snapshots.forget(ref)
  }
}

/** After the state: a ReplicaSet of another size lets the Deployment controller write, and the state would conflict. */
async function mend(acting: Acting, gathered: Gathered, { mend }: Decision): Promise<void> {
  if (mend.length === 0) return
  await confirm(acting, gathered.deployment)
  // Together: whoever gives and whoever takes leave the sum as it is, and the Deployment controller looks at each change.
  await Promise.all(mend.map(step => carryOutMend(acting, gathered, step)))
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
 * status, its canary and baseline shrink as far as they are covered, stable grows through /scale. (The one write of a
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
  await fitBaseline(acting, { ...gathered, deployment }, decision)
  const replicas = project(state)?.replicas
  if (replicas !== undefined && replicas > (deployment.spec.replicas ?? 1)) {
    const patch = { type: 'merge', body: { spec: { replicas } } } as const
    await acting.cluster.patch(deployments, refTo(deployment), patch, 'scale')
  }
  throw error
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'CLUSTER_CONFLICT'
}
