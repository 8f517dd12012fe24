/**
 * A write that changes nothing is no write: the API server of a real cluster keeps the resource version and
 * tells no watcher (apiserver/pkg/storage/etcd3/store.go, GuaranteedUpdate). webernetes stores it anew, and a
 * controller whose next status differs from the stored one by nothing but an undefined field writes for ever.
 */
import type { Cluster } from '@ngrok/webernetes'
import { guardClients } from './api-clients.ts'

/** Makes status writes of Deployments and ReplicaSets as a real API server does. */
export function skipUnchangedStatus(cluster: Cluster): void {
  guardClients(cluster, {
    apps: api => {
      const writeDeployment = api.replaceNamespacedDeploymentStatus.bind(api)
      api.replaceNamespacedDeploymentStatus = async request => {
        const stored = await api.readNamespacedDeployment(request)
        return changes(stored, request.body) ? writeDeployment(request) : stored
      }
      const writeReplicaSet = api.replaceNamespacedReplicaSetStatus.bind(api)
      api.replaceNamespacedReplicaSetStatus = async request => {
        const stored = await api.readNamespacedReplicaSet(request)
        return changes(stored, request.body) ? writeReplicaSet(request) : stored
      }
    },
  })
}

/** webernetes asks for no resource version here, so neither do we. */
function changes(stored: { readonly status?: unknown }, written: { readonly status?: unknown }): boolean {
  return canonical(stored.status) !== canonical(written.status)
}

/** As JSON, fields in the order of their names; fields that are undefined are not there. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? {}, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
