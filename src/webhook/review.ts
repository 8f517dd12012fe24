/**
 * AdmissionReview admission.k8s.io/v1, in and out. Pure: text in, an object to send back out.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
import type { AdmissionAnswer, AdmissionRequest, Deployment } from '../core/kubernetes.ts'

const API_VERSION = 'admission.k8s.io/v1'
const KIND = 'AdmissionReview'

export type ParsedReview =
  /** A CREATE or UPDATE of an apps/v1 Deployment, for us to judge. */
  | { readonly type: 'deployment'; readonly request: AdmissionRequest<Deployment> }
  /** A well-formed review of something that is not ours; to be allowed untouched. */
  | { readonly type: 'other'; readonly uid: string }
  /** Not an AdmissionReview that we understand: everything that is wrong with it. */
  | { readonly type: 'malformed'; readonly problems: readonly string[] }

/** metav1.Status, as the API server and kubectl understand it. */
export interface Status {
  readonly apiVersion: 'v1'
  readonly kind: 'Status'
  readonly status: 'Failure'
  readonly code: number
  readonly reason: string
  readonly message: string
}

export interface ReviewAnswer {
  readonly apiVersion: typeof API_VERSION
  readonly kind: typeof KIND
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly patchType?: 'JSONPatch'
    /** base64 of the JSON Patch. */
    readonly patch?: string
    readonly warnings?: readonly string[]
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string }
  }
}

/** Reads the body of a review request. Never throws; what is wrong with it is in the answer. */
export function parseReview(body: string): ParsedReview {
  let review: unknown
  try {
    review = JSON.parse(body)
  } catch (error) {
    return malformed(`the body is not JSON: ${(error as Error).message}`)
  }
  if (!isRecord(review)) return malformed('the body is JSON but not an object')

  const problems: string[] = []
  if (review.apiVersion !== API_VERSION) problems.push(`apiVersion is ${show(review.apiVersion)}`)
  if (review.kind !== KIND) problems.push(`kind is ${show(review.kind)}`)
  const request = review.request
  if (!isRecord(request)) return malformed(...problems, 'request is missing or not an object')
  if (!isText(request.uid)) problems.push('request.uid is missing or not a text')
  if (!isText(request.operation)) problems.push('request.operation is missing or not a text')
  if (problems.length > 0 || !isText(request.uid)) return malformed(...problems)

  if (!isOurs(request)) return { type: 'other', uid: request.uid }

  if (!isRecord(request.userInfo)) problems.push('request.userInfo is missing or not an object')
  problems.push(...deploymentProblems('request.object', request.object))
  if (request.operation === 'UPDATE') {
    problems.push(...deploymentProblems('request.oldObject', request.oldObject))
  }
  if (problems.length > 0) return malformed(...problems)
  const admission = { ...request, oldObject: request.oldObject ?? null }
  return { type: 'deployment', request: admission as unknown as AdmissionRequest<Deployment> }
}

/** The review that carries an answer back. */
export function answerReview(uid: string, answer: AdmissionAnswer): ReviewAnswer {
  // A warning travels in an HTTP header, which has no line breaks: each line is a warning of its own.
  const lines = answer.warnings.flatMap(warning => warning.split('\n')).filter(line => line.trim() !== '')
  const warnings = lines.length > 0 ? { warnings: lines } : {}
  if (!answer.allowed) {
    const status = { code: 403, reason: 'Forbidden', message: answer.message }
    return review({ uid, allowed: false, status, ...warnings })
  }
  if (answer.patch.length === 0) return review({ uid, allowed: true, ...warnings })
  const patch = Buffer.from(JSON.stringify(answer.patch)).toString('base64')
  return review({ uid, allowed: true, patchType: 'JSONPatch', patch, ...warnings })
}

/** The answer to a request that is no review, or that could not be judged. */
export function failureStatus(code: number, reason: string, message: string): Status {
  return { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message }
}

function review(response: ReviewAnswer['response']): ReviewAnswer {
  return { apiVersion: API_VERSION, kind: KIND, response }
}

function malformed(...problems: string[]): ParsedReview {
  return { type: 'malformed', problems }
}

function isOurs(request: Record<string, unknown>): boolean {
  if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return false
  if (isText(request.subResource)) return false
  const kind = request.kind
  return isRecord(kind) && kind.group === 'apps' && kind.version === 'v1' && kind.kind === 'Deployment'
}

/** What core relies on without looking: the rest of a Deployment it reads with care. */
function deploymentProblems(where: string, object: unknown): string[] {
  if (!isRecord(object)) return [`${where} is missing or not an object`]
  const problems: string[] = []
  if (!isRecord(object.metadata)) problems.push(`${where}.metadata is missing or not an object`)
  const annotations = isRecord(object.metadata) ? object.metadata.annotations : undefined
  if (annotations !== undefined && annotations !== null && !isTextMap(annotations)) {
    problems.push(`${where}.metadata.annotations is not a map of texts`)
  }
  if (!isRecord(object.spec)) return [...problems, `${where}.spec is missing or not an object`]
  if (!isRecord(object.spec.selector)) problems.push(`${where}.spec.selector is missing or not an object`)
  if (!isRecord(object.spec.template)) problems.push(`${where}.spec.template is missing or not an object`)
  return problems
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTextMap(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(entry => typeof entry === 'string')
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value)
}
