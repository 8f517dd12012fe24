/**
 * A Kubernetes cluster in this process: webernetes' ports of the real controllers and kubelet, with images,
 * scheduler and admission of our own, so that any manifest runs and failures can be asked for.
 */
import { Cluster } from '@ngrok/webernetes'
import { ContainerLogs, type LogAddress } from './container-logs.ts'
import { runEveryImage } from './image-registry.ts'
import { closeNetwork, untilNamesResolve } from './isolation.ts'
import { liftPullLimit, type RestartBackoff, setRestartBackoff, showCrashLoops } from './kubelet-settings.ts'
import { DEFAULT_NODE_SIZE, equipNodes, type NodeSize } from './nodes.ts'
import { admitPods, type QuotasOf } from './pod-admission.ts'
import { holdReadiness } from './readiness.ts'
import { SimulatedScheduler } from './scheduler.ts'
import { SimulatedImage } from './simulated-image.ts'
import { skipUnchangedStatus } from './unchanged-status.ts'

export interface SimulationOptions {
  /** 3 when left out. */
  readonly nodes?: number
  readonly nodeSize?: NodeSize
  /** Between the restarts of a container: 0.5 s to 10 s when left out, so that a crash loop can be watched. */
  readonly restartBackoff?: RestartBackoff
  /** The ResourceQuotas of a namespace; they live outside this cluster. None when left out. */
  readonly quotasOf?: QuotasOf
}

const QUICK_RESTARTS: RestartBackoff = { initial: 500, most: 10_000 }

const logsOf = new WeakMap<Cluster, ContainerLogs>()

/** Boots a cluster; nothing waits on the network. `close()` on what comes back ends it. */
export async function createSimulatedCluster(options: SimulationOptions = {}): Promise<Cluster> {
  const cluster = new Cluster({ nodes: options.nodes ?? 3 })
  const logs = new ContainerLogs()
  logsOf.set(cluster, logs)
  runEveryImage(cluster.imageRegistry, () => new SimulatedImage(logs))
  cluster.imageRegistry.register(SimulatedScheduler)
  equipNodes(cluster, options.nodeSize ?? DEFAULT_NODE_SIZE)
  for (const server of cluster.servers) {
    setRestartBackoff(server, options.restartBackoff ?? QUICK_RESTARTS)
    liftPullLimit(server)
    holdReadiness(cluster, server)
    showCrashLoops(cluster, server)
  }
  closeNetwork(cluster)
  admitPods(cluster, options.quotasOf ?? (() => []))
  skipUnchangedStatus(cluster)
  await cluster.init()
  await untilNamesResolve(cluster)
  return cluster
}

/**
 * What a container wrote, stdout and stderr together, the end of it when that is long.
 * @returns undefined for a container that never ran here
 */
export function readContainerLog(cluster: Cluster, address: LogAddress): string | undefined {
  return logsOf.get(cluster)?.read(address)
}
