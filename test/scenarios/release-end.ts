/** How a release ended, in a form in which two runs of the same release can be compared. */
import { STATE } from '../../src/core/annotations.ts'
import { ourConditions, type View } from './view.ts'

/**
 * Everything that a release leaves behind, but for times and what chance names: the stored object, its
 * conditions, pods by version, ReplicaSets, and what is left of ours.
 */
export function endOf({ deployment, canary, pods, replicaSets, snapshots }: View): unknown {
  const conditions = deployment?.status?.conditions ?? []
  return {
    spec: deployment?.spec,
    annotations: readable(deployment?.metadata.annotations),
    conditions: conditions
      .map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)
      .map(withoutChance)
      .sort(),
    pods: pods
      .map(pod => `${pod.version}${pod.canary ? ' canary' : ''} ${pod.ready ? 'ready' : 'not ready'}`)
      .sort(),
    replicaSets: replicaSets.map(({ metadata, spec }) => `${metadata.name}: ${spec.replicas}`).sort(),
    canary: canary?.metadata.name,
    snapshots: snapshots.length,
  }
}

/** The release succeeded, and nothing of ours is left but the record of it. */
export function isPromoted(view: View): boolean {
  const nothingLeft =
    view.snapshots.length === 0 && view.canary === undefined && ourConditions(view).length === 0
  return view.state?.phase === 'Succeeded' && nothingLeft
}

/** The Events of a release, each as often as it was told. */
export function toldIn({ events }: View): readonly string[] {
  return events.map(withoutChance)
}

function readable(annotations: Readonly<Record<string, string>> = {}): unknown {
  const { [STATE]: state = 'null', ...others } = annotations
  return {
    ...others,
    state: JSON.parse(state, (_key, value) => (typeof value === 'string' ? withoutChance(value) : value)),
  }
}

/** Without times, the generated part of the names of pods, and what a controller only learns while it is there. */
function withoutChance(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME')
    .replace(/(-[a-z0-9]{8,10})-[a-z0-9]{5}\b/g, '$1-POD')
    .replace(/(of \d+ canary pods are ready): .*/, '$1')
}
