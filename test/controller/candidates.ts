/** Candidates for one Lease in virtual time, each with writes to make for as long as it leads. */
import { type DestinationStream, pino } from 'pino'
import type { Cluster } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import { ELECTION_SETTINGS } from '../../src/controller/leadership/election.ts'
import { type Elector, startElector } from '../../src/controller/leadership/elector.ts'
import { fenced } from '../../src/controller/leadership/fenced.ts'
import type { Term } from '../../src/controller/leadership/term.ts'
import { FAIR, LEASE, type VirtualApi, type Weather } from './virtual-api.ts'
import { type ProcessOptions, VirtualProcess } from './virtual-time.ts'

export interface Candidate {
  readonly name: string
  readonly process: VirtualProcess
  readonly weather: Weather
  readonly elector: Elector
  /** What it logged, oldest first. */
  readonly said: readonly string[]
}

export interface CandidateOptions extends ProcessOptions {
  readonly weather?: Partial<Weather>
  readonly random?: () => number
  /** Milliseconds between the writes that it makes while it leads. */
  readonly writesEvery?: number
}

export function startCandidate(api: VirtualApi, name: string, options: CandidateOptions = {}): Candidate {
  const process = new VirtualProcess(api.time, options)
  const weather: Weather = { ...FAIR, connected: true, ...options.weather }
  const cluster = api.clusterFor(name, process, weather)
  const said: string[] = []
  const stream: DestinationStream = {
    write: line => {
      said.push((JSON.parse(line) as { msg: string }).msg)
    },
  }
  const elector = startElector({
    cluster,
    lease: LEASE,
    identity: name,
    settings: ELECTION_SETTINGS,
    clock: process.clock,
    random: options.random ?? (() => 0.5),
    log: pino({}, stream),
    onTerm: term => write(cluster, term, process, options.writesEvery ?? 700),
  })
  return { name, process, weather, elector, said }
}

/** Three runs at a time, each of three writes that follow one another at once, as reconciling makes them. */
function write(cluster: Cluster, term: Term, process: VirtualProcess, every: number): void {
  const permitted = fenced(cluster, term)
  const ref = { namespace: 'default', name: 'shop' }
  const again = async (): Promise<void> => {
    if (term.isOver()) return
    try {
      for (let writes = 0; writes < 3; writes += 1) {
        await permitted.patch(deployments, ref, { type: 'merge', body: {} })
      }
    } catch {
      // Refused or lost: the next run tries again, if the term lasts.
    }
    process.wake(every, again)
  }
  for (let worker = 0; worker < 3; worker += 1) process.wake((every * worker) / 3, again)
}
