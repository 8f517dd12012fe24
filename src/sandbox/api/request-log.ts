/** A log of the requests that clients sent, for tests that count or check them. */
import type { Verb } from './request.ts'

export interface LoggedRequest {
  readonly user: string
  readonly verb: Verb
  readonly group: string
  readonly resource: string
  /** '' when the object itself was meant. */
  readonly subresource: string
  readonly namespace: string
  /** '' for a list, a watch or a create. */
  readonly name: string
  readonly dryRun: boolean
  /** The HTTP status of the answer; a watch is logged when it starts. */
  readonly status: number
  /** When it was answered, in milliseconds since 1970. */
  readonly time: number
}

export type RequestFilter = Partial<Omit<LoggedRequest, 'time'>>

/** So many are kept; the oldest go first. */
const LIMIT = 50_000

export class RequestLog {
  #requests: LoggedRequest[] = []

  add(request: LoggedRequest): void {
    this.#requests.push(request)
    if (this.#requests.length > LIMIT) this.#requests.splice(0, LIMIT / 10)
  }

  /** All requests since the last reset, oldest first, or those that have all the given properties. */
  list(filter: RequestFilter = {}): readonly LoggedRequest[] {
    const wanted = Object.entries(filter)
    return this.#requests.filter(request =>
      wanted.every(([field, value]) => request[field as keyof LoggedRequest] === value),
    )
  }

  /** The creates, updates, patches and deletes among `list(filter)`. */
  writes(filter: RequestFilter = {}): readonly LoggedRequest[] {
    return this.list(filter).filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
  }

  reset(): void {
    this.#requests = []
  }
}
