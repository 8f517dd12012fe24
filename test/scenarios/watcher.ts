/** Watches the namespace of an app: what there is now, and everything that was to be seen since. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../../src/cluster/port.ts'
import { controllerRevisions, deployments, events, pods, replicaSets } from '../../src/cluster/resources.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { describeView, lookAt, ready, type View, wantedPods } from './view.ts'

export interface Watcher {
  readonly now: View
  /** A view at every change of a pod or Deployment, oldest first. */
  readonly history: readonly View[]
  /** Forgets the history. */
  restart(): void
  /** Waits until nothing has changed for some milliseconds. */
  quiet(milliseconds: number): Promise<void>
  /** Takes in the answer to a write, so that nobody waits for what was true before it. */
  absorb(deployment: Deployment): void
  /**
   * Waits until something is true.
   * @param what in words, for the error
   * @throws Error with what was seen last, and how it came there
   */
  until(what: string, check: (view: View) => boolean, within?: number): Promise<View>
  stop(): void
}

/** Ends a wait that is in vain: a machine that is busy with other things must not. */
const PATIENCE = 45_000

export async function startWatcher(cluster: Cluster, namespace: string): Promise<Watcher> {
  let history: View[] = []
  let now: View | undefined
  const waiting = new Set<() => void>()
  const changed = () => {
    now = look()
    history.push(now)
    for (const check of [...waiting]) check()
  }
  const where = { namespace }
  const all = {
    deployments: cluster.watch(deployments, where, changed),
    pods: cluster.watch(pods, where, changed),
    replicaSets: cluster.watch(replicaSets, where, changed),
    snapshots: cluster.watch(controllerRevisions, where, changed),
    events: cluster.watch(events, where, changed),
  }
  const look = (): View =>
    lookAt({
      deployments: all.deployments.list(),
      pods: all.pods.list(),
      replicaSets: all.replicaSets.list(),
      snapshots: all.snapshots.list(),
      events: all.events.list(),
    })
  await Promise.all(Object.values(all).map(({ synced }) => synced))

  return {
    get now() {
      now ??= look()
      return now
    },
    get history() {
      return history
    },
    restart() {
      history = []
    },
    async quiet(milliseconds) {
      for (;;) {
        const rest = (history.at(-1)?.at ?? 0) + milliseconds - Date.now()
        if (rest <= 0) return
        await sleep(rest)
      }
    },
    absorb: deployment => all.deployments.absorb(deployment),
    until(what, check, within = PATIENCE) {
      return new Promise((resolve, reject) => {
        const began = Date.now()
        const look = () => {
          const view =
            now ?? lookAt({ deployments: [], pods: [], replicaSets: [], snapshots: [], events: [] })
          if (!check(view)) return
          end()
          resolve(view)
        }
        const end = () => {
          clearTimeout(timer)
          waiting.delete(look)
        }
        const timer = setTimeout(() => {
          end()
          reject(
            new Error(`${what}: not within ${within / 1000} s. What was seen:\n${story(history, began)}`),
          )
        }, within)
        waiting.add(look)
        look()
      })
    },
    stop() {
      for (const watching of Object.values(all)) watching.stop()
    },
  }
}

/** The last different views, with the seconds since the wait began, and the Events. */
function story(history: readonly View[], began: number): string {
  const lines: string[] = []
  let previous = ''
  for (const view of history) {
    const text = describeView(view)
    if (text !== previous) lines.push(`  ${((view.at - began) / 1000).toFixed(1)} s: ${text}`)
    previous = text
  }
  const told = history.at(-1)?.events.map(event => `  ${event}`) ?? []
  return [...lines.slice(-12), 'Events:', ...told].join('\n')
}

/** How fewer pods than `least` came to serve at some time, for people; '' when there never were. */
export function dipUnder(least: number, history: readonly View[]): string {
  const dip = history.findIndex(view => ready(view) < least)
  if (dip < 0) return ''
  const fewest = Math.min(...history.map(view => ready(view)))
  return [`only ${fewest} pods served at one time`, ...around(dip, history)].join('\n')
}

/** How there came to be more pods than `most` outside promotion, for people; '' when there never were. */
export function crowdOver(most: number, history: readonly View[]): string {
  const crowd = lasting(beforePromotion(history)).findIndex(count => count > most)
  if (crowd < 0) return ''
  return [`${mostPods(history)} pods at one time`, ...around(crowd, history)].join('\n')
}

/** The different views before a moment, and some after it. */
function around(index: number, history: readonly View[]): readonly string[] {
  const began = history[index]?.at ?? 0
  const lines: string[] = []
  let previous = ''
  for (const view of history.slice(0, index + 4)) {
    const text = describeView(view)
    if (text !== previous) lines.push(`${view.at - began} ms: ${text}`)
    previous = text
  }
  return lines.slice(-16)
}

/** The largest number of pods at any time outside promotion, at whose end the canary comes on top. */
export function mostPods(history: readonly View[]): number {
  return Math.max(0, ...lasting(beforePromotion(history)))
}

/** News of pods and of ReplicaSets come by two watches: what both say is known this many milliseconds later. */
const APART = 100

/** How many pods are wanted at each view, or soon after it, whichever is less. */
function lasting(history: readonly View[]): readonly number[] {
  const counts = history.map(wantedPods)
  return history.map(({ at }, index) => {
    const next = history.findIndex((view, later) => later > index && view.at > at + APART)
    return Math.min(...counts.slice(index, next < 0 ? undefined : next))
  })
}

function beforePromotion(history: readonly View[]): readonly View[] {
  const promoted = history.findIndex(({ state }) => state?.phase === 'Promoting')
  return promoted < 0 ? history : history.slice(0, promoted)
}
