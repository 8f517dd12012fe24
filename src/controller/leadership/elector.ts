/**
 * Takes part in the election of the one controller that writes. What to do is decided in election.ts; here
 * are the Lease, the requests and the terms.
 *
 * All candidates, the leader too, watch the one Lease: a candidate asks nothing while it waits, sees at once
 * that a leader gave it up, and a leader sees at once that somebody tampered with it. Safety does not hang on
 * the watch: every write of the Lease carries the resourceVersion that it rests on.
 */
import type { Logger } from 'pino'
import { ApiError, type Cluster, type ObjectRef, type Permit, type Watching } from '../../cluster/port.ts'
import { leases } from '../../cluster/resources.ts'
import type { Lease } from '../../core/kubernetes.ts'
import type { Clock } from '../clock.ts'
import {
  checkSettings,
  type ElectionSettings,
  isHeldBy,
  isSameRecord,
  NOTHING_SEEN,
  nextMove,
  retryAt,
  seen,
  whyLost,
} from './election.ts'
import { claim, type LeaseRecord, type LeaseSpec, readLease, surrender } from './lease.ts'
import { beginTerm, type Term } from './term.ts'

export interface ElectorOptions {
  readonly cluster: Cluster
  readonly lease: ObjectRef
  /** Unlike that of any other candidate, at any time: a restarted process is another one. */
  readonly identity: string
  readonly settings: ElectionSettings
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly log: Logger
  /** A term begins. Its signal tells its end; another one may follow. */
  readonly onTerm: (term: Term) => void
}

export interface Elector {
  isLeading(): boolean
  /**
   * Ends the term and takes no further part. Never rejects.
   *
   * Gives the Lease up, so that another candidate takes it at once; but not while a write of the term may yet
   * take effect: then it is left to run out.
   */
  stop(): Promise<void>
}

/** Somebody else wrote first, or the Lease is not what it was: a look at it tells more. */
const SURPRISES = new Set(['CLUSTER_CONFLICT', 'CLUSTER_EXISTS', 'CLUSTER_NOT_FOUND'])

/** @throws CanaryhookError ELECTION_SETTINGS */
export function startElector(options: ElectorOptions): Elector {
  const { cluster, lease: ref, identity, settings, clock, random, log, onTerm } = options
  checkSettings(settings)
  const name = `${ref.namespace}/${ref.name}`
  // As long as client-go's users give a call: two tries fit into the renew deadline.
  const permit: Permit = { limit: () => settings.renewDeadline / 2, signal: new AbortController().signal }

  let view = NOTHING_SEEN
  let isKnown = false
  let nextTry = clock.now() + settings.retryPeriod
  let surprises = 0
  let term: Term | undefined
  let quietFrom = clock.now()
  let stopping = false
  let told = ''
  let wake = () => {}

  let watching: Watching<Lease> | undefined
  watching = cluster.watch(
    leases,
    { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}`, slim: withoutManagedFields },
    () => look(),
  )
  void watching.synced.then(look)
  const running = run()

  async function run(): Promise<void> {
    while (!stopping) {
      const move = nextMove(view, identity, nextTry, clock.now())
      if (move.type === 'wait') await sleepUntil(move.until)
      else if (move.type === 'read') await read()
      else await take()
    }
  }

  /** Takes the Lease or renews it: the two differ only in what is written. */
  async function take(): Promise<void> {
    const sentAt = clock.now()
    try {
      await store(found => claim(found, identity, settings.leaseDuration, clock.wall()))
      surprises = 0
      nextTry = sentAt + settings.retryPeriod
      hold(sentAt)
    } catch (error) {
      await failed(error, sentAt)
    }
  }

  async function store(specFor: (found: LeaseRecord | undefined) => LeaseSpec): Promise<void> {
    const found = typeof view.lease === 'object' ? view.lease : undefined
    const spec = specFor(found)
    const stored = found
      ? await cluster.patch(leases, ref, mergePatch(found, spec), undefined, { permit, direct: true })
      : await cluster.create(leases, ref.namespace, { metadata: { ...ref }, spec }, { permit, direct: true })
    watching?.absorb(stored)
    look()
  }

  /** We wrote the Lease; but what counts is the last that was seen of it, and the time when we asked. */
  function hold(sentAt: number): void {
    if (stopping || !isHeldBy(view.lease, identity)) return
    if (term && !term.isOver()) {
      term.renewed(sentAt)
      return
    }
    const begun = beginTerm({ clock, settings, sentAt, onEnd: lost })
    if (begun.isOver()) return
    term = begun
    told = ''
    log.info({ lease: name, identity }, 'became leader')
    onTerm(begun)
  }

  function lost(reason: string): void {
    if (!term) return
    quietFrom = Math.max(quietFrom, term.quietFrom())
    term = undefined
    if (!stopping) log.warn({ lease: name, identity }, `lost leadership: ${reason}`)
    wake()
  }

  /** A Lease that is not as expected is read at once and tried once more; after that it waits, as after any failure. */
  async function failed(error: unknown, sentAt: number): Promise<void> {
    const code = error instanceof ApiError ? error.code : ''
    const leading = term !== undefined
    surprises = SURPRISES.has(code) ? surprises + 1 : 0
    const again = retryAt(leading, sentAt, clock.now(), retryAfter(error), random(), settings)
    nextTry = again
    if (surprises === 0 || surprises > 1) tell((error as Error).message, error)
    if (surprises === 0) return
    await read()
    nextTry = surprises === 1 ? clock.now() : again
  }

  async function read(): Promise<void> {
    const sentAt = clock.now()
    try {
      const object = await cluster.read(leases, ref, { permit })
      isKnown = true
      if (object) watching?.absorb(object)
      else watching?.forget(ref)
      look()
    } catch (error) {
      nextTry = retryAt(term !== undefined, sentAt, clock.now(), retryAfter(error), random(), settings)
      tell((error as Error).message, error)
    }
  }

  /** Takes in what the cache holds. */
  function look(): void {
    const object = watching?.get(ref)
    if (!object && !isKnown && !watching?.isSynced) return
    const before = view.lease
    view = seen(view, object ? readLease(object) : 'absent', identity, clock.now(), settings)
    if (isSameRecord(before, view.lease)) return
    const reason = whyLost(view.lease, identity)
    if (reason !== undefined) {
      term?.end(reason)
      // What failed before may succeed now.
      nextTry = Math.min(nextTry, clock.now())
      tellHolder()
    }
    wake()
  }

  function tellHolder(): void {
    if (stopping || clock.now() >= view.promisedUntil) return
    const { lease, promisedTo } = view
    const isHeld = typeof lease === 'object' && lease.holder !== ''
    tell(isHeld ? `held by ${lease.holder}` : `${promisedTo} may not know yet that the Lease is gone`)
  }

  /** Says a thing once, until there is another to say. */
  function tell(what: string, error?: unknown): void {
    const message = term ? `the Lease could not be renewed: ${what}` : `waiting for leadership: ${what}`
    if (message === told) return
    told = message
    log[error ? 'warn' : 'info']({ lease: name, identity, ...(error ? { err: error } : {}) }, message)
  }

  function sleepUntil(until: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        cancel()
        wake = () => {}
        resolve()
      }
      const cancel = clock.after(Math.max(0, until - clock.now()), done)
      wake = done
    })
  }

  /** Waits, but not for ever: an Event that is being written must not cost the others a leaseDuration. */
  async function shortly(work: Promise<void> | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(settings.retryPeriod / 2, resolve)
    await Promise.race([work, promise])
    cancel()
  }

  /** An answer that never came may have been a success: a conflict with ourselves is settled by one look. */
  async function release(): Promise<void> {
    if (clock.now() < quietFrom) {
      log.warn({ lease: name, identity }, 'the Lease is left to run out: a write may still take effect')
      return
    }
    for (let tries = 0; tries < 2 && isHeldBy(view.lease, identity); tries += 1) {
      try {
        await store(() => surrender(clock.wall()))
        log.info({ lease: name, identity }, 'gave leadership up')
      } catch (error) {
        const isConflict = error instanceof ApiError && error.code === 'CLUSTER_CONFLICT'
        if (isConflict && tries === 0) await read()
        else
          log.warn({ lease: name, identity, err: error }, 'the Lease could not be released; it will run out')
      }
    }
  }

  return {
    isLeading: () => term !== undefined && !term.isOver(),
    async stop() {
      stopping = true
      wake()
      await Promise.all([running, shortly(term?.settled())])
      term?.end('this controller stops')
      await release()
      watching?.stop()
    },
  }
}

function mergePatch({ version }: LeaseRecord, spec: LeaseSpec) {
  return { type: 'merge', body: { metadata: { resourceVersion: version }, spec } } as const
}

function withoutManagedFields(lease: Lease): Lease {
  const { managedFields: _, ...metadata } = lease.metadata
  return { ...lease, metadata }
}

function retryAfter(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfter ?? 0) : 0
}
