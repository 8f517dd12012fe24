/**
 * A watch as a controller may meet it on a bad day: news come late and twice, the connection goes and comes back
 * with what was missed or with a new list, and a list may be of a moment ago. What is told is always something
 * that was true, in an order that a real server might tell it in.
 */
import { createCache } from '../../src/cluster/cache/cache.ts'
import type { Change, Watching, WatchOptions } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import type { Dice } from './dice.ts'
import { type History, listAfter } from './history.ts'

export interface WatchFaults {
  /** News come up to this many milliseconds late. */
  readonly delay: number
  /** The share of news that come twice. */
  readonly twice: number
  /** The share of news after which the connection breaks. */
  readonly gaps: number
  /** The connection stays away up to this many milliseconds. */
  readonly longestGap: number
  /** The share of lists that are of up to `staleness` milliseconds ago. */
  readonly staleLists: number
  readonly staleness: number
}

export interface FaultyWatch<T> extends Watching<T> {
  /** Tells at once what it held back, and is a faithful watch from here on. */
  heal(): void
}

export interface FaultyWatchOptions<T> {
  readonly history: History<T>
  readonly options: WatchOptions<T>
  readonly onChange: (change: Change<T>) => void
  readonly dice: Dice
  readonly faults: WatchFaults
  /** Told of each fault, in words. */
  readonly note: (fault: string) => void
  readonly healed: boolean
}

export function startFaultyWatch<T extends KubernetesObject>({
  history,
  options,
  onChange,
  dice,
  faults,
  note,
  ...start
}: FaultyWatchOptions<T>): FaultyWatch<T> {
  const cache = createCache(options, onChange)
  const { entries } = history
  let healed = start.healed
  let stopped = false
  let isSynced = false
  /** The next entry to tell. */
  let position = 0
  /** No news before this moment. */
  let quietUntil = 0
  let isAway = false
  let timer: NodeJS.Timeout | undefined

  const unfollow = history.follow(() => schedule())
  const synced = begin()

  async function begin(): Promise<void> {
    await history.synced
    const wait = healed ? 0 : dice.between('first list', 0, faults.delay)
    if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
    list()
    isSynced = true
    schedule()
  }

  function schedule(): void {
    if (!isSynced || stopped || timer || position >= entries.length) return
    if (!healed && !isAway) {
      const wait = dice.chance('late', 0.4) ? dice.between('delay', 0, faults.delay) : 0
      quietUntil = Math.max(quietUntil, performance.now() + wait)
    }
    timer = setTimeout(
      () => {
        timer = undefined
        tell()
      },
      Math.max(0, quietUntil - performance.now()),
    )
  }

  /** Tells what there is, until a fault comes. */
  function tell(): void {
    if (isAway) comeBack()
    while (!stopped && position < entries.length) {
      deliver(position)
      position += 1
      if (healed) continue
      if (dice.chance('twice', faults.twice)) {
        note('news twice')
        deliver(position - 1)
      }
      if (dice.chance('gap', faults.gaps)) {
        isAway = true
        quietUntil = performance.now() + dice.between('length of a gap', 0, faults.longestGap)
      }
      break
    }
    schedule()
  }

  function deliver(index: number): void {
    const entry = entries[index]
    if (entry?.type === 'set') cache.changed(entry.object)
    else if (entry) cache.deleted(entry.object)
  }

  function comeBack(): void {
    isAway = false
    if (dice.chance('a list after the gap', 0.5)) {
      note('gap, then a list')
      list()
    } else {
      note('gap, then what was missed')
    }
  }

  function list(): void {
    const count = listed()
    if (count < entries.length) note(`list that knows ${count} of ${entries.length} changes`)
    const { objects, version } = listAfter(entries, count)
    cache.listBegins()
    for (const object of objects) cache.listed(object, version)
    cache.listEnds(version)
    position = count
  }

  /** How much of the history the next list knows. */
  function listed(): number {
    if (healed || !dice.chance('stale list', faults.staleLists)) return entries.length
    const until = performance.now() - dice.between('staleness', 0, faults.staleness)
    const late = entries.findIndex(({ at }) => at > until)
    return late < 0 ? entries.length : late
  }

  return {
    ...cache,
    synced,
    get isSynced() {
      return isSynced
    },
    stop() {
      stopped = true
      unfollow()
      clearTimeout(timer)
    },
    heal() {
      healed = true
      quietUntil = 0
      clearTimeout(timer)
      timer = undefined
      if (isSynced && !stopped) tell()
    },
  }
}
