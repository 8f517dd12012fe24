/** The serving certificate: read from a directory, and read again when its files change. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { CanaryhookError } from '../core/errors.ts'

/** The names that a Secret of type kubernetes.io/tls has when it is mounted. */
const CERTIFICATE_FILE = 'tls.crt'
const KEY_FILE = 'tls.key'

export interface KeyPair {
  /** PEM: the leaf first, then what leads to the CA. */
  readonly cert: string
  readonly key: string
}

/**
 * Reads tls.crt and tls.key from a directory.
 * @throws CanaryhookError WEBHOOK_CERTIFICATE when a file is missing, is not PEM, or they do not belong
 *   together
 */
export async function readKeyPair(directory: string): Promise<KeyPair> {
  const pair = await readFiles(directory)
  const problem = pairProblem(pair)
  if (problem) throw badCertificate(directory, problem)
  return pair
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
  let seen = fingerprint(watch.current)
  const look = async () => {
    const outcome = await readFiles(watch.directory).then(
      pair => ({ mark: fingerprint(pair), pair, problem: pairProblem(pair) }),
      (error: unknown) => ({ mark: String(error), pair: undefined, problem: String(error) }),
    )
    if (outcome.mark === seen) return
    seen = outcome.mark
    if (outcome.pair && !outcome.problem) watch.onChange(outcome.pair)
    else {
      const { directory } = watch
      watch.log.error({ directory, problem: outcome.problem }, 'certificate not taken, the old one is served')
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

async function readFiles(directory: string): Promise<KeyPair> {
  const read = (file: string) =>
    readFile(join(directory, file), 'utf8').catch((error: unknown) => {
      throw badCertificate(directory, `${file}: ${(error as Error).message}`, error)
    })
  const [cert, key] = await Promise.all([read(CERTIFICATE_FILE), read(KEY_FILE)])
  return { cert, key }
}

/** What is wrong with a pair; '' when nothing is. */
function pairProblem(pair: KeyPair): string {
  try {
    const certificate = new X509Certificate(pair.cert)
    if (certificate.checkPrivateKey(createPrivateKey(pair.key))) return ''
    return `${KEY_FILE} is not the key of ${CERTIFICATE_FILE}`
  } catch (error) {
    return `${CERTIFICATE_FILE} or ${KEY_FILE} is not PEM: ${(error as Error).message}`
  }
}

function fingerprint(pair: KeyPair): string {
  return `${pair.cert}\n${pair.key}`
}

function badCertificate(directory: string, problem: string, cause?: unknown): CanaryhookError {
  const expected = `expected ${CERTIFICATE_FILE} and ${KEY_FILE}, a PEM certificate and its key`
  return new CanaryhookError('WEBHOOK_CERTIFICATE', `${directory}: ${problem}; ${expected}`, { cause })
}
