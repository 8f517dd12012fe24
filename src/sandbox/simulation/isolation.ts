/** Keeps the simulated network a simulation, and says when it works. */
import type { Cluster } from '@ngrok/webernetes'
import { replaceMethod } from './internals.ts'

const POLL_MS = 5

/**
 * Lets no simulated container reach the real network: webernetes sends a request for a name that it does not
 * know to the outside. Such a name does not exist here.
 */
export function closeNetwork(cluster: Cluster): void {
  replaceMethod(cluster.network, 'fetchDefault', async (_context: unknown, target: string | URL) => {
    const { hostname } = new URL(target.toString())
    const cause = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' })
    throw new TypeError('fetch failed', { cause })
  })
}

/** Resolves when the names of Services can be looked up: a pod that starts before that finds nobody. */
export async function untilNamesResolve(cluster: Cluster): Promise<void> {
  const origin = cluster.servers[0]?.node
  while (origin && !cluster.ctx.err()) {
    try {
      const { rcode } = await cluster.network.resolveDns(origin, 'kube-dns.kube-system.svc.cluster.local')
      if (rcode === 'NOERROR') return
    } catch {
      // Nobody listens yet.
    }
    await cluster.clock.wait(POLL_MS)
  }
}
