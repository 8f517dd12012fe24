/** What the simulated nodes look like to people and to the scheduler. */
import type { Cluster } from '@ngrok/webernetes'

export interface NodeSize {
  readonly cpu: string
  readonly memory: string
  readonly pods: string
}

/** Roomy, so that only a pod which asks for too much is without a place. */
export const DEFAULT_NODE_SIZE: NodeSize = { cpu: '16', memory: '64Gi', pods: '110' }

/** Labels the nodes as a kubelet does and gives them room. To be called before the cluster boots. */
export function equipNodes(cluster: Cluster, size: NodeSize): void {
  for (const { name, node } of cluster.servers) {
    node.metadata = {
      ...node.metadata,
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...node.metadata?.labels,
      },
    }
    node.status = { ...node.status, capacity: { ...size }, allocatable: { ...size } }
  }
}
