/** The controller: caches in, decisions made, writes out, one Deployment at a time. */
import type { Logger } from 'pino'
import { Counter, Gauge, Registry } from 'prom-client'
import { ApiError, type Cluster } from '../cluster/port.ts'
import { type Caches, startCaches } from './caches.ts'
import { type Queue, startQueue } from './queue.ts'
import { createReconciler } from './reconcile.ts'

export interface ControllerOptions {
  readonly cluster: Cluster
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface Controller {
  /** The first complete lists are in: it knows what it does. */
  ready(): boolean
  readonly register: Registry
  stop(): Promise<void>
}

/** Starts watching and working. Nothing that happens in the cluster makes it throw or stop. */
export function startController({ cluster, log, now }: ControllerOptions): Controller {
  const register = new Registry()
  const failures = new Counter({
    name: 'canaryhook_reconcile_failures_total',
    help: 'Runs that failed and were tried again, by the code of the error.',
    labelNames: ['code'],
    registers: [register],
  })
  let queue: Queue | undefined
  const caches: Caches = startCaches(cluster, key => queue?.add(key))
  const reconcile = createReconciler({ cluster, caches, log, now })
  queue = startQueue({
    now,
    work: async key => {
      // Before the first lists are complete, what is missing may only be late.
      if (!caches.isSynced()) return
      const wakeAt = await reconcile(key)
      if (wakeAt !== undefined) queue?.addAt(key, wakeAt)
    },
    onError: (key, error, again) => {
      const code = error instanceof ApiError ? error.code : 'INTERNAL'
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
      this.set(caches.keys().length)
    },
  })
  caches.synced.then(() => {
    const keys = caches.keys()
    log.info({ deployments: keys.length }, 'synced')
    for (const key of keys) queue?.add(key)
  })
  return {
    ready: caches.isSynced,
    register,
    async stop() {
      caches.stop()
      await queue?.stop()
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
