/** Objects for the tests of the simulation, and a way to wait for what should become true. */
import type { Cluster, V1Container, V1Pod, V1PodSpec } from '@ngrok/webernetes'
import { vi } from 'vitest'
import { ANNOTATION_PREFIX } from '../../../src/sandbox/simulation/behaviour.ts'

interface PodOptions {
  /** Without our prefix. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly container?: Partial<V1Container>
  readonly spec?: Partial<V1PodSpec>
}

/** A pod `name` with one container of image shop:v1 and the label app=name. */
export function podTemplate(name: string, { annotations, container, spec }: PodOptions = {}) {
  const prefixed = Object.entries(annotations ?? {}).map(([key, value]) => [ANNOTATION_PREFIX + key, value])
  return {
    metadata: { labels: { app: name }, annotations: Object.fromEntries(prefixed) as Record<string, string> },
    spec: { containers: [{ name: 'app', image: 'shop:v1', ...container }], ...spec },
  }
}

export async function createPod(cluster: Cluster, name: string, options: PodOptions = {}): Promise<void> {
  const { metadata, spec } = podTemplate(name, options)
  await cluster.api.corev1.createNamespacedPod({
    namespace: 'default',
    body: { metadata: { ...metadata, name }, spec },
  })
}

export async function createDeployment(
  cluster: Cluster,
  name: string,
  replicas: number,
  options: PodOptions = {},
) {
  await cluster.api.appsv1.createNamespacedDeployment({
    namespace: 'default',
    body: {
      metadata: { name, namespace: 'default' },
      spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate(name, options) },
    },
  })
}

export async function createService(cluster: Cluster, name: string): Promise<void> {
  await cluster.api.corev1.createNamespacedService({
    namespace: 'default',
    body: { metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] } },
  })
}

export async function readPod(cluster: Cluster, name: string): Promise<V1Pod> {
  return cluster.api.corev1.readNamespacedPod({ namespace: 'default', name })
}

export function stateOf(pod: V1Pod) {
  return pod.status?.containerStatuses?.[0]
}

export function conditionOf(pod: V1Pod, type: string) {
  return pod.status?.conditions?.find(condition => condition.type === type)
}

/** Waits until the check passes. @throws what the check threw last */
export async function eventually(check: () => Promise<void>, timeout = 10_000): Promise<void> {
  await vi.waitFor(check, { timeout, interval: 50 })
}
