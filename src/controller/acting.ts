/** What carrying out a decision needs, and what its parts share. */
import { ApiError, type Cluster, type Resource } from '../cluster/port.ts'
import type { KeptDeployment } from '../core/kept.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'
import type { Said } from '../core/objects.ts'
import type { Track } from '../core/siblings.ts'
import type { Caches } from './caches.ts'
import { keyOf, refTo } from './refs.ts'

export interface Acting {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly now: () => number
  /** The uid of what was deleted last of a kind and name: see removeOnce. */
  readonly removed: Map<string, string>
  /** The state is stored: the moment to tell people. Only the first call counts. */
  readonly stored: (deployment: KeptDeployment) => void
  /** A write for the canary or what belongs to it was refused by the API server; the deadline decides what becomes of it. */
  readonly refused: (error: ApiError, track?: Track) => void
  /** Something to tell people that no state records; the same is told once. */
  readonly remarked: (said: Said) => void
}

/** Refusals that waiting or a person may mend, and that the release's deadline is there for. */
const REFUSALS = new Set(['CLUSTER_FORBIDDEN', 'CLUSTER_INVALID', 'CLUSTER_EXISTS'])

export function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && REFUSALS.has(error.code)
}

/**
 * Deletes an object of ours, and once: until the watch tells that it is gone, the cache still has it.
 * @throws ApiError
 */
export async function removeOnce(
  { cluster, removed }: Acting,
  resource: Resource<KubernetesObject>,
  object: KubernetesObject,
): Promise<void> {
  const { uid, deletionTimestamp } = object.metadata
  const ref = refTo(object)
  const key = `${resource.plural} ${keyOf(ref)}`
  if (uid === undefined || deletionTimestamp || removed.get(key) === uid) return
  await cluster.remove(resource, ref, { uid })
  removed.set(key, uid)
}
