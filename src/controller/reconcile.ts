/** One look at one Deployment: gather, decide, act. */
import type { Logger } from 'pino'
import type { ApiError, Cluster } from '../cluster/port.ts'
import { events } from '../cluster/resources.ts'
import { decide } from '../core/decide.ts'
import { AS_IT_IS, type Decision } from '../core/decision.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'
import { makeEvent, type Said } from '../core/objects.ts'
import { type Gathered, observe } from '../core/observe.ts'
import { ownsSpec } from '../core/ownership.ts'
import type { Track } from '../core/siblings.ts'
import { isLive, readState, type State } from '../core/state.ts'
import { act } from './act.ts'
import type { Caches } from './caches.ts'
import { createDamper } from './damper.ts'
import { refOf } from './refs.ts'
import { transitionLine } from './transition-line.ts'

export interface Reconciling {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly log: Logger
  readonly now: () => number
}

/** A refused write is tried again after this long, and what was learnt from it counts at once then. */
const AFTER_REFUSAL = 1000

/** What is done to stable's ReplicaSets at once, and after which time once more: others size them, too. */
const MENDS = 20
const BETWEEN_MENDS = 1000

/** Why a write for a canary was refused, and whether somebody else's object has its name. */
interface Refusal {
  readonly message: string
  readonly nameTaken: boolean
  readonly baselineNameTaken: boolean
}

/**
 * @returns a function that brings one Deployment (`namespace/name`) to what is decided for it, and tells when
 * to look again if nothing happens before (milliseconds since 1970)
 */
export function createReconciler(reconciling: Reconciling): (key: string) => Promise<number | undefined> {
  const { cluster, caches, log, now } = reconciling
  // Only what the API server says again at the next try is kept here: losing it loses nothing.
  const refusals = new Map<string, Refusal>()
  const removed = new Map<string, string>()
  const remarks = new Map<string, Set<string>>()
  const mends = createDamper(MENDS, BETWEEN_MENDS)
  let eventCount = 0

  const tell = (
    deployment: KubernetesObject,
    { state, said: all }: Pick<Decision, 'state' | 'said'>,
  ): void => {
    for (const said of all) {
      log.info(...transitionLine(deployment, state, said))
      const event = makeEvent(deployment, said, now(), eventCount++ % 1000)
      cluster.create(events, event.involvedObject.namespace, event).catch(error => {
        log.debug({ err: error }, 'an Event could not be written')
      })
    }
  }

  const forget = (key: string): void => {
    refusals.delete(key)
    remarks.delete(key)
  }

  /** At its time; until then what serves is left as somebody else made it. */
  const damped = (key: string, decision: Decision): Decision => {
    const wait = decision.mend.length > 0 ? mends.wait(key, now()) : 0
    if (wait === 0) return decision
    return {
      ...decision,
      mend: [],
      wakeAt: Math.min(decision.wakeAt ?? Number.POSITIVE_INFINITY, now() + wait),
    }
  }

  return async key => {
    const objects = caches.gather(refOf(key))
    const read = objects && readState(objects.deployment.metadata.annotations)
    if (!objects || objects.deployment.metadata.deletionTimestamp) {
      forget(key)
      mends.forget(key)
      return undefined
    }
    if (read?.kind === 'unreadable') {
      await reportUnreadable(objects, read.why)
      return undefined
    }
    const state = read?.kind === 'ok' ? read.state : undefined
    if (state?.phase !== 'Progressing') forget(key)
    if (!isAnythingThere(objects, state)) return undefined

    const refusal = refusals.get(key)
    const gathered: Gathered = {
      ...objects,
      refused: refusal?.message,
      nameTaken: refusal?.nameTaken,
      baselineNameTaken: refusal?.baselineNameTaken,
    }
    const decision = damped(key, decide(state, observe(gathered), now()))
    let told = false
    let refused = false
    try {
      await act(
        {
          cluster,
          caches,
          now,
          removed,
          stored: deployment => {
            if (!told) tell(deployment, decision)
            told = true
          },
          refused: (error: ApiError, track: Track = 'canary') => {
            refused = true
            const isTaken = error.code === 'CLUSTER_EXISTS'
            refusals.set(key, {
              message: error.message,
              nameTaken: isTaken && track === 'canary',
              baselineNameTaken: isTaken && track === 'baseline',
            })
          },
          remarked: (said: Said) => {
            const before = remarks.get(key) ?? new Set()
            if (before.has(said.message)) return
            remarks.set(key, before.add(said.message))
            tell(objects.deployment, { state: decision.state, said: [said] })
          },
        },
        gathered,
        decision,
      )
    } finally {
      if (!refused) refusals.delete(key)
    }
    if (!refused) return decision.wakeAt
    return Math.min(decision.wakeAt ?? Number.POSITIVE_INFINITY, now() + AFTER_REFUSAL)
  }

  async function reportUnreadable(objects: Omit<Gathered, 'refused'>, why: string): Promise<void> {
    const message = `${why}; nothing is done until it can be read`
    const conditions = { Stalled: { reason: 'StateUnreadable', message } }
    const silent = { stored: () => {}, refused: () => {}, remarked: () => {} }
    const decision = { ...AS_IT_IS, conditions, state: undefined, said: [] }
    await act({ cluster, caches, now, removed, ...silent }, objects, decision)
  }
}

/** Most Deployments most of the time: no release, and nothing left of one. */
function isAnythingThere(objects: Omit<Gathered, 'refused'>, state: State | undefined): boolean {
  if ((state && isLive(state)) || objects.canary || objects.baseline || objects.snapshots.length > 0)
    return true
  if (ownsSpec(objects.deployment)) return true
  if (objects.tests?.some(({ status }) => !status?.conditions?.length)) return true
  const conditions = objects.deployment.status?.conditions ?? []
  return conditions.some(({ type }) => type === 'Reconciling' || type === 'Stalled')
}
