/**
 * The rules of an election by Lease, as client-go has them (tools/leaderelection): what a candidate may
 * conclude from the Leases that it sees, and what it does next. Pure: times are of the candidate's own
 * monotonic clock, in milliseconds, and the times inside the Lease count for nothing, since they are of
 * somebody else's clock.
 */
import { CanaryhookError } from '../../core/errors.ts'
import { isReleased, type LeaseRecord } from './lease.ts'

/** Milliseconds. */
export interface ElectionSettings {
  /** A candidate takes a Lease over when it has not seen it change for this long. */
  readonly leaseDuration: number
  /** A leader that could not renew for this long no longer leads. */
  readonly renewDeadline: number
  /** Between two renewals, and at least between two tries that failed. */
  readonly retryPeriod: number
}

/** Those of Kubernetes' own components. */
export const ELECTION_SETTINGS: ElectionSettings = {
  leaseDuration: 15_000,
  renewDeadline: 10_000,
  retryPeriod: 2_000,
}

/** client-go's JitterFactor: a candidate's wait is up to this share longer, by chance. */
const JITTER = 1.2
/** What two clocks may go apart in a leaseDuration: this share of it is left unused. */
const CLOCK_RATE = 1 / 15
/** A holder that says a longer time than so many of ours does not mean it. */
const LONGEST = 4

/** What a candidate knows. */
export interface View {
  /** Undefined until it was read for the first time. */
  readonly lease: LeaseRecord | 'absent' | undefined
  /** Nobody else whose claim was seen leads from here on. */
  readonly promisedUntil: number
  /** The holder to whom that time was promised, for people. */
  readonly promisedTo: string
}

export const NOTHING_SEEN: View = {
  lease: undefined,
  promisedUntil: Number.NEGATIVE_INFINITY,
  promisedTo: '',
}

export type Move =
  /** Until then, or until something is seen. */
  | { readonly type: 'wait'; readonly until: number }
  | { readonly type: 'read' }
  /** There is no Lease: make one. */
  | { readonly type: 'create' }
  /** It is free or its time is over. */
  | { readonly type: 'take' }
  /** It is ours. */
  | { readonly type: 'renew' }

/** @throws CanaryhookError ELECTION_SETTINGS with everything that is wrong */
export function checkSettings({ leaseDuration, renewDeadline, retryPeriod }: ElectionSettings): void {
  const slack = leaseDuration * CLOCK_RATE
  const problems = [
    ...(retryPeriod > 0 ? [] : ['the retry period must be longer than 0']),
    ...(renewDeadline > retryPeriod * JITTER
      ? []
      : [`the renew deadline must be longer than ${JITTER} retry periods`]),
    ...(leaseDuration - slack > renewDeadline
      ? []
      : ['the renew deadline must be shorter than 14/15 of the lease duration']),
  ]
  if (problems.length === 0) return
  const given = `lease duration ${leaseDuration} ms, renew deadline ${renewDeadline} ms, retry period ${retryPeriod} ms`
  throw new CanaryhookError('ELECTION_SETTINGS', `${given}: ${problems.join('; ')}`)
}

/**
 * What is known after a look at the Lease. A holder is promised its duration from when a change of its record
 * is seen; only the holder itself ends that sooner. So a Lease that somebody deletes or empties by hand is
 * not up for grabs: its holder goes on until it notices.
 */
export function seen(
  view: View,
  lease: LeaseRecord | 'absent',
  identity: string,
  now: number,
  settings: ElectionSettings,
): View {
  if (lease === 'absent' || isSameRecord(view.lease, lease)) return { ...view, lease }
  if (isReleased(lease)) return { lease, promisedUntil: now, promisedTo: '' }
  if (lease.holder === '' || lease.holder === identity) return { ...view, lease }
  const duration = lease.duration ?? settings.leaseDuration
  const until = now + Math.min(duration, LONGEST * settings.leaseDuration)
  return { lease, promisedUntil: Math.max(view.promisedUntil, until), promisedTo: lease.holder }
}

/** True when the record is the same, though the metadata may have changed. */
export function isSameRecord(one: View['lease'], other: View['lease']): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  return one.text === other.text
}

export function isHeldBy(lease: View['lease'], identity: string): boolean {
  return typeof lease === 'object' && lease.holder === identity
}

/** Why a leader that sees this no longer leads; undefined when it does. */
export function whyLost(lease: View['lease'], identity: string): string | undefined {
  if (lease === undefined || isHeldBy(lease, identity)) return undefined
  if (lease === 'absent') return 'the Lease was deleted'
  return lease.holder === '' ? 'the Lease was emptied by somebody else' : `held by ${lease.holder}`
}

/** @param nextTry nothing is asked of the API server before */
export function nextMove(view: View, identity: string, nextTry: number, now: number): Move {
  const { lease } = view
  const isOurs = isHeldBy(lease, identity)
  const until = lease === undefined || isOurs ? nextTry : Math.max(nextTry, view.promisedUntil)
  if (now < until) return { type: 'wait', until }
  if (lease === undefined) return { type: 'read' }
  if (isOurs) return { type: 'renew' }
  return { type: lease === 'absent' ? 'create' : 'take' }
}

/**
 * When to try again after a failure.
 * @param sentAt when the try that failed was made
 * @param retryAfter what the API server asked for; heeded for a retry period at most, since it asks everybody
 * and a leader that waits long is none
 * @param random from 0 to 1
 */
export function retryAt(
  leading: boolean,
  sentAt: number,
  now: number,
  retryAfter: number,
  random: number,
  { retryPeriod }: ElectionSettings,
): number {
  const asked = now + Math.min(retryAfter, retryPeriod)
  return Math.max(asked, leading ? sentAt + retryPeriod : now + retryPeriod * (1 + JITTER * random))
}

/** Until when somebody who renewed with a request sent at `renewedAt` may begin a write. */
export function leadsUntil(renewedAt: number, { renewDeadline }: ElectionSettings): number {
  return renewedAt + renewDeadline
}

/**
 * Milliseconds that a write may take that is sent now. Nobody else can lead before renewedAt + leaseDuration,
 * and a write may take its limit twice: on its way to the API server, and from there on.
 */
export function writeLimit(renewedAt: number, now: number, { leaseDuration }: ElectionSettings): number {
  return (renewedAt + leaseDuration * (1 - CLOCK_RATE) - now) / 2
}
