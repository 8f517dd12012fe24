/** What an app looks like when its story is over, and whether it is how that story had to end. Pure. */
import { OURS } from '../../src/core/conditions.ts'
import type { Condition } from '../../src/core/kubernetes.ts'
import { isGood, type Version } from './schedule.ts'
import { versionOf, type Witness } from './witness.ts'

export interface End {
  readonly kind: 'rolled out' | 'held'
  /** Of the stored template. */
  readonly version: string
  /** What serves: one version, or the mix that served when a release began in the middle of a rollout. */
  readonly serving: readonly string[]
  /** spec.replicas. */
  readonly replicas: number
  /** Of a failure. */
  readonly reason: string
}

const MIX = /the mix of \d+ accepted versions/

/** What people wanted in the end. */
export interface Wanted {
  readonly version: Version
  readonly replicas: ReadonlySet<number>
  /** Somebody aborted, or scaled to 0; whether in time, chance decides. */
  readonly mayEndFailed: boolean
  /** At some time one pod was wanted, where the strategy allows none beside it. */
  readonly mayLackRoom: boolean
  /** The plan has an approval that is waited for no longer than some seconds. */
  readonly mayMissApproval: boolean
}

/** @returns how it ended; undefined while something is still to come */
export function endOf(witness: Witness, replicas: ReadonlySet<number>): End | undefined {
  const { deployment, canary, baseline, state, there } = witness
  if (!deployment || canary || baseline || witness.isBehind) return undefined
  const all = there.length
  const size = deployment.spec.replicas ?? 1
  const serving = [...new Set(there.map(({ version }) => version))].sort()
  const { conditions = [], observedGeneration = 0, updatedReplicas } = deployment.status ?? {}
  if (observedGeneration < (deployment.metadata.generation ?? 0)) return undefined
  // Kubernetes keeps maxSurge pods more of a mix (docs/decisions/0011).
  const isMix = conditions.some(({ type, message }) => type === 'Stalled' && MIX.test(message ?? ''))
  const isAll = isMix ? all >= size : all === size && serving.length === 1
  if (!isAll || !replicas.has(size) || there.some(pod => !pod.ready || pod.canary || pod.baseline))
    return undefined

  const version = versionOf(deployment.spec.template)
  const common = { version, serving, replicas: size }
  if (state?.phase === 'Failed') {
    const isTold = conditions.some(({ type }) => type === 'Stalled')
    if (!deployment.spec.paused || !isTold || state.total !== size) return undefined
    return { ...common, kind: 'held', reason: state.reason ?? '' }
  }
  const isOver = !state || state.phase === 'Succeeded' || state.phase === 'Reverted'
  const isComplete = updatedReplicas === size
  const isTidy = witness.snapshots.size === 0 && !deployment.spec.paused && !conditions.some(isOurs)
  return isOver && isTidy && isComplete ? { ...common, kind: 'rolled out', reason: '' } : undefined
}

function isOurs({ type, message }: Condition): boolean {
  return type === 'Stalled' || type === 'Reconciling' || message?.startsWith(OURS) === true
}

/** @returns what is wrong with how it ended, in sentences */
export function wrongEnd(end: End, wanted: Wanted): readonly string[] {
  const { version } = wanted
  const wrong: string[] = []
  if (end.version !== version.name)
    wrong.push(`${version.name} was applied last, and ${end.version} is stored`)
  if (end.kind === 'rolled out') {
    if (!isGood(version)) wrong.push(`${describe(version)} and was rolled out`)
    if (end.serving.join() !== end.version)
      wrong.push(`${end.version} was rolled out, and ${end.serving.join(' and ')} serves`)
    return wrong
  }
  if (!mayFailBy(wanted).includes(end.reason)) {
    wrong.push(`${describe(version)} and failed by ${end.reason}`)
  }
  if (end.serving.includes(version.name)) wrong.push(`the rejected ${version.name} serves`)
  return wrong
}

const REASONS: Readonly<Record<Version['quality'], readonly string[]>> = {
  good: [],
  'never ready': ['DeadlineExceeded'],
  crashing: ['CanaryRestarted', 'DeadlineExceeded'],
}

function mayFailBy({ version, mayEndFailed, mayLackRoom, mayMissApproval }: Wanted): readonly string[] {
  const { quality, test } = version
  return [
    ...REASONS[quality],
    ...(test === 'fails' ? ['TestFailed'] : []),
    // Its deadline is short: that of its pods too.
    ...(test === 'never ends' ? ['TestFailed', 'DeadlineExceeded'] : []),
    ...(mayEndFailed ? ['Aborted', 'ScaledToZero'] : []),
    ...(mayLackRoom ? ['NoRoom'] : []),
    ...(mayMissApproval ? ['NotApproved'] : []),
  ]
}

/** `v2 is good and its test fails` */
function describe({ name, quality, test }: Version): string {
  return `${name} is ${quality}${test ? ` and its test ${test}` : ''}`
}
