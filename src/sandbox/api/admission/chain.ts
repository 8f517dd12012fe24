/** The admission chain: asks every webhook that matches, in order, and applies what mutating ones answer. */
import { randomUUID } from 'node:crypto'
import { messageOf } from '../../../core/errors.ts'
import { setDefaults } from '../defaults/defaults.ts'
import { isObject, type JsonObject, stringOf } from '../json.ts'
import type { ApiObject } from '../object.ts'
import { applyJsonPatch } from '../patch/json-patch.ts'
import { internalError, StatusError } from '../status.ts'
import type { Store } from '../store.ts'
import { type AdmissionAttributes, reviewRequest } from './attributes.ts'
import { matchesRequest, registeredWebhooks, type Webhook } from './configuration.ts'
import { MatchConditionError, matchConditionsHold } from './match-conditions.ts'
import { type WebhookAnswer, WebhookCallError, WebhookClient } from './webhook-client.ts'

export interface Admitted {
  /** The object after all changes; undefined for a deletion. */
  readonly object: ApiObject | undefined
  /** For the Warning headers of the answer. */
  readonly warnings: readonly string[]
}

export class AdmissionChain {
  readonly #store: Store
  readonly #client = new WebhookClient()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * @throws StatusError when a webhook denies, or cannot be asked and its failurePolicy is Fail; it carries the
   *   warnings gathered until then
   */
  async admit(attributes: AdmissionAttributes): Promise<Admitted> {
    const warnings: string[] = []
    let object = attributes.object
    try {
      for (const webhook of this.#webhooksFor(attributes)) {
        object = await this.#ask(webhook, { ...attributes, object }, warnings)
      }
    } catch (error) {
      if (error instanceof StatusError) error.warnings.push(...warnings)
      throw error
    }
    return { object, warnings }
  }

  close(): void {
    this.#client.close()
  }

  #webhooksFor(attributes: AdmissionAttributes): readonly Webhook[] {
    // The server never asks webhooks about webhook configurations: a broken one could not be removed.
    if (attributes.resource.group === 'admissionregistration.k8s.io') return []
    return registeredWebhooks(this.#store)
  }

  async #ask(
    webhook: Webhook,
    attributes: AdmissionAttributes,
    warnings: string[],
  ): Promise<ApiObject | undefined> {
    if (!matchesRequest(webhook, attributes, this.#store)) return attributes.object
    const uid = randomUUID()
    const request = reviewRequest(attributes, uid)
    try {
      if (!matchConditionsHold(webhook.matchConditions, request)) return attributes.object
      const review = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }
      const answer = await this.#client.call(webhook, review, uid)
      warnings.push(...answer.warnings)
      if (!answer.allowed) throw denial(webhook, answer)
      return mutated(webhook, attributes, answer)
    } catch (error) {
      if (error instanceof StatusError) throw error
      const foreseen = error instanceof WebhookCallError || error instanceof MatchConditionError
      const why = messageOf(error)
      if (foreseen && webhook.failurePolicy === 'Ignore') return attributes.object
      throw internalError(`failed calling webhook "${webhook.name}": ${why}`)
    }
  }
}

function mutated(
  webhook: Webhook,
  attributes: AdmissionAttributes,
  answer: WebhookAnswer,
): ApiObject | undefined {
  const { object, resource, subresource } = attributes
  if (object === undefined || answer.patch === undefined || !webhook.mutating) return object
  const patched = structuredClone(applyJsonPatch(object, answer.patch)) as ApiObject
  if (!isObject(patched.metadata)) throw new WebhookCallError('the patch leaves an object without metadata')
  if (subresource !== 'scale') setDefaults(resource, patched)
  return patched
}

/** apiserver/pkg/admission/plugin/webhook/errors ToStatusErr. */
function denial(webhook: Webhook, { status }: WebhookAnswer): StatusError {
  const by = `admission webhook "${webhook.name}" denied the request`
  const code = typeof status.code === 'number' && status.code >= 400 ? status.code : 400
  const why = stringOf(status.message) || stringOf(status.reason)
  const message = why === '' ? `${by} without explanation` : `${by}: ${why}`
  const details = status.details
  return new StatusError(
    code,
    stringOf(status.reason),
    message,
    isObject(details) ? (details as JsonObject) : undefined,
  )
}
