import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'

/** Milliseconds between two looks at the clock. */
const RESOLUTION = 10

/**
 * Measures how long the process did nothing but one thing: a longer block than a few hundredths of a second
 * means that something in it does not let others go first. Costs a timer of libuv, no JavaScript.
 *
 * @returns what ends it
 */
export function measureEventLoop(register: Registry): () => void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION })
  delays.enable()
  new Gauge({
    name: 'canaryhook_event_loop_block_seconds',
    help: 'The longest time that the process was busy with one thing, since it started.',
    registers: [register],
    collect() {
      // What is recorded is the time from look to look, of which the wait between them is no block.
      this.set(Math.max(0, delays.max / 1e9 - RESOLUTION / 1e3))
    },
  })
  return () => delays.disable()
}
