/** How an object that the simulation stored looks to clients of the API. */
import { isObject, type JsonObject } from './json.ts'
import type { ApiObject, Metadata } from './object.ts'
import { apiVersionOf, type Resource } from './resources.ts'

/** With its kind and resource version, and with times in whole seconds, as a real API server prints them. */
export function asShown(resource: Resource, stored: JsonObject, resourceVersion: string): ApiObject {
  const metadata = (isObject(stored.metadata) ? stored.metadata : { name: '' }) as Metadata
  metadata.resourceVersion = resourceVersion
  for (const field of ['creationTimestamp', 'deletionTimestamp'] as const) {
    const time = metadata[field]
    if (time !== undefined) metadata[field] = wholeSeconds(time)
  }
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...content } = stored
  if (resource.simulated) truncateTimes(content.status)
  if (resource.simulated && resource.group === 'apps') leaveOutZeros(resource, content.status)
  if (resource.kind === 'Event') truncateTimes(content)
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, ...content }
}

/** Counts of 0 are not printed (omitempty in apps/v1 types.go), but for the replicas of a ReplicaSet. */
function leaveOutZeros({ kind }: Resource, status: unknown): void {
  if (!isObject(status)) return
  const keeps = kind === 'ReplicaSet' ? 'replicas' : ''
  for (const [field, value] of Object.entries(status)) {
    if (value === 0 && field !== keeps) delete status[field]
  }
}

const FRACTION = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/

function wholeSeconds(time: string): string {
  return time.replace(FRACTION, '$1Z')
}

/** In place, and only the fields that Kubernetes defines as a Time, whose names tell. */
function truncateTimes(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) truncateTimes(item)
  } else if (isObject(value)) {
    for (const [field, inner] of Object.entries(value)) {
      if (typeof inner === 'string' && /(Time|Timestamp|At)$/.test(field)) value[field] = wholeSeconds(inner)
      else truncateTimes(inner)
    }
  }
}
