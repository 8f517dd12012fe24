/**
 * For writes that somebody else may undo, and that would be done again at once, and undone again: so many as they
 * come, then one in a while. A cluster in which two cannot agree shall not have to work for it.
 */
export interface Damper {
  /** @returns milliseconds until it may be done for that key; 0: now, and it counts as done */
  wait(key: string, now: number): number
  forget(key: string): void
}

/** @param most how many at once @param interval milliseconds after which there may be one more */
export function createDamper(most: number, interval: number): Damper {
  /** When there would be no one to wait for any more if nothing is done until then. */
  const free = new Map<string, number>()
  return {
    wait(key, now) {
      const next = Math.max(now, free.get(key) ?? now) + interval
      const wait = next - now - most * interval
      if (wait > 0) return wait
      free.set(key, next)
      return 0
    },
    forget: key => {
      free.delete(key)
    },
  }
}
