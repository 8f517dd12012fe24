/**
 * Which Deployments an autoscaler scales. KEDA is seen by the HorizontalPodAutoscaler that it makes for each
 * ScaledObject (docs/decisions/0014-autoscalers.md).
 */
import type { Cluster, ObjectRef, Watching } from '../cluster/port.ts'
import { horizontalPodAutoscalers } from '../cluster/resources.ts'
import type { HorizontalPodAutoscaler } from '../core/kubernetes.ts'
import { ByKey } from './by-key.ts'
import { keyOf } from './refs.ts'
import { identityOf } from './slim.ts'

export interface Autoscalers extends Pick<Watching<HorizontalPodAutoscaler>, 'isSynced' | 'synced' | 'stop'> {
  /** Those that scale this Deployment. */
  of(target: ObjectRef): readonly HorizontalPodAutoscaler[]
}

/**
 * Watches the autoscalers of all namespaces.
 * @param onChange called with a Deployment that has got an autoscaler or lost one; not for their status, which
 *   changes every few seconds
 */
export function watchAutoscalers(cluster: Cluster, onChange: (target: ObjectRef) => void): Autoscalers {
  const byTarget = new ByKey<HorizontalPodAutoscaler>(autoscaler => [keyOf(targetOf(autoscaler))])
  const watching = cluster.watch(
    horizontalPodAutoscalers,
    { keep: scalesDeployment, slim: onlyTarget },
    change => {
      byTarget.take(change)
      const now = targetOf(change.object)
      const before = change.type === 'set' && change.previous ? targetOf(change.previous) : undefined
      if (before && keyOf(before) === keyOf(now)) return
      if (before) onChange(before)
      onChange(now)
    },
  )
  return {
    of: target => byTarget.get(keyOf(target)),
    get isSynced() {
      return watching.isSynced
    },
    synced: watching.synced,
    stop: () => watching.stop(),
  }
}

/**
 * An autoscaler finds its target by group, kind and name; the version counts for nothing, and without an
 * apiVersion it finds none.
 * Source: k8s.io/kubernetes pkg/controller/podautoscaler horizontal.go reconcileAutoscaler (RESTMappings).
 */
function scalesDeployment({ spec }: HorizontalPodAutoscaler): boolean {
  const { apiVersion = '', kind } = spec.scaleTargetRef
  return apiVersion.startsWith('apps/') && kind === 'Deployment'
}

function targetOf({ metadata, spec }: HorizontalPodAutoscaler): ObjectRef {
  return { namespace: metadata.namespace ?? 'default', name: spec.scaleTargetRef.name }
}

/** What it scales, and whose it is; its metrics and status are most of its size. */
function onlyTarget({ metadata, spec }: HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { scaleTargetRef } = spec
  return { metadata: identityOf(metadata), spec: { scaleTargetRef } }
}
