/** Who would get a Service's requests, by what its EndpointSlices say: kwok's pods answer none. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Resource } from '../../src/cluster/port.ts'
import { pods } from '../../src/cluster/resources.ts'
import type { KubernetesObject, Pod } from '../../src/core/kubernetes.ts'
import type { ApiClient } from './api-client.ts'
import type { Traffic } from './environment.ts'

interface EndpointSlice extends KubernetesObject {
  readonly endpoints?:
    | readonly {
        readonly conditions?: { readonly ready?: boolean }
        readonly targetRef?: { readonly name?: string }
      }[]
    | null
}

const endpointSlices: Resource<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
}

/** EndpointSlices follow the pods within a moment. */
const PATIENCE = 2_000

/**
 * The share of each version, if each ready endpoint got as many of the requests.
 * Waits a moment for the endpoints to be those of the pods that are ready.
 */
export async function shareOf(
  client: ApiClient,
  namespace: string,
  service: string,
  requests: number,
): Promise<Traffic> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    const { serving, versions } = await endpointsOf(client, namespace, service)
    if (serving.every(name => versions.has(name)) || Date.now() > deadline) {
      return spread(
        requests,
        serving.map(name => versions.get(name)),
      )
    }
    await sleep(50)
  }
}

/** The pods in the ready endpoints, and the versions of those pods that answer and stay. */
async function endpointsOf(client: ApiClient, namespace: string, service: string) {
  const slices = await client.list(endpointSlices, namespace)
  const serving = slices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ targetRef }) => targetRef?.name ?? '')
  const ready = (await client.list(pods, namespace)).filter(isServing)
  return { serving, versions: new Map(ready.map(pod => [pod.metadata.name, versionOf(pod)])) }
}

/** Each in turn. Without any endpoint every request fails, as does one to a pod that is gone. */
function spread(requests: number, versions: readonly (string | undefined)[]): Traffic {
  const byVersion: Record<string, number> = {}
  let errors = 0
  for (let request = 0; request < requests; request += 1) {
    const version = versions[request % versions.length]
    if (version === undefined) errors += 1
    else byVersion[version] = (byVersion[version] ?? 0) + 1
  }
  return { requests, errors, byVersion }
}

/** Whoever is sent to a pod that runs is answered: a Service may lead to one that a gate keeps from being Ready. */
function isServing({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some(
    ({ type, status }) => type === 'ContainersReady' && status === 'True',
  )
  return metadata.deletionTimestamp === undefined && ready === true
}

function versionOf(pod: Pod): string {
  return pod.spec?.containers?.[0]?.image?.split(':').at(-1) ?? ''
}
