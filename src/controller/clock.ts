/** The clocks of an election, so that a test can put its own in their place. */
export interface Clock {
  /** Milliseconds that only ever rise, whatever somebody does to the clock on the wall. */
  now(): number
  /** Milliseconds since 1970. Written into the Lease for people to read; nothing is decided by it. */
  wall(): number
  /** Calls back after so many milliseconds. @returns a function that cancels it */
  after(milliseconds: number, then: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds)
    return () => clearTimeout(timer)
  },
}
