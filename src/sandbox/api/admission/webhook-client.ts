/** Calls an admission webhook over HTTPS, with connections that are kept and used again. */
import { Agent, request } from 'node:https'
import { messageOf } from '../../../core/errors.ts'
import { at, isObject, type JsonObject, listOf, stringOf } from '../json.ts'
import type { Webhook } from './configuration.ts'

/** What a webhook said. */
export interface WebhookAnswer {
  readonly allowed: boolean
  readonly patch: unknown
  readonly warnings: readonly string[]
  /** The Status of a denial, as the webhook wrote it. */
  readonly status: JsonObject
}

/** The webhook could not be asked, or its answer is none. The message is worded as the API server's. */
export class WebhookCallError extends Error {}

export class WebhookClient {
  readonly #agents = new Map<string, Agent>()

  /** @throws WebhookCallError */
  async call(webhook: Webhook, review: JsonObject, uid: string): Promise<WebhookAnswer> {
    const separator = webhook.url.includes('?') ? '&' : '?'
    const url = `${webhook.url}${separator}timeout=${webhook.timeoutSeconds}s`
    try {
      const text = await this.#post(url, webhook, JSON.stringify(review))
      return readAnswer(text, uid)
    } catch (error) {
      if (error instanceof WebhookCallError) throw error
      const why = messageOf(error)
      throw new WebhookCallError(`failed to call webhook: Post "${url}": ${why}`)
    }
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #agent(caBundle: string): Agent {
    let agent = this.#agents.get(caBundle)
    if (agent === undefined) {
      // The API server closes idle connections to webhooks after 90 seconds.
      agent = new Agent({ keepAlive: true, timeout: 90_000, ca: Buffer.from(caBundle, 'base64').toString() })
      this.#agents.set(caBundle, agent)
    }
    return agent
  }

  #post(url: string, webhook: Webhook, body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request(url, {
        method: 'POST',
        agent: this.#agent(webhook.caBundle),
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/json',
          'Content-Length': Buffer.byteLength(body),
        },
        signal: AbortSignal.timeout(webhook.timeoutSeconds * 1000),
      })
      outgoing.on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const status = response.statusCode ?? 0
          if (status >= 200 && status < 300) resolve(text)
          else
            reject(
              new WebhookCallError(
                `failed to call webhook: the server responded with status ${status}: ${text.slice(0, 300)}`,
              ),
            )
        })
      })
      outgoing.on('error', error => reject(new Error(asGoWordsIt(error))))
      outgoing.end(body)
    })
  }
}

/** The errors that people meet most, as they read in a real cluster. */
function asGoWordsIt(
  error: NodeJS.ErrnoException & { readonly address?: string; readonly port?: number },
): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'context deadline exceeded'
  if (error.code === 'ECONNREFUSED')
    return `dial tcp ${error.address}:${error.port}: connect: connection refused`
  if (error.code === 'ECONNRESET') return 'EOF'
  return error.message
}

/** apiserver/pkg/admission/plugin/webhook/request VerifyAdmissionResponse. */
function readAnswer(text: string, uid: string): WebhookAnswer {
  let review: unknown
  try {
    review = JSON.parse(text)
  } catch {
    throw new WebhookCallError(`received invalid webhook response: not JSON: ${text.slice(0, 300)}`)
  }
  const response = at(review, 'response')
  if (
    at(review, 'kind') !== 'AdmissionReview' ||
    at(review, 'apiVersion') !== 'admission.k8s.io/v1' ||
    !isObject(response)
  ) {
    throw new WebhookCallError(
      'received invalid webhook response: expected an admission.k8s.io/v1, Kind=AdmissionReview with a response',
    )
  }
  if (response.uid !== uid) {
    throw new WebhookCallError(
      `received invalid webhook response: expected response.uid="${uid}", got "${stringOf(response.uid)}"`,
    )
  }
  const status = response.status
  return {
    allowed: response.allowed === true,
    patch: readPatch(response),
    warnings: listOf(response.warnings).map(stringOf),
    status: isObject(status) ? status : {},
  }
}

function readPatch(response: JsonObject): unknown {
  const patch = response.patch
  if (patch === undefined || patch === null || patch === '') return undefined
  if (response.patchType !== 'JSONPatch') {
    throw new WebhookCallError(
      `received invalid webhook response: webhook returned response.patch but response.patchType is ${JSON.stringify(response.patchType)}, expected "JSONPatch"`,
    )
  }
  try {
    return JSON.parse(Buffer.from(stringOf(patch), 'base64').toString())
  } catch {
    throw new WebhookCallError(
      'received invalid webhook response: response.patch is not base64 of a JSON patch',
    )
  }
}
