/**
 * The port to Kubernetes with faults in it, as a layer over any other implementation of the port. Every fault
 * follows from dice, so that the same seed makes the same faults again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, Cluster, Resource, Watching, WatchOptions } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import type { Dice } from './dice.ts'
import { type FaultyWatch, startFaultyWatch, type WatchFaults } from './faulty-watch.ts'
import { type Call, faultOf, type WriteFaults } from './faulty-writes.ts'
import { type History, recordHistory } from './history.ts'

export interface FaultSettings {
  readonly writes: WriteFaults
  readonly watches: WatchFaults
  /** Every watch sees this namespace alone, as if the process had been told so; all when left out. */
  readonly namespace?: string
}

/** A call that a process made, and what became of it. */
export interface Asked extends Call {
  /** Milliseconds since the layer was made. */
  readonly at: number
  /** The fault that was put in its way; '' for none. */
  readonly fault: string
}

export interface FaultyCluster {
  /** The cluster as one process sees it, with caches of its own. */
  connect(): Cluster
  /** The process that connected last is dead: it hears nothing more, and no call of it comes back or is begun. */
  crash(): void
  /** No more faults, and everything that was held back is told. */
  heal(): void
  /** When it was made, in milliseconds of performance.now(). */
  readonly began: number
  /** Oldest first; Events left out. */
  readonly calls: readonly Asked[]
  /** Faults of watches, in words. */
  readonly watchFaults: readonly string[]
}

interface Process {
  alive: boolean
  readonly watches: FaultyWatch<KubernetesObject>[]
}

/** @param cluster what is really there; never closed by this layer */
export function faulty(cluster: Cluster, dice: Dice, settings: FaultSettings): FaultyCluster {
  const start = performance.now()
  const calls: Asked[] = []
  const watchFaults: string[] = []
  const histories = new Map<string, History<KubernetesObject>>()
  let current: Process = { alive: false, watches: [] }
  let lives = 0
  let healed = false

  function historyOf<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions<T>,
  ): History<T> {
    const { keep: _keep, slim: _slim, ...selection } = options
    const { namespace } = settings
    const narrowed = namespace === undefined ? selection : { ...selection, namespace }
    const key = `${resource.plural} ${JSON.stringify(narrowed)}`
    const known = histories.get(key) as History<T> | undefined
    if (known) return known
    const history = recordHistory(cluster, resource, narrowed)
    histories.set(key, history as unknown as History<KubernetesObject>)
    return history
  }

  function watchFor(process: Process, chance: Dice): Cluster['watch'] {
    return <T extends KubernetesObject>(
      resource: Resource<T>,
      options: WatchOptions<T>,
      onChange: (change: Change<T>) => void,
    ): Watching<T> => {
      const watch = startFaultyWatch({
        history: historyOf(resource, options),
        options,
        onChange,
        dice: chance.for(resource.plural),
        faults: settings.watches,
        note: fault => watchFaults.push(`${resource.plural}: ${fault}`),
        healed,
      })
      process.watches.push(watch as unknown as FaultyWatch<KubernetesObject>)
      return watch
    }
  }

  async function call<T>(process: Process, chance: Dice, asked: Call, run: () => Promise<T>): Promise<T> {
    if (!process.alive) return never()
    const fault = healed ? undefined : faultOf(asked, chance, settings.writes)
    if (asked.plural !== 'events') {
      calls.push({ ...asked, at: performance.now() - start, fault: fault?.name ?? '' })
    }
    const answer = await (fault ? suffer(fault, run) : run()).catch((error: unknown) => {
      if (process.alive) throw error
      return never<T>()
    })
    return process.alive ? answer : never()
  }

  return {
    began: start,
    calls,
    watchFaults,
    connect() {
      lives += 1
      const process: Process = { alive: true, watches: [] }
      current = process
      const chance = dice.for(`life ${lives}`)
      const through = <T>(asked: Call, run: () => Promise<T>) => call(process, chance, asked, run)
      return {
        watch: watchFor(process, chance),
        read: (resource, ref) => {
          const asked = { verb: 'read', plural: resource.plural, name: ref.name, subresource: '' } as const
          return through(asked, () => cluster.read(resource, ref))
        },
        create: (resource, namespace, object, options) => {
          const { name } = object.metadata
          const asked = { verb: 'create', plural: resource.plural, name, subresource: '' } as const
          return through(asked, () => cluster.create(resource, namespace, object, options))
        },
        patch: (resource, ref, patch, subresource, options) => {
          const { plural } = resource
          const asked = { verb: 'patch', plural, name: ref.name, subresource: subresource ?? '' } as const
          return through(asked, () => cluster.patch(resource, ref, patch, subresource, options))
        },
        remove: (resource, ref, preconditions, options) => {
          const asked = { verb: 'delete', plural: resource.plural, name: ref.name, subresource: '' } as const
          return through(asked, () => cluster.remove(resource, ref, preconditions, options))
        },
        close: async () => stop(process),
      }
    },
    crash: () => stop(current),
    heal() {
      healed = true
      for (const watch of current.watches) watch.heal()
    },
  }
}

function stop(process: Process): void {
  process.alive = false
  for (const watch of process.watches) watch.stop()
}

/** Does the write, or not, and tells the truth about it, or not. */
async function suffer<T>(
  { effect, error, wait }: NonNullable<ReturnType<typeof faultOf>>,
  run: () => Promise<T>,
): Promise<T> {
  if (typeof effect === 'number') {
    // Nobody waits for it, and what comes of it nobody hears.
    setTimeout(() => run().catch(() => {}), effect)
  }
  const answer = effect === 'done' ? await run() : undefined
  if (wait > 0) await sleep(wait)
  if (error) throw error
  return answer as T
}

/** A dead process hears of nothing. */
function never<T>(): Promise<T> {
  return new Promise(() => {})
}
