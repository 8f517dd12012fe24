/** The paths of the webhook server, without the server: what a test can talk to directly. */
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express'
import type { Logger } from 'pino'
import { messageOf } from '../core/errors.ts'
import type { AdmissionAnswer, AdmissionRequest, Deployment } from '../core/kubernetes.ts'
import { answerHealth, HEALTH_PATHS } from '../health.ts'
import { readBody } from './body.ts'
import type { AdmissionResult, WebhookMetrics } from './metrics.ts'
import { answerReview, failureStatus, parseReview } from './review.ts'

/** Judges one request. It may throw; the request is then answered with a 500. */
export type Admit = (request: AdmissionRequest<Deployment>) => AdmissionAnswer

export interface AppOptions {
  readonly admit: Admit
  readonly log: Logger
  readonly metrics: WebhookMetrics
  /** Why no more requests should come here; '' when they may. */
  readonly notReady: () => string
}

/** A Deployment may be 1.5 MB; a review holds it twice, and managedFields: about 3 MB were seen. */
const BODY_LIMIT = 4 * 1024 * 1024

/** Makes the Express application: POST /mutate and the health paths. */
export function createApp(options: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.get([...HEALTH_PATHS], async (request, response) => {
    const source = { notReady: options.notReady, register: options.metrics.register }
    const answer = await answerHealth(request.path, source)
    if (answer) response.status(answer.status).type(answer.contentType).send(answer.body)
  })
  app.post('/mutate', (request, response) => mutate(request, response, options))
  app.all('/mutate', (request, response) => {
    response.set('allow', 'POST')
    fail(
      response,
      405,
      'MethodNotAllowed',
      `${request.method} /mutate: expected POST with an AdmissionReview`,
    )
  })
  app.use((request, response) => {
    fail(response, 404, 'NotFound', `${request.path}: expected /mutate, ${HEALTH_PATHS.join(', ')}`)
  })
  app.use(lastResort(options.log))
  return app
}

async function mutate(request: Request, response: Response, options: AppOptions): Promise<void> {
  const { metrics, log } = options
  const contentType = request.headers['content-type'] ?? 'none'
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
    metrics.observe('malformed', 0)
    fail(response, 415, 'UnsupportedMediaType', `content type ${contentType}: expected application/json`)
    return
  }
  const body = await readBody(request, BODY_LIMIT)
  if (body.type === 'aborted') return
  const start = performance.now()
  const done = (result: AdmissionResult) => metrics.observe(result, (performance.now() - start) / 1000)
  if (body.type === 'too large') {
    done('malformed')
    // What is left of the body was not read, so the connection cannot be used again.
    response.set('connection', 'close')
    fail(response, 413, 'RequestEntityTooLarge', `the body is over the limit of ${BODY_LIMIT} bytes`)
    return
  }

  const review = parseReview(body.text)
  if (review.type === 'malformed') {
    done('malformed')
    const expected = 'expected an AdmissionReview of admission.k8s.io/v1 with a request'
    fail(response, 400, 'BadRequest', `${expected}; ${review.problems.join('; ')}`)
    return
  }
  if (review.type === 'other') {
    done('untouched')
    response.json(answerReview(review.uid, { allowed: true, patch: [], warnings: [] }))
    return
  }

  const admission = review.request
  const namespace = admission.namespace ?? ''
  const name = admission.name || admission.object?.metadata.name || ''
  let answer: AdmissionAnswer
  try {
    answer = options.admit(admission)
  } catch (error) {
    done('error')
    log.error({ err: error, namespace, name, uid: admission.uid }, 'admission failed')
    const message = messageOf(error)
    const what = `Deployment ${namespace}/${name}`
    fail(response, 500, 'InternalError', `canaryhook could not judge the ${what}: ${message}`)
    return
  }
  response.json(answerReview(admission.uid, answer))
  done(resultOf(answer))
  const line = { namespace, name, user: admission.userInfo.username, dryRun: admission.dryRun === true }
  if (!answer.allowed) log.info({ ...line, reason: answer.message }, 'denied')
  else log.debug({ ...line, operations: answer.patch.length, warnings: answer.warnings }, 'admitted')
}

function resultOf(answer: AdmissionAnswer): AdmissionResult {
  if (!answer.allowed) return 'denied'
  return answer.patch.length > 0 ? 'patched' : 'untouched'
}

/** Answers with a metav1 Status: the API server passes its message on to the person who asked. */
function fail(response: Response, code: number, reason: string, message: string): void {
  response.status(code).json(failureStatus(code, reason, message))
}

/** A bug of ours must not leave a request without an answer, nor an HTML page as one. */
function lastResort(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    log.error({ err: error }, 'request failed')
    if (response.headersSent) {
      next(error)
      return
    }
    fail(response, 500, 'InternalError', messageOf(error))
  }
}
