/** What may become of a write: done or not, and the caller told so or not. */
import { ApiError } from '../../src/cluster/port.ts'
import type { Dice } from './dice.ts'

export interface WriteFaults {
  /** The share of writes that something happens to. */
  readonly share: number
  /** Writes whose caller was told that they failed may still be done up to this many milliseconds later. */
  readonly latest: number
}

/** A call of the port, as its name in logs and its parts. */
export interface Call {
  readonly verb: 'read' | 'create' | 'patch' | 'delete'
  readonly plural: string
  readonly name: string
  readonly subresource: string
}

export interface Fault {
  readonly name: string
  /** When the write is really done: never, before the caller is told, or this many milliseconds later. */
  readonly effect: 'none' | 'done' | number
  /** What the caller is told in the place of the answer; undefined: the answer, late. */
  readonly error: ApiError | undefined
  /** How long it takes until the caller is told. */
  readonly wait: number
}

/** `patch deployments/shop/status` */
export function describeCall({ verb, plural, name, subresource }: Call): string {
  return `${verb} ${plural}/${name}${subresource === '' ? '' : `/${subresource}`}`
}

/** @returns what happens to this call; undefined when it goes well */
export function faultOf(call: Call, dice: Dice, faults: WriteFaults): Fault | undefined {
  const about = `${call.verb} ${call.plural} ${call.subresource}`
  if (!dice.chance(`${about}: whether`, faults.share)) return undefined
  const wait = dice.chance(`${about}: slow`, 0.3) ? dice.between(`${about}: wait`, 0, 600) : 0
  const what = describeCall(call)
  const error = (code: string, status: number, said: string, retryAfter?: number) =>
    new ApiError(code, `${what}: ${said} (injected)`, { status, ...(retryAfter && { retryAfter }) })
  const unknown = [
    { name: 'time-out', error: error('CLUSTER_UNAVAILABLE', 0, 'nothing within 30 s') },
    { name: 'connection reset', error: error('CLUSTER_UNAVAILABLE', 0, 'read ECONNRESET') },
    { name: '500', error: error('CLUSTER_UNAVAILABLE', 500, 'etcdserver: request timed out') },
  ]
  const refused = [
    { name: '429', error: error('CLUSTER_THROTTLED', 429, 'too many requests', 1000) },
    ...(call.verb === 'patch' || call.verb === 'delete'
      ? [{ name: '409', error: error('CLUSTER_CONFLICT', 409, 'the object has been modified') }]
      : []),
    ...(call.verb === 'create'
      ? [{ name: '403', error: error('CLUSTER_FORBIDDEN', 403, 'exceeded quota: compute') }]
      : []),
  ]
  const kind = dice.throw(`${about}: kind`)
  if (kind < 0.3) return { ...dice.pick(`${about}: refusal`, refused), effect: 'none', wait }
  const lost = dice.pick(`${about}: loss`, unknown)
  if (kind < 0.55) return { ...lost, name: `${lost.name} before it`, effect: 'none', wait }
  if (kind < 0.8) return { ...lost, name: `${lost.name} after it`, effect: 'done', wait }
  if (kind < 0.9) {
    const later = dice.between(`${about}: later`, 0, faults.latest)
    return { ...lost, name: `${lost.name}, done ${later} ms later`, effect: later, wait: 0 }
  }
  return { name: 'slow answer', effect: 'done', error: undefined, wait }
}
