/** Lists with selectors and pages. */
import { parseFieldSelector } from './field-selector.ts'
import { parseLabelSelector } from './label-selector.ts'
import type { ApiObject } from './object.ts'
import type { ResourceRequest } from './request.ts'
import type { Resource } from './resources.ts'
import { badRequest, expired } from './status.ts'
import type { Store } from './store.ts'

export interface Page {
  readonly items: readonly ApiObject[]
  readonly resourceVersion: string
  /** '' on the last page. */
  readonly continueToken: string
  readonly remaining: number
}

interface Continue {
  readonly version: number
  readonly after: string
}

/** Whether an object is one that a request's selectors ask for. @throws StatusError 400 */
export function selection(resource: Resource, query: URLSearchParams): (object: ApiObject) => boolean {
  const byLabels = parseLabelSelector(query.get('labelSelector') ?? '')
  const byFields = parseFieldSelector(resource, query.get('fieldSelector') ?? '')
  return object => byLabels(object.metadata.labels ?? {}) && byFields(object)
}

/** Where the objects of a request are stored. */
export function prefixOf({ resource, namespace }: Pick<ResourceRequest, 'resource' | 'namespace'>): string {
  return namespace === '' ? resource.prefix : `${resource.prefix}${namespace}/`
}

/**
 * One page of a list. Later pages show the objects as they are then, under the resource version of the first
 * page: a watch that starts there tells the differences.
 * @throws StatusError 400 for a selector that cannot be read, 410 when the list must be started anew
 */
export function listPage(store: Store, request: ResourceRequest): Page {
  const { resource, query } = request
  const limit = Number(query.get('limit') ?? 0)
  const start = readContinue(query.get('continue') ?? '')
  if (start !== undefined && start.version < store.forgotten) {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
    )
  }
  const version = start?.version ?? store.revision
  const selected = selection(resource, query)
  const found = store
    .list(prefixOf(request))
    .filter(({ key, object }) => selected(object) && key > (start?.after ?? ''))
  const page = limit > 0 ? found.slice(0, limit) : found
  const remaining = found.length - page.length
  const last = page.at(-1)
  return {
    items: page.map(({ object }) => object),
    resourceVersion: String(version),
    continueToken: remaining > 0 && last ? writeContinue({ version, after: last.key }) : '',
    remaining,
  }
}

function writeContinue(position: Continue): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

function readContinue(token: string): Continue | undefined {
  if (token === '') return undefined
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    const { version, after } = parsed as Partial<Continue>
    if (typeof version === 'number' && typeof after === 'string') return { version, after }
  } catch {
    // Answered like any other token that is not ours.
  }
  throw badRequest(
    'continue key is not valid: expected the value that the former page gave in metadata.continue',
  )
}
