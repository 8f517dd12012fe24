/** One term of leadership: the permit under which everything of it is written. What ended stays ended. */
import { ApiError, type CallOptions, type Permit } from '../../cluster/port.ts'
import type { Clock } from '../clock.ts'
import { type ElectionSettings, leadsUntil, writeLimit } from './election.ts'

export interface Term extends Permit {
  /** By the clock, not by a timer: a process that stood still learns it here. */
  isOver(): boolean
  /**
   * Runs a write under this term.
   * @throws ApiError CLUSTER_NOT_LEADING when it is over, and what the write throws
   */
  write<T>(send: (options: CallOptions) => Promise<T>): Promise<T>
  /** Resolves when what is in flight now is answered or given up. */
  settled(): Promise<void>
  /** When nothing that was begun can take effect any more: a write without an answer may still be on its way. */
  quietFrom(): number
  /** The Lease was renewed by a request that was sent at this time. */
  renewed(sentAt: number): void
  end(reason: string): void
}

export interface TermOptions {
  readonly clock: Clock
  readonly settings: ElectionSettings
  /** When the request was sent that got the Lease. */
  readonly sentAt: number
  /** Called once. */
  readonly onEnd: (reason: string) => void
}

/** Begins a term. It ends by itself when it is not renewed in time. */
export function beginTerm({ clock, settings, sentAt, onEnd }: TermOptions): Term {
  const abort = new AbortController()
  let renewedAt = sentAt
  let cancel = () => {}
  const inFlight = new Map<Promise<unknown>, { readonly gone: number }>()
  let unanswered = Number.NEGATIVE_INFINITY

  const isOver = (): boolean => {
    if (!abort.signal.aborted && clock.now() >= leadsUntil(renewedAt, settings)) {
      end(`not renewed for ${settings.renewDeadline / 1000} s`)
    }
    return abort.signal.aborted
  }
  const end = (reason: string): void => {
    if (abort.signal.aborted) return
    cancel()
    const message = `not sent, or given up: leadership was lost: ${reason}`
    abort.abort(new ApiError('CLUSTER_NOT_LEADING', message, { status: 0 }))
    onEnd(reason)
  }
  const watchTheClock = (): void => {
    cancel()
    cancel = clock.after(leadsUntil(renewedAt, settings) - clock.now(), () => {
      // A timer may come a little early.
      if (!isOver()) watchTheClock()
    })
  }
  watchTheClock()

  const limit = (): number => {
    if (isOver()) throw abort.signal.reason
    return writeLimit(renewedAt, clock.now(), settings)
  }

  /** When a write that is sent now can take effect no more: on its way for a limit, at the server for another. */
  const goneAt = (limit: number): number => clock.now() + 2 * limit

  return {
    signal: abort.signal,
    limit,
    isOver,
    async write(send) {
      const sent = { gone: goneAt(limit()) }
      const permit: Permit = {
        signal: abort.signal,
        // It may have waited for its turn, and is tried again after some answers.
        limit: () => {
          const given = limit()
          sent.gone = goneAt(given)
          return given
        },
      }
      const write = send({ permit })
      inFlight.set(write, sent)
      try {
        return await write
      } catch (error) {
        if (isUnanswered(error)) unanswered = Math.max(unanswered, sent.gone)
        throw error
      } finally {
        inFlight.delete(write)
      }
    },
    settled: () => Promise.allSettled(inFlight.keys()).then(() => undefined),
    quietFrom: () => Math.max(unanswered, ...Array.from(inFlight.values(), ({ gone }) => gone)),
    renewed(at) {
      if (isOver()) return
      renewedAt = at
      watchTheClock()
    },
    end,
  }
}

/** No answer, or one that says no more than that time ran out. */
function isUnanswered(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status === 504
}
