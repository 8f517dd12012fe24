/**
 * What the API server fills in when a field is left out, for the kinds that matter here
 * (defaults.go of each API group). Called before admission, so webhooks see the defaulted object, and again after it.
 */
import { childObject, isObject, type JsonObject, listOf, objectOf } from '../json.ts'
import type { ApiObject } from '../object.ts'
import type { Resource } from '../resources.ts'
import { cpuUtilization } from '../versions.ts'
import { defaultPodSpec, defaultPodTemplate } from './pod-template.ts'

/** Fills in defaults in place. Fields that are null count as left out. */
export function setDefaults(resource: Resource, object: ApiObject): void {
  if (resource.custom) return
  dropNulls(object)
  DEFAULTS[`${resource.group}/${resource.kind}`]?.(object)
}

const DEFAULTS: Readonly<Record<string, (object: ApiObject) => void>> = {
  '/Pod': object => {
    const spec = childObject(object, 'spec')
    defaultPodSpec(spec)
    spec.enableServiceLinks ??= true
    spec.preemptionPolicy ??= 'PreemptLowerPriority'
    spec.priority ??= 0
    spec.serviceAccountName ??= 'default'
    spec.serviceAccount ??= spec.serviceAccountName
  },
  '/Service': defaultService,
  '/Secret': object => {
    object.type ??= 'Opaque'
    mergeStringData(object)
  },
  '/Namespace': object => {
    childObject(object.metadata, 'labels')['kubernetes.io/metadata.name'] = object.metadata.name
    childObject(object, 'spec').finalizers ??= ['kubernetes']
  },
  'apps/Deployment': object => {
    const spec = childObject(object, 'spec')
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    defaultStrategy(childObject(spec, 'strategy'))
    defaultPodTemplate(spec)
  },
  'apps/ReplicaSet': object => {
    const spec = childObject(object, 'spec')
    spec.replicas ??= 1
    defaultPodTemplate(spec)
  },
  'batch/Job': object => defaultJob(childObject(object, 'spec')),
  'batch/CronJob': object => {
    const spec = childObject(object, 'spec')
    spec.concurrencyPolicy ??= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    const template = childObject(childObject(spec, 'jobTemplate'), 'spec')
    defaultPodTemplate(template)
  },
  'autoscaling/HorizontalPodAutoscaler': object => {
    const spec = childObject(object, 'spec')
    spec.minReplicas ??= 1
    if (listOf(spec.metrics).length === 0) spec.metrics = [cpuUtilization(80)]
  },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': defaultWebhooks,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': defaultWebhooks,
}

function defaultStrategy(strategy: JsonObject): void {
  strategy.type ??= 'RollingUpdate'
  if (strategy.type !== 'RollingUpdate') return
  const rollingUpdate = childObject(strategy, 'rollingUpdate')
  rollingUpdate.maxUnavailable ??= '25%'
  rollingUpdate.maxSurge ??= '25%'
}

function defaultService(object: ApiObject): void {
  const spec = childObject(object, 'spec')
  spec.type ??= 'ClusterIP'
  spec.sessionAffinity ??= 'None'
  spec.internalTrafficPolicy ??= 'Cluster'
  spec.ipFamilies ??= ['IPv4']
  spec.ipFamilyPolicy ??= 'SingleStack'
  if (spec.clusterIP === 'None') spec.clusterIPs ??= ['None']
  for (const port of listOf(spec.ports)) {
    if (!isObject(port)) continue
    port.protocol ??= 'TCP'
    port.targetPort ??= port.port
  }
}

function defaultJob(spec: JsonObject): void {
  spec.completions ??= 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= 6
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= 'TerminatingOrFailed'
  defaultPodTemplate(spec)
}

function defaultWebhooks(object: ApiObject): void {
  const mutating = object.kind === 'MutatingWebhookConfiguration'
  for (const webhook of listOf(object.webhooks)) {
    if (!isObject(webhook)) continue
    webhook.failurePolicy ??= 'Fail'
    webhook.matchPolicy ??= 'Equivalent'
    webhook.timeoutSeconds ??= 10
    webhook.namespaceSelector ??= {}
    webhook.objectSelector ??= {}
    if (mutating) webhook.reinvocationPolicy ??= 'Never'
    for (const rule of listOf(webhook.rules)) {
      if (isObject(rule)) rule.scope ??= '*'
    }
  }
}

/** A Secret's stringData is a write-only convenience: it ends up, encoded, in data. */
function mergeStringData(object: ApiObject): void {
  const plain = Object.entries(objectOf(object.stringData))
  if (plain.length === 0) return
  const data = childObject(object, 'data')
  for (const [key, value] of plain) data[key] = Buffer.from(String(value)).toString('base64')
  delete object.stringData
}

/** The typed decoder of a real server has no nulls: a field that is null is one that is not set. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item)
  } else if (isObject(value)) {
    for (const [field, inner] of Object.entries(value)) {
      if (inner === null) delete value[field]
      else dropNulls(inner)
    }
  }
}
