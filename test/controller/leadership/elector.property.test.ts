/**
 * Never two writers: seeded schedules of what can go wrong between candidates, network and API server, in
 * virtual time. `ELECTION_SEEDS=1000` runs more of them.
 */
import { expect, test } from 'vitest'
import { type Candidate, startCandidate } from '../candidates.ts'
import { VirtualApi, type Weather } from '../virtual-api.ts'
import { seeded, VirtualTime } from '../virtual-time.ts'

const SECOND = 1000
/** Clocks of one rate or another; two may differ by less than a fifteenth. */
const RATES = [0.97, 1, 1.03]

/** A run of one seed: things go wrong for two minutes, then no more. */
class Run {
  readonly api: VirtualApi
  readonly log: string[] = []
  readonly #time = new VirtualTime()
  readonly #random: () => number
  readonly #candidates = new Map<string, Candidate>()
  /** The share of slow calls, by candidate. */
  readonly #storms = new Map<string, number>()
  #calm = false
  #tampered = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(seed: number) {
    this.#random = seeded(seed)
    this.api = new VirtualApi(this.#time)
  }

  async all(): Promise<void> {
    this.#start()
    await this.#time.pass(this.#upTo(20 * SECOND))
    this.#start()
    while (this.#time.now < 120 * SECOND) {
      await this.#time.pass(this.#upTo(6 * SECOND))
      this.#goWrong()
    }
    this.#calm = true
    for (const { weather } of this.#candidates.values()) weather.connected = true
    // A standstill of up to 30 s may be under way; a Lease may name somebody who is not there for a minute.
    await this.#time.pass(120 * SECOND)
  }

  leaders(): readonly string[] {
    return [...this.#candidates.values()].filter(({ elector }) => elector.isLeading()).map(({ name }) => name)
  }

  /** Writes of the last ten seconds, by anybody. */
  async writesOnceMore(): Promise<number> {
    const total = () => [...this.api.done.values()].reduce((sum, count) => sum + count, 0)
    const before = total()
    await this.#time.pass(10 * SECOND)
    return total() - before
  }

  #goWrong(): void {
    if (this.#candidates.size === 0) return
    const candidate = this.#pick([...this.#candidates.values()])
    const what = this.#pick([
      'disconnect',
      'disconnect',
      'connect',
      'storm',
      'storm',
      'storm',
      'lull',
      'freeze',
      'freeze',
      'jump',
      'kill',
      'stop',
      'tamper',
      'touch',
    ])
    this.log.push(`${Math.round(this.#time.now)} ms: ${what} ${candidate.name}`)
    switch (what) {
      case 'disconnect':
      case 'connect':
        candidate.weather.connected = what === 'connect'
        return
      case 'storm':
      case 'lull':
        this.#storms.set(candidate.name, what === 'storm' ? this.#pick([0.2, 0.5, 0.9]) : 0)
        return
      case 'freeze':
        candidate.process.freeze(this.#upTo(30 * SECOND))
        return
      case 'jump':
        candidate.process.wallJump = (this.#random() - 0.5) * 1e7
        return
      case 'kill':
        candidate.process.kill()
        this.#replace(candidate)
        return
      case 'stop':
        void candidate.elector.stop().then(() => candidate.process.kill())
        this.#replace(candidate)
        return
      case 'tamper':
        this.#tamper()
        return
      case 'touch':
        this.api.tamper(lease => lease)
    }
  }

  /**
   * Who starts anew and finds no claim takes the Lease, as in client-go: it cannot know whose it was a moment
   * before. So nobody starts for a while after somebody tampered with it, and the other way round.
   */
  #tamper(): void {
    const knowsHolder = ({ said }: Candidate) => said.some(line => /held by|became leader/.test(line))
    if (![...this.#candidates.values()].every(knowsHolder)) return
    this.#tampered = this.#time.now
    const spec = this.#pick([
      {},
      { holderIdentity: '' },
      { holderIdentity: 'nobody', leaseDurationSeconds: 5 },
      { holderIdentity: 3, leaseDurationSeconds: 'x' },
      undefined,
    ])
    this.api.tamper(lease => spec && ({ metadata: lease.metadata, spec } as never))
  }

  #replace({ name }: Candidate): void {
    this.#candidates.delete(name)
    this.#start()
  }

  #start(): void {
    if (this.#time.now - this.#tampered < 60 * SECOND) {
      this.#time.after(10 * SECOND, () => this.#start())
      return
    }
    this.#count += 1
    const name = `c${this.#count}`
    const candidate = startCandidate(this.api, name, {
      offset: this.#random() * 1e9,
      rate: this.#pick(RATES),
      random: this.#random,
      writesEvery: 500 + this.#upTo(3 * SECOND),
      weather: this.#weather(name),
    })
    this.#candidates.set(name, candidate)
  }

  #weather(name: string): Omit<Weather, 'connected'> {
    const isSlow = (): boolean => !this.#calm && this.#random() < (this.#storms.get(name) ?? 0)
    return {
      delay: () => this.#upTo(isSlow() ? 4 * SECOND : 20),
      work: () => this.#upTo(isSlow() ? 12 * SECOND : 20),
      fault: () => (isSlow() ? this.#pick(['none', 'none', 'before', 'after'] as const) : 'none'),
    }
  }

  #upTo(limit: number): number {
    return this.#random() * limit
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T
  }
}

const SEEDS = Number(process.env.ELECTION_SEEDS ?? 25)
const FIRST = Number(process.env.ELECTION_FIRST ?? 1)

test(
  `never two writers, and in the end one: ${SEEDS} schedules`,
  async () => {
    let writes = 0
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
      const run = new Run(seed)
      await run.all()
      const story = () => `seed ${seed}:\n${run.log.join('\n')}`
      expect(run.api.violations, story()).toEqual([])
      expect(run.leaders(), story()).toHaveLength(1)
      expect(await run.writesOnceMore(), story()).toBeGreaterThan(5)
      writes += [...run.api.done.values()].reduce((sum, count) => sum + count, 0)
    }
    // The schedules would show nothing if hardly anybody ever led.
    expect(writes).toBeGreaterThan(100 * SEEDS)
  },
  60_000 + 1000 * SEEDS,
)
