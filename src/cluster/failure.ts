/** Turns what went wrong with a request into an ApiError with the codes that port.ts promises. */
import { ApiError } from './port.ts'

/** An answer of the API server with a status of 400 or more. */
export interface FailedAnswer {
  readonly status: number
  readonly retryAfterHeader: string | undefined
  readonly body: string
}

/** The parts of a metav1.Status that we read. */
interface StatusBody {
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly retryAfterSeconds?: number }
}

/** The API server, of a webhook that did not answer: apiserver/pkg/admission/plugin/webhook/errors. */
const WEBHOOK_FAILED = /failed calling webhook/
/** The API server, of a resourceVersion that it has not seen: apimachinery errors.NewTooLargeResourceVersionError. */
const VERSION_TOO_LARGE = /too large resource version/i

/**
 * @param what method and object, for the message: `PATCH deployments default/shop`
 * @param now for a Retry-After that is a date; milliseconds
 */
export function answerError(what: string, answer: FailedAnswer, now: number): ApiError {
  const body = statusBody(answer.body)
  const reason = body.reason ?? ''
  const said = body.message ?? (answer.body.trim().slice(0, 500) || 'no message')
  const retryAfter =
    retryAfterMs(answer.retryAfterHeader, now) ?? secondsToMs(body.details?.retryAfterSeconds)
  return new ApiError(codeOf(answer.status, reason, said), `${what}: ${said} (${answer.status})`, {
    status: answer.status,
    reason,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}

/** No answer: no connection, a connection that broke, or a time-out. */
export function noAnswerError(what: string, server: string, cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  const code = (cause as NodeJS.ErrnoException).code
  const said = cause instanceof Error ? cause.message || code : String(cause)
  return new ApiError('CLUSTER_UNAVAILABLE', `${what}: no answer from ${server}: ${said}`, {
    status: 0,
    cause,
  })
}

/** True when a watch cannot go on from its resourceVersion, and a new list is needed. */
export function isExpired(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false
  return error.status === 410 || VERSION_TOO_LARGE.test(error.message)
}

function codeOf(status: number, reason: string, message: string): string {
  if (status === 401 || status === 403) return 'CLUSTER_FORBIDDEN'
  if (status === 404) return 'CLUSTER_NOT_FOUND'
  if (status === 409) return reason === 'AlreadyExists' ? 'CLUSTER_EXISTS' : 'CLUSTER_CONFLICT'
  if (status === 429) return 'CLUSTER_THROTTLED'
  if (status < 500) return 'CLUSTER_INVALID'
  return WEBHOOK_FAILED.test(message) ? 'CLUSTER_WEBHOOK' : 'CLUSTER_UNAVAILABLE'
}

function statusBody(text: string): StatusBody {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : {}
  } catch {
    return {}
  }
}

/** Retry-After is seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function secondsToMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000
}
