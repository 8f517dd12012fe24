/** What the demo sees of the cluster at one moment. Pure. */
import type { Deployment, Pod } from '../core/kubernetes.ts'
import { TRACK_LABEL } from '../core/names.ts'
import { stagePosition } from '../core/plan/expand.ts'
import { type Phase, readState } from '../core/state.ts'
import { stagesOf } from '../core/weights.ts'

/** Pods of one version. */
export interface PodGroup {
  readonly version: string
  readonly ready: number
  readonly unready: number
}

export interface Snapshot {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Missing before the first release. */
  readonly phase?: Phase
  /** The release, a hash. */
  readonly release: string
  /** `step 1 of 2: 10% for 12s` while one is walked. */
  readonly step?: string
  /** Since when the weight of the step stands. */
  readonly reached?: number
  /** Why it failed. */
  readonly message?: string
  /** The version of the template that the user applied last. */
  readonly applied: string
  readonly stable: readonly PodGroup[]
  readonly canary: readonly PodGroup[]
}

/**
 * @param pods the app's pods, canary pods among them; those that are going away count no more
 */
export function readSnapshot(deployment: Deployment, pods: readonly Pod[], at: number): Snapshot {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const isCanary = (pod: Pod) => pod.metadata.labels?.[TRACK_LABEL] === 'canary'
  const seen = {
    at,
    applied: versionOf(deployment.spec.template.spec?.containers?.[0]?.image),
    stable: groupByVersion(staying.filter(pod => !isCanary(pod))),
    canary: groupByVersion(staying.filter(isCanary)),
  }
  const read = readState(deployment.metadata.annotations)
  if (read.kind !== 'ok') return { ...seen, release: '' }
  const { state } = read
  const stage = state.phase === 'Progressing' ? stagesOf(state)[state.step] : undefined
  return {
    ...seen,
    phase: state.phase,
    release: state.release,
    ...(stage && { step: `${stagePosition(stage)}: ${stage.label}` }),
    ...(stage && state.reached !== undefined && { reached: Date.parse(state.reached) }),
    ...(state.message !== undefined && { message: state.message }),
  }
}

export function readyPods(groups: readonly PodGroup[]): number {
  return groups.reduce((sum, { ready }) => sum + ready, 0)
}

export function countPods(groups: readonly PodGroup[]): number {
  return groups.reduce((sum, { ready, unready }) => sum + ready + unready, 0)
}

function groupByVersion(pods: readonly Pod[]): readonly PodGroup[] {
  const groups = new Map<string, PodGroup>()
  for (const pod of pods) {
    const version = versionOf(pod.spec?.containers?.[0]?.image)
    const { ready, unready } = groups.get(version) ?? { ready: 0, unready: 0 }
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    groups.set(version, { version, ready: ready + (isReady ? 1 : 0), unready: unready + (isReady ? 0 : 1) })
  }
  return [...groups.values()].sort((a, b) => (a.version < b.version ? -1 : 1))
}

function versionOf(image = ''): string {
  return image.split(':').at(-1) ?? image
}
