/** The serving certificate: read from a directory, and read again when its files change. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { CanaryhookError, messageOf } from '../core/errors.ts'
import { type KeyPair, pairProblem } from '../core/key-pair.ts'

/** The names that a Secret of type kubernetes.io/tls has when it is mounted. */
const CERTIFICATE_FILE = 'tls.crt'
const KEY_FILE = 'tls.key'
/** Milliseconds between two looks for files that are not there yet. */
const WAITING = 250
/** Who writes the two files puts one after the other in place: what does not belong together may in a moment. */
const SETTLING = 100

/**
 * Reads tls.crt and tls.key from a directory.
 * @throws CanaryhookError WEBHOOK_CERTIFICATE when a file is missing, is not PEM, or they do not belong
 *   together
 */
export async function readKeyPair(directory: string): Promise<KeyPair> {
  const { pair, problem } = await findPair(directory)
  if (!pair) throw new CanaryhookError('WEBHOOK_CERTIFICATE', problem)
  return pair
}

/**
 * Waits until the two files are there and sound, however long that takes. What it waits for is logged once,
 * and again when it is something else.
 * @returns undefined when the signal ended the waiting
 */
export async function untilKeyPair(
  directory: string,
  signal: AbortSignal,
  log: Logger,
): Promise<KeyPair | undefined> {
  let told = ''
  while (!signal.aborted) {
    const { pair, problem } = await settledPair(directory, told)
    if (pair) return pair
    if (problem !== told) log.info({ directory }, `waiting for certificates: ${problem}`)
    told = problem
    // Rejects only when it is aborted.
    await sleep(WAITING, undefined, { signal }).catch(() => {})
  }
  return undefined
}

export interface CertificateWatch {
  readonly directory: string
  /** What is being served now. */
  readonly current: KeyPair
  /** Milliseconds between two looks. */
  readonly every: number
  readonly onChange: (pair: KeyPair) => void
  readonly log: Logger
}

/**
 * Looks at the files again and again, and hands over each new pair that is sound; one that is not is
 * logged once, and the old one stays. Contents are compared, not times: a Secret volume changes by
 * swapping a symlink two levels above the files (kubernetes/pkg/volume/util/atomic_writer.go), which file
 * notifications miss and which does not even raise the time of a file.
 * @returns a function that ends it
 */
export function watchKeyPair(watch: CertificateWatch): () => void {
  const { directory } = watch
  let seen = fingerprint(watch.current)
  const look = async () => {
    const found = await settledPair(directory, seen)
    if (found.mark === seen) return
    seen = found.mark
    if (found.pair) watch.onChange(found.pair)
    else {
      const { problem } = found
      watch.log.error({ directory, problem }, 'certificate not taken, the old one is served')
    }
  }
  const timer = setInterval(() => void look(), watch.every)
  timer.unref()
  return () => clearInterval(timer)
}

/** When a certificate ends, for the log. */
export function validUntil(pair: KeyPair): string {
  return new X509Certificate(pair.cert).validToDate.toISOString()
}

interface Found {
  /** Equal for what is equal. */
  readonly mark: string
  /** Only when it is sound. */
  readonly pair?: KeyPair
  readonly problem: string
}

/** What is there; a problem that is new is looked at twice. */
async function settledPair(directory: string, seen: string): Promise<Found> {
  const found = await findPair(directory)
  if (found.pair || found.mark === seen) return found
  await sleep(SETTLING)
  return findPair(directory)
}

async function findPair(directory: string): Promise<Found> {
  const [cert, key] = await Promise.allSettled([
    readFile(join(directory, CERTIFICATE_FILE), 'utf8'),
    readFile(join(directory, KEY_FILE), 'utf8'),
  ])
  if (cert.status === 'rejected' || key.status === 'rejected') {
    const messages = [cert, key].flatMap(file => (file.status === 'rejected' ? messageOf(file.reason) : []))
    const problem = expecting(directory, messages.join('; '))
    return { mark: problem, problem }
  }
  const pair = { cert: cert.value, key: key.value }
  const problem = pairProblem(pair, 'tls')
  if (problem === '') return { mark: fingerprint(pair), pair, problem }
  return { mark: fingerprint(pair), problem: expecting(directory, problem) }
}

function fingerprint(pair: KeyPair): string {
  return `${pair.cert}\n${pair.key}`
}

function expecting(directory: string, problem: string): string {
  return `${directory}: ${problem}; expected ${CERTIFICATE_FILE} and ${KEY_FILE}, a PEM certificate and its key`
}
