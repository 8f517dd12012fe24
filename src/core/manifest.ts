/** What came from a manifest, as opposed to what somebody typed just now. */
import type { KubernetesObject } from './kubernetes.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * Whether the value of an annotation is part of a manifest: the one that `kubectl apply` recorded, or owned by
 * a manager of server-side apply. Such a value comes back with every apply. Another value than the recorded
 * one was typed.
 */
export function isFromManifest(object: KubernetesObject, annotation: string): boolean {
  const recorded = annotationsOf(lastApplied(object))[annotation]
  if (recorded !== undefined && recorded === object.metadata.annotations?.[annotation]) return true
  return (object.metadata.managedFields ?? []).some(
    entry => entry.operation === 'Apply' && ownsAnnotation(entry.fieldsV1, annotation),
  )
}

/** spec.replicas of the manifest that `kubectl apply` recorded, if it names any. */
export function appliedReplicas(object: KubernetesObject): number | undefined {
  const replicas = field(field(lastApplied(object), 'spec'), 'replicas')
  return typeof replicas === 'number' ? replicas : undefined
}

function lastApplied(object: KubernetesObject): unknown {
  const text = object.metadata.annotations?.[LAST_APPLIED]
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function annotationsOf(manifest: unknown): Record<string, unknown> {
  const annotations = field(field(manifest, 'metadata'), 'annotations')
  return typeof annotations === 'object' && annotations !== null ? { ...annotations } : {}
}

/** Source: the fieldsV1 format, `f:<name>` for a field of a map. */
function ownsAnnotation(fields: unknown, annotation: string): boolean {
  const annotations = field(field(fields, 'f:metadata'), 'f:annotations')
  return field(annotations, `f:${annotation}`) !== undefined
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}
