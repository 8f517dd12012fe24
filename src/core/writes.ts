/** From a decision to the writes it takes: none when the cluster already is as wanted. Pure. */
import { STATE } from './annotations.ts'
import { conditionPatch } from './conditions.ts'
import type { Decision } from './decision.ts'
import type { KeptDeployment } from './kept.ts'
import type { ReplicaSet } from './kubernetes.ts'
import { templateOf } from './objects.ts'
import { ownsSpec, withoutOurSpec } from './ownership.ts'
import { isProjected, type Projection, project, sameProjection } from './project.ts'
import { isLive, printState, readState, type State, withFields } from './state.ts'

/** A write of the user's Deployment. The body is a strategic merge patch, with the resourceVersion it rests on. */
export interface DeploymentWrite {
  /**
   * `main` meets the webhook, which projects the state onto the spec. `status` does not: it carries the
   * conditions, and the state where that changes nothing in the spec (the API server stores annotations in
   * the same write).
   */
  readonly to: 'main' | 'status'
  readonly body: unknown
}

/**
 * The writes for the user's Deployment, in order; each is made from the object as the one before left it,
 * so this is called again with the answer of the first.
 *
 * @param now milliseconds since 1970
 */
export function deploymentWrite(
  deployment: KeptDeployment,
  decision: Pick<Decision, 'state' | 'restore' | 'conditions'>,
  now: number,
): DeploymentWrite | undefined {
  const { state } = decision
  const stored = readState(deployment.metadata.annotations)
  const applied = stored.kind === 'ok' ? stored.state.applied : undefined
  const projection = state && project(state)
  if (state && (decision.restore || (projection && !isInEffect(projection, applied, deployment)))) {
    return { to: 'main', body: mainBody(deployment, state, decision.restore) }
  }
  return statusWrite(deployment, decision, now)
}

/** The part that meets no webhook: the state where it changed, and the conditions where they do. */
function statusWrite(
  deployment: KeptDeployment,
  { state, conditions }: Pick<Decision, 'state' | 'conditions'>,
  now: number,
): DeploymentWrite | undefined {
  const stored = readState(deployment.metadata.annotations)
  const was = stored.kind === 'ok' ? stored.state : undefined
  const changed = textOf(state) !== textOf(was)
  const current = deployment.status?.conditions ?? []
  const patch = conditions === 'keep' ? [] : conditionPatch(conditions, current, now)
  if (!changed && patch.length === 0) return undefined
  return {
    to: 'status',
    body: {
      // Conditions alone rest on nothing: others may write the status at the same moment.
      ...(changed && {
        metadata: {
          resourceVersion: deployment.metadata.resourceVersion,
          annotations: { [STATE]: state ? withApplied(state, was?.applied) : null },
        },
      }),
      ...(patch.length > 0 && { status: { conditions: patch } }),
    },
  }
}

/** The webhook projected just this, and the spec still says so. */
function isInEffect(projection: Projection, applied: State['applied'], { spec }: KeptDeployment): boolean {
  return sameProjection(projection, applied) && isProjected(projection, spec)
}

function mainBody(deployment: KeptDeployment, state: State, restore: ReplicaSet | undefined): unknown {
  return {
    metadata: {
      resourceVersion: deployment.metadata.resourceVersion,
      annotations: { [STATE]: printState(state) },
    },
    ...(restore && { spec: { template: { $patch: 'replace', ...templateOf(restore) } } }),
  }
}

/**
 * After a `main` write: the direct repair of the spec where the webhook did not project, that is, where it
 * was not called; undefined when all is well. One of the three documented exceptions to "the controller
 * never writes the spec of the user's Deployment".
 */
export function repair(written: KeptDeployment, state: State): DeploymentWrite | undefined {
  const projection = project(state)
  const stored = readState(written.metadata.annotations)
  const applied = stored.kind === 'ok' ? stored.state.applied : undefined
  if (!projection || isInEffect(projection, applied, written)) return undefined
  const { paused, replicas } = projection
  return {
    to: 'main',
    body: {
      metadata: {
        resourceVersion: written.metadata.resourceVersion,
        annotations: { [STATE]: printState(withFields(state, { applied: projection })) },
      },
      spec: { paused, ...(replicas !== undefined && { replicas }) },
    },
  }
}

/**
 * After a direct write of the spec, and only then: gives up what it made us own, so that nobody's next
 * server-side apply is a conflict with us.
 */
export function disowning(deployment: KeptDeployment): DeploymentWrite | undefined {
  if (!ownsSpec(deployment)) return undefined
  const { resourceVersion } = deployment.metadata
  return { to: 'main', body: { metadata: { resourceVersion, managedFields: withoutOurSpec(deployment) } } }
}

/**
 * With the webhook down, for a release that failed: state and conditions through the status, where no webhook
 * is in the way, so that nothing is lost and people see why; undefined when that is done already.
 */
export function emergencyWrite(
  deployment: KeptDeployment,
  decision: Pick<Decision, 'state' | 'conditions'>,
  now: number,
): DeploymentWrite | undefined {
  return statusWrite(deployment, decision, now)
}

/** What was last projected stays on record, as long as there is something to project. */
function withApplied(state: State, applied: State['applied']): string {
  return printState(withFields(state, { applied: isLive(state) ? applied : undefined }))
}

/** The state but for what was projected of it, which is the webhook's to say. */
function textOf(state: State | undefined): string | undefined {
  return state && printState(withFields(state, { applied: undefined }))
}
