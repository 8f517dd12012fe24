/**
 * When certificates are renewed, and in which order, so that not one call of the API server fails. Pure.
 *
 * A certificate that a pod serves must be signed by an authority that every API server trusts already. So a new
 * authority is first made known (in the caBundle of the registration), and signs only when all must have
 * heard of it; the old one stays known until it ends, for pods that are late.
 */
import { SKEW } from './certificates.ts'

/** Milliseconds. */
export interface Lives {
  readonly leaf: number
  /** At least three times as long as that of a leaf, or leaves are cut short where their authority ends. */
  readonly authority: number
  /**
   * What API servers take at most to hear of a new caBundle, and pods to serve a new certificate: an authority
   * that has been registered for this long is trusted by all.
   */
  readonly settle: number
}

const DAY = 24 * 60 * 60 * 1000
export const LIVES: Lives = { leaf: 90 * DAY, authority: 365 * DAY, settle: 60_000 }

/** A sound certificate. Times are milliseconds since the epoch. */
export interface Certificate {
  /** Of no other certificate. */
  readonly id: string
  /** When it was made. */
  readonly made: number
  readonly end: number
}

export interface Registered extends Certificate {
  /** For how many milliseconds this process has seen it there; -1 where a webhook of several lacks it. */
  readonly age: number
}

/** What there is. Whatever is damaged, or is not for us, is left out. */
export interface Facts {
  /** With its key in the Secret. */
  readonly authority?: Certificate
  /** The next authority, with its key in the Secret; it signs nothing yet. */
  readonly next?: Certificate
  /** `issuer` is the id of the authority that signed it, '' when that is none of the two. */
  readonly leaf?: Certificate & { readonly issuer: string }
  /** The authorities that the Secret says are to be trusted. */
  readonly bundle: readonly Certificate[]
  /** Those in the registration; undefined when there is none. */
  readonly registered?: readonly Registered[]
  /** The latest time that the API server wrote on one of the objects: its clock shows that or more. */
  readonly written: number
}

export type Move =
  /** There is nothing that anybody could still use: a new authority and a leaf from it, in one write. */
  | { readonly type: 'begin' }
  /** Make the next authority, which is to be trusted from now on. */
  | { readonly type: 'prepare' }
  /** The next authority is trusted everywhere: it takes over, with a leaf from it. */
  | { readonly type: 'switch' }
  /** A new leaf from the authority. */
  | { readonly type: 'renew' }
  /** Write down in the Secret who is to be trusted. */
  | { readonly type: 'trust' }
  /** Write it into the registration. */
  | { readonly type: 'register' }
  /** Milliseconds, at most until something changes. `problem` is for people. */
  | { readonly type: 'wait'; readonly for: number; readonly problem?: string }

/** What is to be done, and whom to trust once it is done: ids, newest first, without an authority yet to be made. */
export interface Plan {
  readonly move: Move
  readonly trusted: readonly string[]
}

/** A certificate is renewed when this share of its life is over. */
const RENEW_AT = 2 / 3
/** The longest time until the next look: the clock may be set meanwhile, and timers hold 24 days at most. */
const LONGEST_WAIT = 60 * 60 * 1000
/** Somebody who deletes the Secret again and again makes a new authority each time: no more are kept. */
const MOST_TRUSTED = 16

const NOT_REGISTERED =
  'there is no MutatingWebhookConfiguration to write caBundle into: install it, or say its name with --webhook-configuration'

/** The next step from here; asked again when it is done. Total: whatever is found leads somewhere. */
export function nextMove(facts: Facts, now: number, { settle }: Lives): Plan {
  const trusted = whomToTrust(facts, now)
  const plan = (move: Move): Plan => ({ move, trusted })
  const behind = clockProblem(facts, now)
  if (behind) return plan({ type: 'wait', for: settle, problem: behind })

  const authority = alive(facts.authority, now)
  const next = alive(facts.next, now)
  const leaf = alive(facts.leaf, now)
  const ageOf = ({ id }: Certificate) => facts.registered?.find(known => known.id === id)?.age ?? -1
  const maySign = (signer: Certificate) => ageOf(signer) >= settle || hasNothingToLose(facts, now)

  if (next && maySign(next)) return plan({ type: 'switch' })
  const isLeafDue = leaf?.issuer !== authority?.id || !leaf || isDue(leaf, now)
  if (authority && isLeafDue && maySign(authority)) return plan({ type: 'renew' })
  if (!authority && !next && hasNothingToLose(facts, now)) return plan({ type: 'begin' })
  if (!next && (!authority || isDue(authority, now))) return plan({ type: 'prepare' })
  if (!isSameSet(trusted, facts.bundle)) return plan({ type: 'trust' })
  if (facts.registered && !isRegistered(trusted, facts.registered)) return plan({ type: 'register' })

  const waits = [
    ...[leaf, next ? undefined : authority].map(cert => (cert ? dueAt(cert) - now : 0)),
    ...[next, authority].map(cert => (cert && facts.registered ? settle - ageOf(cert) : 0)),
    ...facts.bundle.map(({ end }) => end - now),
  ]
  return plan({
    type: 'wait',
    for: Math.min(LONGEST_WAIT, ...waits.filter(wait => wait > 0)),
    ...(!facts.registered && { problem: NOT_REGISTERED }),
  })
}

/**
 * Whoever may still have signed what is served somewhere: also one that is registered only, as when the Secret
 * was lost, or when something else managed certificates before.
 */
function whomToTrust(facts: Facts, now: number): readonly string[] {
  const others = [...facts.bundle, ...(facts.registered ?? [])].sort((one, other) => other.made - one.made)
  const all = [facts.next, facts.authority, ...others].flatMap(cert => alive(cert, now)?.id ?? [])
  return [...new Set(all)].slice(0, MOST_TRUSTED)
}

/** True when no call can succeed now: nobody is trusted, or what is served is over. Then there is no need to wait. */
function hasNothingToLose({ leaf, registered = [] }: Facts, now: number): boolean {
  return registered.every(({ end }) => end <= now) || (leaf !== undefined && leaf.end <= now)
}

/**
 * A clock that is behind would make certificates that the API server takes for ended. What shows it: something
 * was made, or written by the API server, in its future.
 */
function clockProblem({ authority, next, leaf, written }: Facts, now: number): string {
  const latest = Math.max(written, ...[authority, next, leaf].map(cert => cert?.made ?? 0))
  if (now >= latest - SKEW) return ''
  const known = new Date(latest).toISOString()
  return (
    `something was made at ${known}, which is in the future by the clock of this machine: nothing is renewed. ` +
    'Set the clock; if it is right, delete the Secret, and new certificates are made'
  )
}

function alive<T extends Certificate>(cert: T | undefined, now: number): T | undefined {
  return cert && cert.end > now ? cert : undefined
}

function isDue(cert: Certificate, now: number): boolean {
  return now >= dueAt(cert)
}

function dueAt({ made, end }: Certificate): number {
  return made + (end - made) * RENEW_AT
}

function isSameSet(ids: readonly string[], certificates: readonly Certificate[]): boolean {
  const others = new Set(certificates.map(({ id }) => id))
  return others.size === ids.length && ids.every(id => others.has(id))
}

function isRegistered(ids: readonly string[], registered: readonly Registered[]): boolean {
  return isSameSet(ids, registered) && registered.every(({ age }) => age >= 0)
}
