/** Time that passes only when a test says so, for several processes with clocks of their own that may stand still. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/controller/clock.ts'

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Milliseconds since the test began; every process sees them through a clock of its own. */
export class VirtualTime {
  now = 0
  #planned: Planned[] = []
  #order = 0

  at(time: number, run: () => void): () => void {
    const planned = { at: Math.max(time, this.now), order: this.#order++, run }
    const index = this.#planned.findIndex(other => other.at > planned.at)
    this.#planned.splice(index === -1 ? this.#planned.length : index, 0, planned)
    return () => {
      this.#planned = this.#planned.filter(other => other !== planned)
    }
  }

  after(milliseconds: number, run: () => void): () => void {
    return this.at(this.now + milliseconds, run)
  }

  /** Lets so much time pass, with everything that happens in it. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds
    await setImmediate()
    for (let next = this.#planned[0]; next && next.at <= end; next = this.#planned[0]) {
      this.#planned.shift()
      this.now = next.at
      next.run()
      // Whatever follows without waiting happens at the same instant.
      await setImmediate()
    }
    this.now = end
  }
}

export interface ProcessOptions {
  /** What its monotonic clock showed when the test began. */
  readonly offset?: number
  /** How fast its clock runs: 1.01 gains one second in a hundred. */
  readonly rate?: number
}

/** One process: its clocks, and whether it runs, stands still (SIGSTOP, a paused machine) or is dead. */
export class VirtualProcess {
  readonly clock: Clock
  /** Added to the clock on the wall: a jump. */
  wallJump = 0
  #frozenUntil = 0
  #isDead = false
  readonly #time: VirtualTime
  readonly #rate: number

  constructor(time: VirtualTime, { offset = 0, rate = 1 }: ProcessOptions = {}) {
    this.#time = time
    this.#rate = rate
    this.clock = {
      now: () => offset + time.now * rate,
      wall: () => Date.UTC(2026, 0, 1) + time.now + this.wallJump,
      after: (milliseconds, then) => this.wake(milliseconds / rate, then),
    }
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Nothing of it runs until then; what came meanwhile it finds afterwards. */
  freeze(milliseconds: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#time.now + milliseconds)
  }

  kill(): void {
    this.#isDead = true
  }

  /** A timer of the process. After a standstill timers run after what came over the network. */
  wake(milliseconds: number, run: () => void): () => void {
    return this.#plan(this.#time.now + milliseconds, 0.001, run)
  }

  /** Something comes to the process over the network. */
  receive(run: () => void, delay = 0): void {
    this.#plan(this.#time.now + delay, 0, run)
  }

  /** Milliseconds of true time in which its clock shows so many. */
  trueTime(milliseconds: number): number {
    return milliseconds / this.#rate
  }

  #plan(at: number, late: number, run: () => void): () => void {
    let cancel = () => {}
    const due = () => {
      if (this.#isDead) return
      if (this.#time.now < this.#frozenUntil) cancel = this.#time.at(this.#frozenUntil + late, due)
      else run()
    }
    cancel = this.#time.at(at, due)
    return () => cancel()
  }
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
