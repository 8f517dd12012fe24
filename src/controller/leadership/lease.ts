/**
 * What a Lease says and what is written into one. Read leniently: people and other programs can write anything
 * into it, and a candidate must neither fail nor believe too much.
 */
import type { Lease } from '../../core/kubernetes.ts'

export interface LeaseRecord {
  /** '' when nobody holds it. */
  readonly holder: string
  /** Milliseconds for which the holder leads after a change of the record; undefined when it says nothing sensible. */
  readonly duration: number | undefined
  readonly acquireTime: string | undefined
  /** How often the holder changed. */
  readonly transitions: number
  /** Equal for equal records; what is in the metadata is no part of it. */
  readonly text: string
  /** The resourceVersion, for a write that must find the record as it was read. */
  readonly version: string
}

export type LeaseSpec = NonNullable<Lease['spec']>

/** metav1.MicroTime is read with exactly six digits (apimachinery, RFC3339Micro). */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/
/** What a holder that gives its Lease up leaves as the duration, since the API refuses 0 (client-go, release). */
const RELEASED_SECONDS = 1

/** Reads a Lease. Never throws. */
export function readLease(lease: Lease): LeaseRecord {
  const spec: Readonly<Record<string, unknown>> = isObject(lease.spec) ? lease.spec : {}
  const { holderIdentity: holder, leaseDurationSeconds: seconds, acquireTime, leaseTransitions } = spec
  return {
    holder: holder === undefined || holder === null ? '' : textOf(holder),
    duration: isWhole(seconds) && seconds > 0 ? seconds * 1000 : undefined,
    acquireTime: typeof acquireTime === 'string' && MICRO_TIME.test(acquireTime) ? acquireTime : undefined,
    transitions: isWhole(leaseTransitions) && leaseTransitions > 0 ? leaseTransitions : 0,
    text: JSON.stringify([holder, seconds, acquireTime, spec.renewTime, leaseTransitions]),
    version: lease.metadata.resourceVersion ?? '',
  }
}

/** True when the holder itself gave the Lease up, as client-go and we do it; an emptied name alone may be a person's. */
export function isReleased({ holder, duration }: LeaseRecord): boolean {
  return holder === '' && duration === RELEASED_SECONDS * 1000
}

/**
 * What a holder writes to get a Lease or to keep it.
 * @param found what is there; a new time and one more transition unless the same holder goes on
 * @param wall milliseconds since 1970
 */
export function claim(
  found: LeaseRecord | undefined,
  holder: string,
  leaseDuration: number,
  wall: number,
): LeaseSpec {
  const renewTime = microTime(wall)
  const goesOn = found?.holder === holder
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.ceil(leaseDuration / 1000),
    acquireTime: (goesOn ? found.acquireTime : undefined) ?? renewTime,
    renewTime,
    leaseTransitions: found ? found.transitions + (goesOn ? 0 : 1) : 0,
  }
}

/** What a holder writes to give a Lease up, so that nobody has to wait for its end. */
export function surrender(wall: number): LeaseSpec {
  const time = microTime(wall)
  return {
    holderIdentity: '',
    leaseDurationSeconds: RELEASED_SECONDS,
    acquireTime: time,
    renewTime: time,
  }
}

function microTime(wall: number): string {
  return new Date(wall).toISOString().replace('Z', '000Z')
}

/** What is no name at all is still a holder that is not us. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : `(${JSON.stringify(value)})`
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
