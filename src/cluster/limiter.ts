/**
 * How many writes are under way at once, and who waits. An API server under load answers 429 with the time to
 * come back after; what takes a failed canary away then goes before what starts the next one.
 */
import { ApiError } from './port.ts'

export interface Limiter {
  /**
   * Runs a write when its turn has come, and again when the API server asks to come back later.
   * @param urgent does not wait for others, neither for their number nor for the time that they were told
   * @throws what `work` throws; of 429 the last, when it came too often or would take too long
   */
  run<T>(work: () => Promise<T>, urgent: boolean): Promise<T>
}

export interface LimiterSettings {
  /** Writes under way at the same time, urgent ones not counted. */
  readonly atOnce: number
  /** How often a write is sent before its 429 is given to the caller. */
  readonly tries: number
  /** Milliseconds to wait after a 429 that says nothing, and the longest that is waited for one that does. */
  readonly wait: number
  readonly longestWait: number
}

export const LIMITER_SETTINGS: LimiterSettings = { atOnce: 16, tries: 4, wait: 1_000, longestWait: 10_000 }

export function createLimiter(settings: LimiterSettings = LIMITER_SETTINGS): Limiter {
  const { atOnce, tries, wait, longestWait } = settings
  const waiting: (() => void)[] = []
  let running = 0
  /** Until the API server has had the rest that it asked for; undefined when it asked for none. */
  let rest: Promise<void> | undefined

  async function turn(): Promise<void> {
    if (running >= atOnce) await new Promise<void>(resolve => waiting.push(resolve))
    else running += 1
    while (rest) await rest
  }

  /** The place goes to the next one without becoming free in between. */
  function leave(): void {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }

  /** One rest for all: a longer one begins when this is over. */
  function pause(milliseconds: number): Promise<void> {
    rest ??= sleep(milliseconds).then(() => {
      rest = undefined
    })
    return rest
  }

  async function attempt<T>(work: () => Promise<T>, urgent: boolean, left: number): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'CLUSTER_THROTTLED' || left <= 1) throw error
      const asked = error.retryAfter ?? wait
      if (asked > longestWait) throw error
      // Others hold back too; an urgent write waits only for what it was told itself.
      const over = pause(asked)
      await (urgent ? sleep(asked) : over)
      return attempt(work, urgent, left - 1)
    }
  }

  return {
    async run(work, urgent) {
      if (urgent) return attempt(work, true, tries)
      await turn()
      try {
        return await attempt(work, false, tries)
      } finally {
        leave()
      }
    },
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
