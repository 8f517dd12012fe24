/** Lists as tables, which kubectl get prints (meta.k8s.io/v1 Table). */
import type { JsonObject } from '../json.ts'
import type { ApiObject } from '../object.ts'
import type { Resource } from '../resources.ts'
import type { Presenter } from '../watch.ts'
import { type Column, columnsOf } from './columns.ts'

export function wantsTable(accept: string): boolean {
  const first = accept.split(',')[0] ?? ''
  return /as=Table/.test(first) && /g=meta\.k8s\.io/.test(first) && /v=v1\b(?!beta)/.test(first)
}

/** A Table of the objects; each row carries the metadata of its object, or the whole of it, or nothing. */
export function tableOf(
  resource: Resource,
  objects: readonly ApiObject[],
  query: URLSearchParams,
): JsonObject {
  const columns = columnsOf(resource)
  const now = Date.now()
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    columnDefinitions: columns.map(definition),
    rows: objects.map(object => ({
      cells: columns.map(column => column.cell(object, now)),
      object: rowObject(object, query.get('includeObject') ?? 'Metadata'),
    })),
  }
}

/** For a watch: the first event has the column definitions, later ones leave them out. */
export function tablePresenter(resource: Resource, query: URLSearchParams): Presenter {
  let first = true
  return object => {
    const table = tableOf(resource, [object], query)
    const { resourceVersion = '' } = object.metadata
    const columnDefinitions = first ? table.columnDefinitions : null
    first = false
    return { ...table, metadata: { resourceVersion }, columnDefinitions }
  }
}

function definition({
  name,
  type = 'string',
  format = '',
  description = '',
  wide = false,
}: Column): JsonObject {
  return { name, type, format, description, priority: wide ? 1 : 0 }
}

function rowObject(object: ApiObject, include: string): unknown {
  if (include === 'None') return null
  if (include === 'Object') return object
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}
