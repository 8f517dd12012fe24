/**
 * Create, update and patch, in the order of the real API server (apiserver/pkg/registry/rest, endpoints/handlers):
 * defaults, admission, what the kind's strategy resets, validation, and a store that succeeds only if nobody
 * else wrote in between.
 */
import { randomUUID } from 'node:crypto'
import type { AdmissionChain } from './admission/chain.ts'
import { setDefaults } from './defaults/defaults.ts'
import { generationOf } from './generation.ts'
import { isObject, type JsonObject, jsonEqual } from './json.ts'
import { type ApiObject, type Metadata, timestamp } from './object.ts'
import type { ResourceRequest } from './request.ts'
import { apiVersionOf, keyOf, type Resource } from './resources.ts'
import { scaleOf } from './scale.ts'
import type { Services } from './services.ts'
import { alreadyExists, badRequest, conflict, forbidden, notFound } from './status.ts'
import type { Store } from './store.ts'
import { validate } from './validation.ts'

export interface Written {
  readonly object: ApiObject
  readonly warnings: readonly string[]
}

/** Makes what a client wants of the present object, anew for every attempt. */
export type Change = (present: ApiObject) => JsonObject

/** A patch without a resourceVersion is tried again so often when others write at the same time. */
const ATTEMPTS = 10

export class Writer {
  readonly #store: Store
  readonly #admission: AdmissionChain
  readonly #services: Services

  constructor(store: Store, admission: AdmissionChain, services: Services) {
    this.#store = store
    this.#admission = admission
    this.#services = services
  }

  /** @throws StatusError */
  async create(request: ResourceRequest, body: JsonObject): Promise<Written> {
    const { resource } = request
    const candidate = this.#newObject(request, body)
    this.#checkNamespace(request, candidate)
    setDefaults(resource, candidate)
    const admitted = await this.#admission.admit({
      ...attributes(request, 'CREATE', candidate.metadata.name),
      object: candidate,
      oldObject: undefined,
    })
    const object = admitted.object ?? candidate
    resetForCreate(resource, object)
    setDefaults(resource, object)
    validate(resource, object, undefined)
    const { name } = object.metadata
    const key = keyOf(resource, request.namespace, name)
    if (this.#store.get(key) !== undefined) throw alreadyExists(resource, name)
    if (isDryRun(request))
      return { object: withGeneration(resource, object, undefined), warnings: admitted.warnings }
    const stored =
      resource.plural === 'services' && resource.group === ''
        ? await this.#services.create(object)
        : await this.#store.put(key, object, undefined)
    if (stored === undefined) throw alreadyExists(resource, name)
    return { object: stored, warnings: admitted.warnings }
  }

  /**
   * Update and patch of an object or its status. Nothing is stored when nothing changes.
   * @param expectsVersion the sender named the resourceVersion that it knows: no second attempt on another one
   * @throws StatusError
   */
  async update(request: ResourceRequest, change: Change, expectsVersion: boolean): Promise<Written> {
    const { resource, name, namespace } = request
    const key = keyOf(resource, namespace, name)
    for (let attempt = 1; ; attempt++) {
      const present = this.#store.get(key)
      if (present === undefined) throw notFound(resource, name)
      const wanted = change(structuredClone(present))
      checkIdentity(resource, request, wanted, present)
      const written = await this.#attempt(request, present, structuredClone(wanted) as ApiObject)
      if (written !== undefined) return written
      if (expectsVersion || attempt === ATTEMPTS) throw conflict(resource, name)
    }
  }

  /** Undefined when somebody else wrote since `present` was read. */
  async #attempt(
    request: ResourceRequest,
    present: ApiObject,
    candidate: ApiObject,
  ): Promise<Written | undefined> {
    const { resource, name, subresource } = request
    keepSystemFields(candidate, present)
    setDefaults(resource, candidate)
    const asked =
      subresource === 'scale'
        ? { object: scaleOf(candidate), oldObject: scaleOf(present) }
        : { object: candidate, oldObject: present }
    const admitted = await this.#admission.admit({ ...attributes(request, 'UPDATE', name), ...asked })
    const wanted = subresource === 'scale' ? candidate : (admitted.object ?? candidate)
    const object = resetForUpdate(resource, subresource, wanted, present)
    if (subresource !== 'status') validate(resource, object, present)
    const { warnings } = admitted
    if (jsonEqual(object, present)) return { object: present, warnings }
    if (isDryRun(request)) return { object: withGeneration(resource, object, present), warnings }
    const stored = await this.#save(request, object, present)
    return stored && { object: stored, warnings }
  }

  async #save(
    { resource, namespace, name }: ResourceRequest,
    object: ApiObject,
    present: ApiObject,
  ): Promise<ApiObject | undefined> {
    const key = keyOf(resource, namespace, name)
    if (isFinished(resource, object)) return (await this.#store.remove(key, present)) ? object : undefined
    if (resource.plural === 'services' && resource.group === '')
      return await this.#services.update(object, present)
    return await this.#store.put(key, object, present)
  }

  #newObject({ resource, namespace }: ResourceRequest, body: JsonObject): ApiObject {
    checkKind(resource, body)
    const given: JsonObject = isObject(body.metadata) ? body.metadata : {}
    if (given.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
    if (resource.namespaced && given.namespace && given.namespace !== namespace) {
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request (${String(given.namespace)}, ${namespace})`,
      )
    }
    const generated = given.generateName ? `${String(given.generateName)}${randomSuffix()}` : ''
    const metadata: Metadata = { ...given, name: String(given.name ?? '') || generated }
    if (resource.namespaced) metadata.namespace = namespace
    else delete metadata.namespace
    return structuredClone({ ...body, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata })
  }

  #checkNamespace({ resource, namespace }: ResourceRequest, object: ApiObject): void {
    if (!resource.namespaced) return
    const found = this.#store.get(`/registry/namespaces/${namespace}`)
    if (found === undefined) {
      throw notFound({ ...resource, group: '', plural: 'namespaces' }, namespace)
    }
    if (found.metadata.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`
      throw forbidden(resource, object.metadata.name, why)
    }
  }
}

function attributes(request: ResourceRequest, operation: 'CREATE' | 'UPDATE', name: string) {
  const { resource, subresource, namespace, user, query } = request
  const fieldManager = query.get('fieldManager')
  const options = fieldManager === null ? {} : { fieldManager }
  return { operation, resource, subresource, namespace, name, user, dryRun: isDryRun(request), options }
}

export function isDryRun({ query }: Pick<ResourceRequest, 'query'>): boolean {
  return query.get('dryRun') === 'All'
}

function checkKind(resource: Resource, body: JsonObject): void {
  const { apiVersion = apiVersionOf(resource), kind = resource.kind } = body
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource)) {
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ` +
        `expected ${apiVersionOf(resource)} ${resource.kind}, got ${String(apiVersion)} ${String(kind)}`,
    )
  }
}

function checkIdentity(
  resource: Resource,
  request: ResourceRequest,
  wanted: JsonObject,
  present: ApiObject,
): void {
  checkKind(resource, wanted)
  const metadata: JsonObject = isObject(wanted.metadata) ? wanted.metadata : {}
  wanted.metadata = metadata
  const { name = request.name, namespace = request.namespace, uid, resourceVersion } = metadata
  if (name !== request.name) {
    throw badRequest(
      `the name of the object (${String(name)}) does not match the name on the URL (${request.name})`,
    )
  }
  if (resource.namespaced && namespace !== request.namespace) {
    throw badRequest(
      `the namespace of the object (${String(namespace)}) does not match the namespace on the URL (${request.namespace})`,
    )
  }
  if (uid && uid !== present.metadata.uid) {
    throw conflict(
      resource,
      request.name,
      `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${present.metadata.uid}`,
    )
  }
  if (resourceVersion && resourceVersion !== present.metadata.resourceVersion)
    throw conflict(resource, request.name)
}

/** Fields of the metadata that only the server writes (rest.BeforeUpdate). */
const SYSTEM_FIELDS = [
  'name',
  'namespace',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const

function keepSystemFields(object: ApiObject, present: ApiObject): void {
  const metadata: JsonObject = object.metadata
  for (const field of SYSTEM_FIELDS) {
    if (present.metadata[field] === undefined) delete metadata[field]
    else metadata[field] = present.metadata[field]
  }
  delete metadata.selfLink
  delete metadata.managedFields
}

/** What clients may not set at creation (rest.BeforeCreate, PrepareForCreate). */
function resetForCreate(resource: Resource, object: ApiObject): void {
  const { metadata } = object
  for (const field of [
    'resourceVersion',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
    'managedFields',
  ]) {
    delete metadata[field]
  }
  metadata.uid = randomUUID()
  metadata.creationTimestamp = timestamp(Date.now())
  if (resource.subresources.includes('status')) delete object.status
  if (resource.kind === 'Pod') object.status = { phase: 'Pending', qosClass: 'BestEffort' }
  if (resource.kind === 'Namespace') object.status = { phase: 'Active' }
  if (resource.kind === 'Deployment' || resource.kind === 'Job') object.status = {}
  if (resource.kind === 'ReplicaSet') object.status = { replicas: 0 }
}

/**
 * An update of the object cannot change its status, one of the status only that (PrepareForUpdate of each
 * strategy). A status write of a built-in kind keeps annotations and other metadata, but for labels; of a
 * custom kind it changes no metadata at all.
 */
function resetForUpdate(
  resource: Resource,
  subresource: string,
  object: ApiObject,
  present: ApiObject,
): ApiObject {
  keepSystemFields(object, present)
  if (subresource === 'status') {
    const { labels: _labels, ...metadata } = resource.custom ? present.metadata : object.metadata
    const { labels } = present.metadata
    const status = object.status === undefined ? {} : { status: object.status }
    const { status: _status, ...rest } = present
    return {
      ...rest,
      metadata: { ...metadata, name: present.metadata.name, ...(labels && { labels }) },
      ...status,
    }
  }
  if (resource.subresources.includes('status')) {
    if (present.status === undefined) delete object.status
    else object.status = present.status
  }
  return object
}

function withGeneration(resource: Resource, object: ApiObject, present: ApiObject | undefined): ApiObject {
  const generation = generationOf(resource.generation, object, present)
  return generation === undefined ? object : { ...object, metadata: { ...object.metadata, generation } }
}

/** The last finalizer of an object that is being deleted is gone: so is the object. */
function isFinished(resource: Resource, { metadata }: ApiObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers ?? []).length === 0 &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    resource.kind !== 'Namespace'
  )
}

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

function randomSuffix(): string {
  return Array.from(
    { length: 5 },
    () => SUFFIX_LETTERS[Math.floor(Math.random() * SUFFIX_LETTERS.length)],
  ).join('')
}
