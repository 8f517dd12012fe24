/** The scale subresource: a Scale object is a view of a workload's replicas. */
import { at, isObject, type JsonObject } from './json.ts'
import { labelSelectorText } from './label-selector.ts'
import type { ApiObject } from './object.ts'
import { badRequest } from './status.ts'

/** autoscaling/v1 Scale of a Deployment, ReplicaSet or StatefulSet. */
export function scaleOf(workload: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = workload.metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp && { creationTimestamp }),
    },
    spec: { replicas: at(workload, 'spec', 'replicas') ?? 0 },
    status: {
      replicas: at(workload, 'status', 'replicas') ?? 0,
      selector: labelSelectorText(at(workload, 'spec', 'selector')),
    },
  }
}

/**
 * The workload with the replicas of a Scale that a client sent.
 * @throws StatusError 400 when it is not a Scale
 */
export function withScale(workload: ApiObject, scale: JsonObject): JsonObject {
  const replicas = at(scale, 'spec', 'replicas') ?? 0
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    throw badRequest(`spec.replicas of a Scale is a whole number, not ${JSON.stringify(replicas)}`)
  }
  const spec = isObject(workload.spec) ? workload.spec : {}
  return { ...workload, spec: { ...spec, replicas } }
}
