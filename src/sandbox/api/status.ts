/**
 * Refusals of the API server: a metav1 Status with the reason, wording and details that clients look at
 * (k8s.io/apimachinery/pkg/api/errors).
 */
import { CanaryhookError, messageOf } from '../../core/errors.ts'
import type { JsonObject } from './json.ts'
import { qualifiedName, type Resource } from './resources.ts'

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** An answer that is not a success. Thrown anywhere while a request is served; sent as its Status. */
export class StatusError extends CanaryhookError {
  readonly status: number
  readonly reason: string
  readonly details: JsonObject | undefined
  /** Sent as Warning headers beside the Status. */
  readonly warnings: string[] = []

  constructor(status: number, reason: string, message: string, details?: JsonObject) {
    super(`SANDBOX_${reason.toUpperCase()}`, message)
    this.name = 'StatusError'
    this.status = status
    this.reason = reason
    this.details = details
  }

  /** The body to send. */
  body(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.status,
    }
  }
}

function about(resource: Resource, name: string, more: JsonObject = {}): JsonObject {
  return { name, ...(resource.group ? { group: resource.group } : {}), kind: resource.plural, ...more }
}

export function notFound(resource: Resource, name: string): StatusError {
  const message = `${qualifiedName(resource)} "${name}" not found`
  return new StatusError(404, 'NotFound', message, about(resource, name))
}

/** What the server says about a path that it does not serve at all. */
export function noSuchPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function alreadyExists(resource: Resource, name: string): StatusError {
  const message = `${qualifiedName(resource)} "${name}" already exists`
  return new StatusError(409, 'AlreadyExists', message, about(resource, name))
}

export function conflict(
  resource: Resource,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`
  return new StatusError(409, 'Conflict', message, about(resource, name))
}

/** 422, with every problem at once; `kind` is a kind with its group, as Deployment.apps. */
export function invalid(resource: Resource, name: string, causes: readonly Cause[]): StatusError {
  const kind = resource.group ? `${resource.kind}.${resource.group}` : resource.kind
  const listed = causes.map(cause => `${cause.field}: ${cause.message}`)
  const message = `${kind} "${name}" is invalid: ${listed.length === 1 ? listed[0] : `[${listed.join(', ')}]`}`
  const details = { name, ...(resource.group ? { group: resource.group } : {}), kind: resource.kind, causes }
  return new StatusError(422, 'Invalid', message, details)
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message)
}

export function forbidden(resource: Resource, name: string, why: string): StatusError {
  const message = `${qualifiedName(resource)} "${name}" is forbidden: ${why}`
  return new StatusError(403, 'Forbidden', message, about(resource, name))
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized')
}

export function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource'
  return new StatusError(405, 'MethodNotAllowed', message, {})
}

export function unsupportedMediaType(message: string): StatusError {
  return new StatusError(415, 'UnsupportedMediaType', message, {})
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message)
}

export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, {
    causes: [{ message }],
  })
}

/** What is sent for an error that nobody foresaw: never a process exit, never a bare stack. */
export function asStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  return internalError(messageOf(error))
}
