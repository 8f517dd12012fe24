/** What an uninstall keeps of a Deployment: in a cluster with ten thousand of them this is its memory. */
import { identityOf } from '../controller/slim.ts'
import { PREFIX } from '../core/annotations.ts'
import type { KeptDeployment } from '../core/kept.ts'
import { isLive, readState } from '../core/state.ts'
import { templateHash } from '../core/template.ts'
import { withoutConditions } from '../core/uninstall/traces.ts'

/**
 * With its template while its release lives or it is paused; else what says whether it is ours and rolled out. Of
 * managedFields it is who, and not what: their places in the list count (core/uninstall/traces.ts).
 */
export function slimDeployment(deployment: KeptDeployment): KeptDeployment {
  const { metadata, spec, status } = deployment
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(PREFIX))
  const managedFields = metadata.managedFields?.map(({ manager, operation }) => ({
    ...(manager !== undefined && { manager }),
    ...(operation !== undefined && { operation }),
  }))
  return {
    metadata: {
      ...identityOf(metadata),
      ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
      ...(managedFields && { managedFields }),
    },
    spec: {
      ...(spec.replicas !== undefined && { replicas: spec.replicas }),
      ...(spec.paused !== undefined && { paused: spec.paused }),
      template: isAtRest(deployment) ? { hash: templateHash(spec.template) } : spec.template,
    },
    ...(status && { status: slimStatus(deployment, status) }),
  }
}

function isAtRest({ metadata, spec }: KeptDeployment): boolean {
  const read = readState(metadata.annotations)
  return !spec.paused && (read.kind === 'none' || (read.kind === 'ok' && !isLive(read.state)))
}

function slimStatus(
  deployment: KeptDeployment,
  {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    availableReplicas = 0,
    conditions = [],
  }: Status,
): Status {
  const ours = withoutConditions(deployment, 0).map(({ type }) => type)
  return {
    observedGeneration,
    replicas,
    updatedReplicas,
    availableReplicas,
    conditions: conditions.filter(({ type }) => ours.includes(type)),
  }
}

type Status = NonNullable<KeptDeployment['status']>
