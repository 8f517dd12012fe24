/** Defaults of a pod's spec and its containers (k8s.io/kubernetes pkg/apis/core/v1/defaults.go). */
import { childObject, isObject, type JsonObject, listOf, objectOf, stringOf } from '../json.ts'

/** Fills in, in place, what the API server would. */
export function defaultPodSpec(spec: JsonObject): void {
  spec.restartPolicy ??= 'Always'
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ??= 'default-scheduler'
  spec.securityContext ??= {}
  if (spec.serviceAccount !== undefined) spec.serviceAccountName ??= spec.serviceAccount
  else if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName
  for (const container of [...listOf(spec.containers), ...listOf(spec.initContainers)]) {
    if (isObject(container)) defaultContainer(container)
  }
  for (const volume of listOf(spec.volumes)) {
    if (isObject(volume)) defaultVolume(volume)
  }
}

function defaultContainer(container: JsonObject): void {
  container.imagePullPolicy ??= pullPolicy(stringOf(container.image))
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.resources ??= {}
  for (const port of listOf(container.ports)) {
    if (isObject(port)) port.protocol ??= 'TCP'
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const given = container[probe]
    if (isObject(given)) defaultProbe(given)
  }
  for (const variable of listOf(container.env)) {
    const fieldRef = objectOf(objectOf(variable).valueFrom).fieldRef
    if (isObject(fieldRef)) fieldRef.apiVersion ??= 'v1'
  }
}

/** Always for :latest or no tag, else IfNotPresent; a digest counts as a tag. */
function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1)
  if (name.includes('@')) return 'IfNotPresent'
  return name.includes(':') && !name.endsWith(':latest') ? 'IfNotPresent' : 'Always'
}

function defaultProbe(probe: JsonObject): void {
  probe.timeoutSeconds ??= 1
  probe.periodSeconds ??= 10
  probe.successThreshold ??= 1
  probe.failureThreshold ??= 3
  const httpGet = probe.httpGet
  if (isObject(httpGet)) {
    httpGet.path ??= '/'
    httpGet.scheme ??= 'HTTP'
  }
  const grpc = probe.grpc
  if (isObject(grpc)) grpc.service ??= ''
}

function defaultVolume(volume: JsonObject): void {
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const given = volume[source]
    if (isObject(given)) given.defaultMode ??= 420
  }
  const hostPath = volume.hostPath
  if (isObject(hostPath)) hostPath.type ??= ''
}

/** The template of a workload: its pod spec, and an absent creationTimestamp as servers print it. */
export function defaultPodTemplate(workloadSpec: JsonObject): void {
  const template = childObject(workloadSpec, 'template')
  dropEmptyMaps(childObject(template, 'metadata'))
  defaultPodSpec(childObject(template, 'spec'))
}

/** A real API server stores protobuf, which knows no difference between an empty map and none. */
function dropEmptyMaps(metadata: JsonObject): void {
  for (const key of ['labels', 'annotations']) {
    const map = metadata[key]
    if (isObject(map) && Object.keys(map).length === 0) delete metadata[key]
  }
}
