/** Reaches every API client of a simulated cluster: its own, and those that its controllers and pods make. */
import { AppsV1Api, type Cluster, CoreV1Api } from '@ngrok/webernetes'

export interface ClientGuards {
  readonly core?: (api: Cluster['api']['corev1']) => void
  readonly apps?: (api: Cluster['api']['appsv1']) => void
}

/** Lets each guard change each client, once, before it is used. To be called before the cluster boots. */
export function guardClients(cluster: Cluster, guards: ClientGuards): void {
  guards.core?.(cluster.api.corev1)
  guards.apps?.(cluster.api.appsv1)
  const make = cluster.kubeConfig.makeApiClient.bind(cluster.kubeConfig)
  cluster.kubeConfig.makeApiClient = type => {
    const client = make(type)
    if (client instanceof CoreV1Api) guards.core?.(client)
    if (client instanceof AppsV1Api) guards.apps?.(client)
    return client
  }
}
