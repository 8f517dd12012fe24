/**
 * A kind that is served in two versions is stored in one of them and converted on its way in and out: here
 * HorizontalPodAutoscaler, stored as autoscaling/v2 and created as v1 by `kubectl autoscale` up to 1.32.
 */
import { at, isObject, type JsonObject, listOf, objectOf } from './json.ts'
import type { ApiObject } from './object.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { badRequest } from './status.ts'

interface Conversion {
  readonly version: string
  readonly toStored: (spec: JsonObject, present: JsonObject) => JsonObject
  readonly toServed: (spec: JsonObject) => JsonObject
}

/** By group, version and kind as served; a kind that is not here is stored as it is served. */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  'autoscaling/v1/HorizontalPodAutoscaler': {
    version: 'v2',
    toStored: autoscalerToV2,
    toServed: autoscalerToV1,
  },
}

/** The version of a kind that is stored. */
export function storedAs(resource: Resource): Resource {
  const conversion = conversionOf(resource)
  return conversion ? { ...resource, version: conversion.version } : resource
}

/**
 * What a client sent in the version of `resource`, as it is stored.
 * @param present what is stored now, for what the sent version has no fields for
 * @throws StatusError 400 when it is of another version
 */
export function toStored(resource: Resource, sent: JsonObject, present?: ApiObject): JsonObject {
  const conversion = conversionOf(resource)
  if (!conversion) return sent
  const expected = apiVersionOf(resource)
  if (sent.apiVersion !== undefined && sent.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(sent.apiVersion)}) does not match the expected API version (${expected})`,
    )
  }
  const spec = conversion.toStored(objectOf(sent.spec), objectOf(present?.spec))
  return { ...sent, apiVersion: apiVersionOf(storedAs(resource)), spec }
}

/** A stored object in the version of `resource`. */
export function toServed(resource: Resource, object: ApiObject): ApiObject {
  const conversion = conversionOf(resource)
  if (!conversion) return object
  return { ...object, apiVersion: apiVersionOf(resource), spec: conversion.toServed(objectOf(object.spec)) }
}

function conversionOf({ group, version, kind }: Resource): Conversion | undefined {
  return CONVERSIONS[`${group}/${version}/${kind}`]
}

/** pkg/apis/autoscaling/v1/conversion.go; the real one keeps other metrics in annotations, here they stay as they are. */
function autoscalerToV2(spec: JsonObject, present: JsonObject): JsonObject {
  const { targetCPUUtilizationPercentage: cpu, ...rest } = spec
  const metrics = listOf(present.metrics).filter(metric => !isCpuUtilization(metric))
  if (cpu !== undefined && cpu !== null) metrics.unshift(cpuUtilization(cpu))
  return {
    ...rest,
    ...(metrics.length > 0 && { metrics }),
    ...(isObject(present.behavior) && { behavior: present.behavior }),
  }
}

function autoscalerToV1(spec: JsonObject): JsonObject {
  const { metrics, behavior: _, ...rest } = spec
  const cpu = listOf(metrics).find(isCpuUtilization)
  if (cpu === undefined) return rest
  return { ...rest, targetCPUUtilizationPercentage: at(cpu, 'resource', 'target', 'averageUtilization') }
}

/** The metric of an autoscaler that names none is 80 (pkg/apis/autoscaling/v2/defaults.go). */
export function cpuUtilization(averageUtilization: unknown): JsonObject {
  return {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
  }
}

function isCpuUtilization(metric: unknown): boolean {
  return (
    at(metric, 'resource', 'name') === 'cpu' &&
    at(metric, 'resource', 'target', 'averageUtilization') !== undefined
  )
}
