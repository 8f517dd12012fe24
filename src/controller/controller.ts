/**
 * The controller: caches in, decisions made, writes out, one Deployment at a time. With an election, only the
 * leader decides and writes; the others keep their caches synced, so that they can take over at once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Counter, Gauge, Registry } from 'prom-client'
import { ApiError, type Cluster, type ObjectRef } from '../cluster/port.ts'
import { messageOf } from '../core/errors.ts'
import { type Caches, startCaches } from './caches.ts'
import type { Clock } from './clock.ts'
import { measureEventLoop } from './event-loop.ts'
import type { ElectionSettings } from './leadership/election.ts'
import { type Elector, startElector } from './leadership/elector.ts'
import { fenced } from './leadership/fenced.ts'
import type { Term } from './leadership/term.ts'
import { type Queue, startQueue } from './queue.ts'
import { createReconciler } from './reconcile.ts'

export interface ControllerOptions {
  readonly cluster: Cluster
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Left out when there is certainly no other controller: it leads for ever. */
  readonly election?: Election
  /**
   * Other work of the leader: called when a term begins, with the cluster under its permit. Without an election
   * there is no term, and it is called once.
   */
  readonly onLead?: (cluster: Cluster, term: Term | undefined) => void
}

/** Which Lease is contended for, and how. */
export interface Election {
  readonly lease: ObjectRef
  /** Unlike that of any other candidate, at any time. */
  readonly identity: string
  readonly settings: ElectionSettings
  readonly clock: Clock
}

export interface Controller {
  /** The first complete lists are in: it knows what it does. */
  ready(): boolean
  readonly register: Registry
  stop(): Promise<void>
}

/** What works while this controller leads. */
interface Leading {
  readonly reconcile: (key: string) => Promise<number | undefined>
  /** Missing without an election. */
  readonly term: Term | undefined
}

/** How long work in progress may go on when the controller is asked to stop. */
const DRAIN_LIMIT = 8_000

/**
 * Starts watching and working. Nothing that happens in the cluster makes it throw or stop.
 * @throws CanaryhookError ELECTION_SETTINGS
 */
export function startController(options: ControllerOptions): Controller {
  const { cluster, log, now, election, onLead } = options
  const register = new Registry()
  const endMeasuring = measureEventLoop(register)
  const failures = new Counter({
    name: 'canaryhook_reconcile_failures_total',
    help: 'Runs that failed and were tried again, by the code of the error.',
    labelNames: ['code'],
    registers: [register],
  })
  let queue: Queue | undefined
  let leading: Leading | undefined
  const caches: Caches = startCaches(cluster, key => queue?.add(key))
  const isLeading = () => leading !== undefined && !leading.term?.isOver()
  queue = startQueue({
    now,
    work: async key => {
      // Before the first lists are complete, what is missing may only be late.
      if (!caches.isSynced() || !leading || leading.term?.isOver()) return
      const wakeAt = await leading.reconcile(key)
      if (wakeAt !== undefined) queue?.addAt(key, wakeAt)
    },
    isConflict: error => error instanceof ApiError && error.code === 'CLUSTER_CONFLICT',
    onError: (key, error, again) => {
      const code = error instanceof ApiError ? error.code : 'INTERNAL'
      // The term ended in the middle of a run: the next leader goes on.
      if (code === 'CLUSTER_NOT_LEADING') return log.debug({ key, err: error }, 'no longer leading')
      failures.inc({ code })
      // Somebody else wrote first: the watch brings it, and the decision is made anew.
      if (code === 'CLUSTER_CONFLICT') log.debug({ key, again }, 'conflict')
      else log.warn({ key, code, again, err: error }, `could not work on ${key}: ${messageOf(error)}`)
    },
  })
  new Gauge({
    name: 'canaryhook_deployments',
    help: 'Deployments that are looked after.',
    registers: [register],
    collect() {
      this.set(caches.count())
    },
  })
  new Gauge({
    name: 'canaryhook_leader',
    help: '1 while this controller is the one that writes.',
    registers: [register],
    collect() {
      this.set(isLeading() ? 1 : 0)
    },
  })
  const lookAtUnsettled = (): void => {
    for (const key of caches.unsettled()) queue?.add(key)
  }
  // Everything of a term is new: nothing of an earlier one can go on under it.
  const lead = (term: Term | undefined): void => {
    const permitted = term ? fenced(cluster, term) : cluster
    leading = { term, reconcile: createReconciler({ cluster: permitted, caches, log, now }) }
    lookAtUnsettled()
    onLead?.(permitted, term)
  }
  let elector: Elector | undefined
  if (election) elector = startElector({ ...election, cluster, log, random: Math.random, onTerm: lead })
  else lead(undefined)
  caches.synced.then(() => {
    log.info({ deployments: caches.count() }, 'synced')
    lookAtUnsettled()
  })
  return {
    ready: caches.isSynced,
    register,
    async stop() {
      endMeasuring()
      caches.stop()
      const drained = queue.stop()
      // Still leading meanwhile: what is begun shall end, and the Lease be given up when nothing goes on.
      await Promise.race([drained, sleep(DRAIN_LIMIT, undefined, { ref: false })])
      await elector?.stop()
      leading = undefined
      await drained
    },
  }
}
