/** A watch on the sandbox, for tests: collects events and waits for some. */
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { parse } from 'yaml'
import type { JsonObject } from '../../../src/sandbox/api/json.ts'
import type { Sandbox } from '../../../src/sandbox/sandbox.ts'

export interface WatchedEvent {
  readonly type: string
  readonly object: JsonObject & { readonly metadata?: JsonObject; readonly code?: number }
  /** When it arrived. */
  readonly at: number
}

export class Watching {
  readonly events: WatchedEvent[] = []
  readonly #looks = new Set<() => void>()
  readonly #end: () => void
  readonly ended: Promise<void>

  constructor(sandbox: Sandbox, path: string) {
    const { users } = parse(sandbox.kubeconfig('admin')) as { users: [{ user: { token: string } }] }
    const outgoing = request(`${sandbox.url}${path}`, {
      ca: sandbox.caCertificate,
      headers: { Authorization: `Bearer ${users[0].user.token}` },
    })
    this.#end = () => outgoing.destroy()
    this.ended = new Promise(resolve => {
      outgoing.on('response', response => {
        const lines = createInterface({ input: response })
        // Stopping the watch in the middle of the stream is not an error here.
        lines.on('error', () => resolve())
        lines.on('line', line => {
          this.events.push({ ...(JSON.parse(line) as Omit<WatchedEvent, 'at'>), at: performance.now() })
          for (const look of this.#looks) look()
        })
        response.on('end', () => resolve())
        response.on('error', () => resolve())
      })
      outgoing.on('error', () => resolve())
    })
    outgoing.end()
  }

  /** The names and types so far, as `ADDED shop`. */
  get summary(): readonly string[] {
    return this.events.map(({ type, object }) => `${type} ${String(object.metadata?.name ?? '')}`.trim())
  }

  /** Resolves with the first event, past or to come, for which `wanted` is true. */
  event(wanted: (event: WatchedEvent) => boolean): Promise<WatchedEvent> {
    return new Promise(resolve => {
      const look = () => {
        const found = this.events.find(wanted)
        if (found === undefined) return
        this.#looks.delete(look)
        resolve(found)
      }
      this.#looks.add(look)
      look()
    })
  }

  stop(): void {
    this.#end()
  }
}
