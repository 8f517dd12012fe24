/** Answers requests for objects and lists of them. */
import type { ServerResponse } from 'node:http'
import type { Cluster } from '@ngrok/webernetes'
import { readBody } from './body.ts'
import { type Deleter, deleteOptions } from './delete.ts'
import { at, isObject, type JsonObject, objectOf, stringOf } from './json.ts'
import { listPage, prefixOf, selection } from './list.ts'
import type { ApiObject } from './object.ts'
import { applyPatch, patchKind } from './patch/apply.ts'
import { podLog } from './pod-log.ts'
import type { ResourceRequest } from './request.ts'
import { apiVersionOf, keyOf } from './resources.ts'
import { scaleOf, withScale } from './scale.ts'
import { badRequest, internalError, methodNotAllowed, notFound } from './status.ts'
import type { Store } from './store.ts'
import { tableOf, tablePresenter, wantsTable } from './table/table.ts'
import { storedAs, toServed, toStored } from './versions.ts'
import { streamWatch } from './watch.ts'
import type { Change, Writer } from './write.ts'

export interface Answer {
  readonly status: number
  readonly body: JsonObject | string
  readonly warnings?: readonly string[]
}

export class ObjectsApi {
  readonly #store: Store
  readonly #writer: Writer
  readonly #deleter: Deleter
  readonly #cluster: Cluster

  constructor(parts: { store: Store; writer: Writer; deleter: Deleter; cluster: Cluster }) {
    this.#store = parts.store
    this.#writer = parts.writer
    this.#deleter = parts.deleter
    this.#cluster = parts.cluster
  }

  /** @throws StatusError */
  async answer(request: ResourceRequest): Promise<Answer> {
    if (request.subresource === 'log') return this.#log(request)
    if (request.subresource === 'scale') return await this.#scale(request)
    switch (request.verb) {
      case 'get':
        return shown(request, this.#present(request))
      case 'list':
        return this.#list(request)
      case 'create':
        return await this.#create(request)
      case 'update':
        return await this.#update(request)
      case 'patch':
        return await this.#patch(request)
      case 'delete':
        return await this.#delete(request)
      case 'deletecollection':
        return await this.#deleteCollection(request)
      case 'watch':
        throw internalError('a watch is a stream')
    }
  }

  /** @throws StatusError before the stream starts */
  watch(request: ResourceRequest, response: ServerResponse): void {
    const { resource, query, accept } = request
    const presenter = wantsTable(accept)
      ? tablePresenter(resource, query)
      : (object: ApiObject) => toServed(resource, object)
    streamWatch(this.#store, request, response, presenter)
  }

  #present({ resource, namespace, name }: ResourceRequest): ApiObject {
    const object = this.#store.get(keyOf(resource, namespace, name))
    if (object === undefined) throw notFound(resource, name)
    return object
  }

  #list(request: ResourceRequest): Answer {
    const { resource, accept, query } = request
    const page = listPage(this.#store, request)
    const metadata = {
      resourceVersion: page.resourceVersion,
      ...(page.continueToken && { continue: page.continueToken, remainingItemCount: page.remaining }),
    }
    if (wantsTable(accept))
      return { status: 200, body: { ...tableOf(resource, page.items, query), metadata } }
    const kind = `${resource.kind}List`
    const items = page.items.map(item => toServed(resource, item))
    const apiVersion = apiVersionOf(resource)
    // Nobody should count on an order of fields; but readers of streams may, and a real one sorts custom kinds by name.
    if (resource.custom) return { status: 200, body: { apiVersion, items, kind, metadata } }
    return { status: 200, body: { kind, apiVersion, metadata, items } }
  }

  async #create(request: ResourceRequest): Promise<Answer> {
    const body = toStored(request.resource, readObject(request))
    const { object, warnings } = await this.#writer.create(inStorage(request), body)
    return { ...shown(request, object), status: 201, warnings }
  }

  async #update(request: ResourceRequest): Promise<Answer> {
    const body = readObject(request)
    const expectsVersion = stringOf(at(body, 'metadata', 'resourceVersion')) !== ''
    const change: Change = present => toStored(request.resource, body, present)
    const { object, warnings } = await this.#writer.update(inStorage(request), change, expectsVersion)
    return { ...shown(request, object), warnings }
  }

  async #patch(request: ResourceRequest): Promise<Answer> {
    const { change, expectsVersion } = patchChange(request)
    const { object, warnings } = await this.#writer.update(inStorage(request), change, expectsVersion)
    return { ...shown(request, object), warnings }
  }

  async #delete(request: ResourceRequest): Promise<Answer> {
    const { remaining, object, warnings } = await this.#deleter.delete(
      request,
      deleteOptions(readBody(request)),
    )
    if (remaining !== undefined) return { ...shown(request, remaining), warnings }
    const { name, uid = '' } = object.metadata
    const { group, plural } = request.resource
    const details = { name, ...(group && { group }), kind: plural, uid }
    const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
    return { status: 200, body, warnings }
  }

  async #deleteCollection(request: ResourceRequest): Promise<Answer> {
    const selected = selection(request.resource, request.query)
    const options = deleteOptions(readBody(request))
    const items: ApiObject[] = []
    for (const { object } of this.#store.list(prefixOf(request))) {
      if (!selected(object)) continue
      const { name, namespace = '' } = object.metadata
      await this.#deleter.delete({ ...request, verb: 'delete', name, namespace }, options)
      items.push(object)
    }
    const { resource } = request
    const body = {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(this.#store.revision) },
      items,
    }
    return { status: 200, body }
  }

  /** Writes of a Scale change the workload without passing the webhooks that are registered for the workload. */
  async #scale(request: ResourceRequest): Promise<Answer> {
    if (request.verb === 'get') return { status: 200, body: scaleOf(this.#present(request)) }
    const change = scaleChange(request)
    const { object, warnings } = await this.#writer.update(request, change.change, change.expectsVersion)
    return { status: 200, body: scaleOf(object), warnings }
  }

  #log(request: ResourceRequest): Answer {
    if (request.verb !== 'get') throw methodNotAllowed()
    return { status: 200, body: podLog(this.#cluster, this.#present(request), request.query) }
  }
}

/** The same request for the version that is stored. */
function inStorage(request: ResourceRequest): ResourceRequest {
  return { ...request, resource: storedAs(request.resource) }
}

function patchChange(request: ResourceRequest): { change: Change; expectsVersion: boolean } {
  const { resource, contentType, name } = request
  const kind = patchKind(resource, contentType)
  const patch = readBody(request)
  const change: Change = present =>
    toStored(resource, applyPatch(kind, toServed(resource, present), patch, resource, name), present)
  return { change, expectsVersion: stringOf(at(patch, 'metadata', 'resourceVersion')) !== '' }
}

function scaleChange(request: ResourceRequest): { change: Change; expectsVersion: boolean } {
  const { verb, resource, contentType, name } = request
  if (verb !== 'update' && verb !== 'patch') throw methodNotAllowed()
  const kind = verb === 'patch' ? patchKind(resource, contentType) : undefined
  const body = kind === undefined ? readObject(request) : readBody(request)
  const version = stringOf(at(body, 'metadata', 'resourceVersion'))
  const change: Change = present => {
    const scale =
      kind === undefined ? objectOf(body) : applyPatch(kind, scaleOf(present), body, resource, name)
    return versioned(withScale(present, scale), version)
  }
  return { change, expectsVersion: version !== '' }
}

function versioned(object: JsonObject, version: string): JsonObject {
  if (version === '' || !isObject(object.metadata)) return object
  return { ...object, metadata: { ...object.metadata, resourceVersion: version } }
}

function readObject(request: ResourceRequest): JsonObject {
  const body = readBody(request)
  if (!isObject(body))
    throw badRequest(
      `expected a ${request.resource.kind} in JSON or YAML, the body is ${body === undefined ? 'empty' : 'something else'}`,
    )
  return body
}

function shown({ accept, resource, query }: ResourceRequest, object: ApiObject): Answer {
  if (!wantsTable(accept)) return { status: 200, body: toServed(resource, object) }
  const { resourceVersion = '' } = object.metadata
  return { status: 200, body: { ...tableOf(resource, [object], query), metadata: { resourceVersion } } }
}
