import type { Settings } from '../annotations.ts'
import type { Deployment } from '../kubernetes.ts'
import { planWarnings, summarizePlan } from '../plan/summary.ts'
import { STATE_VERSION, type State } from '../state.ts'

/**
 * The state of a release that was just asked for. The plan is frozen here: later edits of the annotations
 * count for the next one.
 */
export function begin(settings: Settings, by: string, total: number): State {
  const surge = settings.capacity === 'surge'
  return {
    version: STATE_VERSION,
    phase: 'Pending',
    release: '',
    by,
    plan: settings.steps,
    deadline: settings.deadline,
    maxRestarts: settings.maxRestarts,
    onFailure: settings.onFailure,
    ...(settings.test !== undefined && { test: settings.test }),
    ...(settings.isolate !== undefined && { isolate: settings.isolate }),
    ...(settings.baseline && { baseline: true }),
    ...(settings.preview !== undefined && { preview: settings.preview }),
    total,
    ...(surge ? { surge: 'capacity: surge is set' } : { stable: total }),
    step: 0,
  }
}

/** What the person who applied is told: what will happen, how long it takes, and how to follow it. */
export function announcement(settings: Settings, object: Deployment, total: number): readonly string[] {
  const { name, namespace = 'default' } = object.metadata
  const follow = `kubectl -n ${namespace} rollout status deployment/${name}`
  return [
    `${summarizePlan(settings.plan)}; follow with: ${follow}`,
    ...planWarnings(settings.plan, total, settings.capacity),
  ]
}
