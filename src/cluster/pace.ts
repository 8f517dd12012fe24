/**
 * Shares the process between those who have much to do at once and everybody else: whoever works off a long
 * row of objects asks after each of them whether it is time to let others go first.
 */

/** @returns a promise to wait for, or undefined as long as there is time */
export type Pace = () => Promise<void> | undefined

/** Long enough that yielding costs little; with a garbage collection on top still less than a caller may notice. */
const SLICE = 2

/**
 * Makes a pace that all share who work in the same process: together they take `slice` milliseconds of each
 * turn of the event loop, and go on in the next one, after what has arrived meanwhile.
 *
 * @param now milliseconds, as performance.now
 */
export function createPace(slice = SLICE, now: () => number = () => performance.now()): Pace {
  let turn: { readonly began: number; readonly over: Promise<void> } | undefined

  return () => {
    if (!turn) {
      const over = new Promise<void>(resolve => {
        setImmediate(() => {
          turn = undefined
          resolve()
        })
      })
      turn = { began: now(), over }
    }
    return now() - turn.began < slice ? undefined : turn.over
  }
}
