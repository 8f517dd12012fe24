/** What the simulated containers wrote, as `kubectl logs` and termination messages need it. */

export interface LogAddress {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  /** The log of the container before its last restart. */
  readonly previous?: boolean
}

/** Kept per container, from the end; enough for a person and for a termination message. */
const MOST_CHARACTERS = 64 * 1024
/** Containers remembered; those that started longest ago are forgotten first. */
const MOST_CONTAINERS = 2000

/** The log of one run of one container. */
export class ContainerLog {
  #text = ''

  append(chunk: string): void {
    this.#text = (this.#text + chunk).slice(-MOST_CHARACTERS)
  }

  get text(): string {
    return this.#text
  }
}

/** The logs of all containers of a cluster, two runs of each. */
export class ContainerLogs {
  readonly #runs = new Map<string, { readonly current: ContainerLog; readonly previous?: ContainerLog }>()

  /** Starts the log of a new run; the one before becomes `previous`. */
  start(address: LogAddress): ContainerLog {
    const key = keyOf(address)
    const before = this.#runs.get(key)?.current
    const log = new ContainerLog()
    this.#runs.delete(key)
    this.#runs.set(key, before === undefined ? { current: log } : { current: log, previous: before })
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= MOST_CONTAINERS) break
      this.#runs.delete(oldest)
    }
    return log
  }

  /** @returns undefined when that container never ran, or never restarted when `previous` is asked for */
  read(address: LogAddress): string | undefined {
    const run = this.#runs.get(keyOf(address))
    return (address.previous ? run?.previous : run?.current)?.text
  }
}

function keyOf(address: LogAddress): string {
  return `${address.namespace}/${address.pod}/${address.container}`
}
