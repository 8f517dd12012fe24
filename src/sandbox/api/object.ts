/** The shape that every object of the API has, as it travels and as it is stored. */
import type { JsonObject } from './json.ts'

export interface OwnerReference extends JsonObject {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface Metadata extends JsonObject {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
}

export interface ApiObject extends JsonObject {
  apiVersion: string
  kind: string
  metadata: Metadata
}

/** Kubernetes' own format of a time in an object: RFC 3339 without fractions of a second. */
export function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`
}
