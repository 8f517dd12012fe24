import type { DeploymentSpec } from './kubernetes.ts'
import { isLive, type State } from './state.ts'

/** What the state says about the spec of the user's Deployment; nothing about `replicas` in surge mode. */
export interface Projection {
  readonly paused: boolean
  readonly replicas?: number | undefined
}

/**
 * The one rule by which a state becomes spec: the webhook applies it in the path of every write, the
 * controller compares with it. A state that has ended says nothing.
 */
export function project(state: State): Projection | undefined {
  if (!isLive(state)) return undefined
  const paused = state.phase !== 'Promoting' && state.phase !== 'Reverting'
  return state.stable === undefined ? { paused } : { paused, replicas: state.stable }
}

/** Whether the spec already is what the projection says. */
export function isProjected(
  projection: Projection,
  spec: Pick<DeploymentSpec, 'paused' | 'replicas'>,
): boolean {
  if ((spec.paused ?? false) !== projection.paused) return false
  return projection.replicas === undefined || spec.replicas === projection.replicas
}

/** Whether two projections say the same; undefined is the projection that was never made. */
export function sameProjection(a: Projection | undefined, b: Projection | undefined): boolean {
  return a?.paused === b?.paused && a?.replicas === b?.replicas
}
