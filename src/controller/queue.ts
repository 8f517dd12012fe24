import { createPace, type Pace } from '../cluster/pace.ts'

/**
 * A queue of keys: each key is worked on by one at a time, additions while it waits or runs are one more run,
 * a failed run comes again after an exponentially growing wait.
 */
export interface Queue {
  /** Work on this key as soon as possible. */
  add(key: string): void
  /** Work on this key at that time (milliseconds since 1970), if nothing calls for it before; the last word counts. */
  addAt(key: string, at: number): void
  /** Starts nothing more and waits for what runs. */
  stop(): Promise<void>
}

export interface QueueOptions {
  /** Does the work for a key. When it throws, the key comes again later. */
  readonly work: (key: string) => Promise<void>
  readonly onError: (key: string, error: unknown, again: number) => void
  /** Whether somebody else was only faster: that mends itself in a moment, so the wait stays short. None when left out. */
  readonly isConflict?: (error: unknown) => boolean
  readonly now: () => number
  /** Keys that are worked on at the same time. */
  readonly concurrency?: number
  /** Lets others go first between many keys whose work does not wait for anything. */
  readonly pace?: Pace
  /** The first wait after a failure and the longest, in milliseconds. */
  readonly backoff?: { readonly first: number; readonly longest: number }
}

const BACKOFF = { first: 50, longest: 30_000 }
/** After a conflict: while the cluster is busy there are many in a row, and then none. */
const LONGEST_AFTER_CONFLICT = 500
/** setTimeout cannot wait longer (2^31 - 1 ms); then it is simply looked at once more. */
const LONGEST_TIMER = 2_147_483_647

export function startQueue(options: QueueOptions): Queue {
  const { work, onError, now, concurrency = 16, backoff = BACKOFF, pace = createPace() } = options
  const { isConflict = () => false } = options
  const waiting = new Set<string>()
  const running = new Map<string, Promise<void>>()
  const again = new Set<string>()
  const failures = new Map<string, number>()
  const timers = new Map<string, NodeJS.Timeout>()
  let stopped = false

  const add = (key: string): void => {
    if (stopped) return
    if (running.has(key)) again.add(key)
    else waiting.add(key)
    next()
  }
  const addAt = (key: string, at: number): void => {
    clearTimeout(timers.get(key))
    if (stopped) return
    const fire = () => {
      timers.delete(key)
      add(key)
    }
    timers.set(key, setTimeout(fire, Math.min(Math.max(0, at - now()), LONGEST_TIMER)))
  }
  const next = (): void => {
    for (const key of waiting) {
      if (stopped || running.size >= concurrency) return
      waiting.delete(key)
      running.set(key, run(key))
    }
  }
  const run = async (key: string): Promise<void> => {
    // Not in the caller's turn of the event loop: many additions in a row are one run.
    await Promise.resolve()
    await pace()
    again.delete(key)
    clearTimeout(timers.get(key))
    timers.delete(key)
    let failed = false
    try {
      await work(key)
      failures.delete(key)
    } catch (error) {
      failed = true
      retryLater(key, error)
    }
    running.delete(key)
    if (again.delete(key) && !failed) add(key)
    next()
  }
  const retryLater = (key: string, error: unknown): void => {
    const count = (failures.get(key) ?? 0) + 1
    failures.set(key, count)
    const longest = isConflict(error) ? Math.min(LONGEST_AFTER_CONFLICT, backoff.longest) : backoff.longest
    const wait = Math.min(backoff.first * 2 ** (count - 1), longest)
    onError(key, error, wait)
    addAt(key, now() + wait)
  }

  return {
    add,
    addAt,
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running.values())
    },
  }
}
