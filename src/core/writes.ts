/** From a decision to the writes it takes: none when the cluster already is as wanted. Pure. */
import { STATE } from './annotations.ts'
import { conditionPatch } from './conditions.ts'
import type { Decision } from './decision.ts'
import type { Deployment, PodTemplate, ReplicaSet } from './kubernetes.ts'
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
  deployment: Deployment,
  decision: Pick<Decision, 'state' | 'restore' | 'conditions'>,
  now: number,
): DeploymentWrite | undefined {
  const { state } = decision
  const text = state && printState(withoutApplied(state))
  const stored = readState(deployment.metadata.annotations)
  const storedText = stored.kind === 'ok' ? printState(withoutApplied(stored.state)) : undefined
  const applied = stored.kind === 'ok' ? stored.state.applied : undefined
  const projection = state && project(state)
  const changed = text !== storedText

  if (state && (decision.restore || (projection && !isInEffect(projection, applied, deployment)))) {
    return { to: 'main', body: mainBody(deployment, state, decision.restore) }
  }
  const conditions =
    decision.conditions === 'keep'
      ? []
      : conditionPatch(decision.conditions, deployment.status?.conditions ?? [], now)
  if (!changed && conditions.length === 0) return undefined
  return {
    to: 'status',
    body: {
      // Conditions alone rest on nothing: others may write the status at the same moment.
      ...(changed && {
        metadata: {
          resourceVersion: deployment.metadata.resourceVersion,
          annotations: { [STATE]: state ? withApplied(state, applied) : null },
        },
      }),
      ...(conditions.length > 0 && { status: { conditions } }),
    },
  }
}

/** The webhook projected just this, and the spec still says so. */
function isInEffect(projection: Projection, applied: State['applied'], { spec }: Deployment): boolean {
  return sameProjection(projection, applied) && isProjected(projection, spec)
}

function mainBody(deployment: Deployment, state: State, restore: ReplicaSet | undefined): unknown {
  return {
    metadata: {
      resourceVersion: deployment.metadata.resourceVersion,
      annotations: { [STATE]: printState(state) },
    },
    ...(restore && { spec: { template: { $patch: 'replace', ...formerTemplate(restore) } } }),
  }
}

/** A ReplicaSet's template without the label that the Deployment controller added to it. */
function formerTemplate({ spec }: ReplicaSet): PodTemplate {
  const { 'pod-template-hash': _, ...labels } = spec.template.metadata?.labels ?? {}
  return { ...spec.template, metadata: { ...spec.template.metadata, labels } }
}

/**
 * After a `main` write: the direct repair of the spec where the webhook did not project, that is, where it
 * was not called; undefined when all is well. One of the three documented exceptions to "the controller
 * never writes the spec of the user's Deployment".
 */
export function repair(written: Deployment, state: State): DeploymentWrite | undefined {
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
 * The same with the webhook down, for a release that failed: the state through the status, where no webhook
 * is in the way, so that it is not lost; undefined when it is stored already.
 */
export function emergencyWrite(deployment: Deployment, state: State): DeploymentWrite | undefined {
  const stored = readState(deployment.metadata.annotations)
  const applied = stored.kind === 'ok' ? stored.state.applied : undefined
  const text = withApplied(state, applied)
  if (stored.kind === 'ok' && text === printState(stored.state)) return undefined
  const { resourceVersion } = deployment.metadata
  return { to: 'status', body: { metadata: { resourceVersion, annotations: { [STATE]: text } } } }
}

/** What was last projected stays on record, as long as there is something to project. */
function withApplied(state: State, applied: State['applied']): string {
  return printState(withFields(state, { applied: isLive(state) ? applied : undefined }))
}

function withoutApplied(state: State): State {
  return withFields(state, { applied: undefined })
}
