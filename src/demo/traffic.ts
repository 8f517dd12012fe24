/** Steady requests through a Service, as its users would send them. */
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Sample } from './tally.ts'

export interface TrafficOptions {
  readonly namespace: string
  readonly service: string
  readonly port: number
  /** Milliseconds from one request to the next. */
  readonly interval: number
  /** Requests that may be on their way at once; when as many are, one is left out. */
  readonly most: number
}

export interface Traffic {
  /** Every request so far, oldest first. */
  readonly samples: readonly Sample[]
  /** Sends no more and waits for those on their way. */
  stop(): Promise<void>
}

/** Starts to send. What becomes of a request is in `samples`; nothing is thrown. */
export function startTraffic(sandbox: Pick<Sandbox, 'fetch'>, options: TrafficOptions): Traffic {
  const samples: Sample[] = []
  const underway = new Set<Promise<void>>()

  const send = async () => {
    try {
      const { status, headers, body } = await sandbox.fetch(options.namespace, options.service, options.port)
      const version = headers['x-version'] ?? body.trim()
      samples.push({ at: Date.now(), version, ok: status < 400 })
    } catch {
      samples.push({ at: Date.now(), ok: false })
    }
  }

  const timer = setInterval(() => {
    if (underway.size >= options.most) return
    const request = send().finally(() => underway.delete(request))
    underway.add(request)
  }, options.interval)

  return {
    samples,
    async stop() {
      clearInterval(timer)
      await Promise.all(underway)
    },
  }
}
