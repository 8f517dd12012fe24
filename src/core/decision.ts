import type { Wanted } from './conditions.ts'
import type { ReplicaSet } from './kubernetes.ts'
import type { Said } from './objects.ts'
import { type State, withFields } from './state.ts'
import type { TestRun, TestSeen } from './test-job.ts'

/** What the cluster shall look like, as an end state: carrying it out twice is carrying it out once. */
export interface Wants {
  /** `take`: a snapshot of exactly the ReplicaSets that serve now, in place of any other. */
  readonly snapshot: 'take' | 'keep' | 'drop'
  /** The number of canary pods; `none`: no canary Deployment; `keep`: as it is. */
  readonly canary: number | 'none' | 'keep'
  /** The same of the baseline: fresh pods of the accepted version beside the canary. */
  readonly baseline: number | 'none' | 'keep'
  /** Whether the canary, and with it the baseline, takes no requests of users; `keep`: as it is. */
  readonly isolated: boolean | 'keep'
  /** The canary's own Service, for tests and previews: there while the canary is. */
  readonly service: 'make' | 'drop' | 'keep'
  /** The Ingress through which people look at the canary. */
  readonly ingress: 'make' | 'drop' | 'keep'
  /** The test Job that shall be there. */
  readonly test?: TestRun | undefined
  /** Test Jobs that shall not. */
  readonly dropTests: readonly TestSeen[]
  /** What to do to stable's ReplicaSets. */
  readonly mend: readonly Mend[]
  /** Put this template back on the user's Deployment (on-failure: restore). */
  readonly restore?: ReplicaSet | undefined
  /** `keep`: whatever they say. */
  readonly conditions: Wanted | 'keep'
  /** When to look again if nothing happens before, in milliseconds since 1970. */
  readonly wakeAt?: number
}

/** Nothing is done. */
export const AS_IT_IS: Wants = {
  snapshot: 'keep',
  canary: 'keep',
  baseline: 'keep',
  isolated: 'keep',
  service: 'keep',
  ingress: 'keep',
  dropTests: [],
  mend: [],
  conditions: 'keep',
}

export type Mend =
  | { readonly kind: 'create'; readonly set: ReplicaSet; readonly replicas: number }
  | { readonly kind: 'scale'; readonly name: string; readonly replicas: number }

export interface Decision extends Wants {
  /** The state to store; undefined when there is none. */
  readonly state: State | undefined
  /** What to tell the user, in order. */
  readonly said: readonly Said[]
}

/** What one phase makes of what it sees: it stays with some wants, or turns into another state at once. */
export type Outcome =
  | { readonly kind: 'stay'; readonly state: State; readonly wants: Partial<Wants> }
  | { readonly kind: 'turn'; readonly state: State; readonly said: readonly Said[] }

/** Stay in the phase, and want this. */
export function stay(state: State, wants: Partial<Wants>): Outcome {
  return { kind: 'stay', state, wants }
}

/** Go on in another state, looking at the same observation again. */
export function turn(
  state: State,
  fields: { readonly [K in keyof State]?: State[K] | undefined },
  ...said: readonly Said[]
): Outcome {
  return { kind: 'turn', state: withFields(state, fields), said }
}

export function normal(reason: string, message: string): Said {
  return { type: 'Normal', reason, message }
}

export function warning(reason: string, message: string): Said {
  return { type: 'Warning', reason, message }
}

/** Milliseconds since 1970 of a time in the state; one from the future (a clock was wrong) counts as now. */
export function instant(time: string | undefined, now: number): number {
  return time === undefined ? now : Math.min(Date.parse(time), now)
}

/** A time as the state stores it. */
export function stamp(now: number): string {
  return new Date(now).toISOString()
}
