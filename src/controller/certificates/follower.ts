/** In every controller, leading or not: what the Secret holds goes into the files of its own pod. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { endOf } from '../../certs/certificates.ts'
import { readContent } from '../../certs/content.ts'
import { servingProblem } from '../../certs/facts.ts'
import type { KeyPair } from '../../core/key-pair.ts'
import type { Secret } from '../../core/kubernetes.ts'
import { writePair } from './files.ts'
import { Told } from './told.ts'

export interface FollowerOptions {
  readonly directory: string
  /** How the log names the Secret. */
  readonly name: string
  readonly log: Logger
  /** Milliseconds between two tries to write, at first; it doubles up to half a minute. */
  readonly retryAfter?: number
}

export interface Follower {
  /** The Secret as it is now; what is not fit to be served changes no file. */
  take(secret: Secret): void
  /** When the certificate in the files ends, in milliseconds since the epoch; undefined until they are written. */
  readonly end: number | undefined
  /** Resolves when no write is under way any more. */
  stop(): Promise<void>
}

const LONGEST_RETRY = 30_000

export function startFollower({ directory, name, log, retryAfter = 1_000 }: FollowerOptions): Follower {
  const stopping = new AbortController()
  const damage = new Told()
  const failure = new Told()
  let wanted: KeyPair | undefined
  let end: number | undefined
  let working: Promise<void> | undefined

  async function write(): Promise<void> {
    for (let pause = retryAfter; wanted && !stopping.signal.aborted; ) {
      const pair = wanted
      try {
        const wrote = await writePair(directory, pair)
        failure.isNews('')
        end = endOf(pair.cert)
        const certificateUntil = new Date(end).toISOString()
        if (wrote) log.info({ directory, certificateUntil }, 'certificate written for the webhook')
        if (pair === wanted) wanted = undefined
        pause = retryAfter
      } catch (error) {
        const message = `the webhook's certificate cannot be written: ${(error as Error).message}; ${directory} must be a volume that this container may write to`
        if (failure.isNews(message)) log.error({ err: error, directory }, message)
        await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {})
        pause = Math.min(LONGEST_RETRY, pause * 2)
      }
    }
    working = undefined
  }

  return {
    take(secret) {
      const content = readContent(secret.data)
      const problem = servingProblem(content)
      if (problem !== '') {
        // A Secret whose first certificate is yet to come is no damage.
        if (content.leaf.cert !== '' && damage.isNews(problem)) {
          log.warn(`Secret ${name}: ${problem}: the webhook keeps the certificate that it has`)
        }
        return
      }
      damage.isNews('')
      wanted = content.leaf
      working ??= write()
    },
    get end() {
      return end
    },
    async stop() {
      stopping.abort()
      await working
    },
  }
}
