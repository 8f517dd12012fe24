/** Deletion: preconditions, finalizers, grace periods and propagation (apiserver/pkg/registry/generic/registry/store.go). */

import type { Cluster } from '@ngrok/webernetes'
import type { AdmissionChain } from './admission/chain.ts'
import { at, isObject, type JsonObject, listOf, stringOf } from './json.ts'
import { type ApiObject, timestamp } from './object.ts'
import type { ResourceRequest } from './request.ts'
import { keyOf, type Resource } from './resources.ts'
import { badRequest, conflict, notFound, StatusError } from './status.ts'
import type { Store } from './store.ts'
import { isDryRun } from './write.ts'

export interface Deleted {
  /** The object while it waits for finalizers or its grace period; undefined when it is gone at once. */
  readonly remaining: ApiObject | undefined
  readonly object: ApiObject
  readonly warnings: readonly string[]
}

const PROPAGATION_FINALIZERS: Readonly<Record<string, string>> = {
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
}

export class Deleter {
  readonly #store: Store
  readonly #admission: AdmissionChain
  readonly #cluster: Cluster

  constructor(store: Store, admission: AdmissionChain, cluster: Cluster) {
    this.#store = store
    this.#admission = admission
    this.#cluster = cluster
  }

  /** @throws StatusError */
  async delete(request: ResourceRequest, body: JsonObject): Promise<Deleted> {
    const { resource, namespace, name, user } = request
    const key = keyOf(resource, namespace, name)
    for (let asked = false; ; asked = true) {
      const present = this.#store.get(key)
      if (present === undefined) throw notFound(resource, name)
      checkPreconditions(resource, present, body)
      const dryRun = isDryRun(request) || listOf(body.dryRun).includes('All')
      const warnings: string[] = []
      if (!asked) {
        const admitted = await this.#admission.admit({
          operation: 'DELETE',
          resource,
          subresource: '',
          namespace,
          name,
          user,
          dryRun,
          options: {},
          object: undefined,
          oldObject: present,
        })
        warnings.push(...admitted.warnings)
      }
      if (dryRun) return { remaining: undefined, object: present, warnings }
      const remaining = marked(resource, present, request, body)
      const done =
        remaining === undefined
          ? await this.#remove(resource, key, present)
          : await this.#mark(key, remaining, present)
      if (done)
        return { remaining: remaining && (this.#store.get(key) ?? remaining), object: present, warnings }
    }
  }

  async #mark(key: string, marked: ApiObject, present: ApiObject): Promise<boolean> {
    return (await this.#store.put(key, marked, present)) !== undefined
  }

  async #remove(resource: Resource, key: string, present: ApiObject): Promise<boolean> {
    if (resource.kind !== 'Service') return await this.#store.remove(key, present)
    const { namespace = 'default', name } = present.metadata
    // Gives its address back.
    await this.#cluster.api.corev1.deleteNamespacedService({ namespace, name })
    return true
  }
}

function checkPreconditions(resource: Resource, present: ApiObject, body: JsonObject): void {
  const { name, uid = '', resourceVersion = '' } = present.metadata
  const wantedUid = stringOf(at(body, 'preconditions', 'uid'))
  const wantedVersion = stringOf(at(body, 'preconditions', 'resourceVersion'))
  if (wantedUid !== '' && wantedUid !== uid) {
    throw conflict(
      resource,
      name,
      `the UID in the precondition (${wantedUid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  }
  if (wantedVersion !== '' && wantedVersion !== resourceVersion) {
    throw conflict(
      resource,
      name,
      `the ResourceVersion in the precondition (${wantedVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    )
  }
}

/** The object marked for deletion, or undefined when nothing holds it back. */
function marked(
  resource: Resource,
  present: ApiObject,
  request: ResourceRequest,
  body: JsonObject,
): ApiObject | undefined {
  const finalizers = nextFinalizers(present, propagation(present, request, body))
  const grace = gracePeriod(resource, present, request, body)
  if (resource.kind === 'Namespace') {
    return {
      ...present,
      metadata: deletionMetadata(present, finalizers, 0),
      status: { phase: 'Terminating' },
    }
  }
  if (finalizers.length === 0 && grace === 0) return undefined
  return { ...present, metadata: deletionMetadata(present, finalizers, grace) }
}

function deletionMetadata(present: ApiObject, finalizers: string[], grace: number): ApiObject['metadata'] {
  const { finalizers: _, ...metadata } = present.metadata
  return {
    ...metadata,
    deletionTimestamp: metadata.deletionTimestamp ?? timestamp(Date.now()),
    deletionGracePeriodSeconds: Math.min(grace, metadata.deletionGracePeriodSeconds ?? grace),
    ...(finalizers.length > 0 ? { finalizers } : {}),
  }
}

function nextFinalizers(present: ApiObject, policy: string): string[] {
  const others = (present.metadata.finalizers ?? []).filter(
    name => !Object.values(PROPAGATION_FINALIZERS).includes(name),
  )
  const finalizer = PROPAGATION_FINALIZERS[policy]
  return finalizer === undefined ? others : [...others, finalizer]
}

function propagation(present: ApiObject, { query }: ResourceRequest, body: JsonObject): string {
  const orphan = query.get('orphanDependents') ?? body.orphanDependents
  const policy = query.get('propagationPolicy') ?? stringOf(body.propagationPolicy)
  if (policy !== '' && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    throw new StatusError(
      422,
      'Invalid',
      `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "${policy}": supported values: "Foreground", "Background", "Orphan", "nil"`,
    )
  }
  if (policy !== '') return policy
  if (orphan === true || orphan === 'true') return 'Orphan'
  const finalizers = present.metadata.finalizers ?? []
  return finalizers.includes('orphan')
    ? 'Orphan'
    : finalizers.includes('foregroundDeletion')
      ? 'Foreground'
      : 'Background'
}

/** Only scheduled pods are given time to end; others go at once (registry/core/pod strategy CheckGracefulDelete). */
function gracePeriod(
  resource: Resource,
  present: ApiObject,
  { query }: ResourceRequest,
  body: JsonObject,
): number {
  if (resource.kind !== 'Pod') return 0
  const wanted =
    query.get('gracePeriodSeconds') ??
    body.gracePeriodSeconds ??
    at(present, 'spec', 'terminationGracePeriodSeconds') ??
    30
  const seconds = Number(wanted)
  if (!Number.isInteger(seconds))
    throw badRequest(`gracePeriodSeconds is not a whole number: ${String(wanted)}`)
  const phase = at(present, 'status', 'phase')
  const started = at(present, 'spec', 'nodeName') !== undefined && phase !== 'Failed' && phase !== 'Succeeded'
  return started ? Math.max(seconds, 0) : 0
}

/** The DeleteOptions of a request: a JSON body, or none. */
export function deleteOptions(body: unknown): JsonObject {
  return isObject(body) ? body : {}
}
