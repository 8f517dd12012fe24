/**
 * Loaded into a process that is measured (`node --expose-gc --import`): tells its parent what the process
 * costs, whenever the parent asks.
 */

/** `collect`: garbage first; else everything is as it happens to be. */
export interface Question {
  readonly collect: boolean
}

export interface Cost {
  /** What the process holds of the machine, in bytes. */
  readonly rss: number
  /** Objects on JavaScript's heap. */
  readonly heapUsed: number
  readonly heapTotal: number
  /** Buffers outside of it. */
  readonly arrayBuffers: number
  /** Milliseconds of processor time, of all threads, since it started. */
  readonly cpu: number
  /**
   * The longest time that nothing else could happen since it was asked last, in milliseconds of the main
   * thread's processor time, so that other processes of the machine do not count.
   */
  readonly longestBlock: number
}

/** Milliseconds. A block is told too long by at most this. */
const LOOK = 2
const main = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

let longestBlock = 0
let before = main()
setInterval(() => {
  const now = main()
  longestBlock = Math.max(longestBlock, now - before)
  before = now
}, LOOK).unref()

process.on('message', ({ collect }: Question) => {
  const block = longestBlock
  if (collect) for (let round = 0; round < 3; round += 1) globalThis.gc?.()
  const { rss, heapUsed, heapTotal, arrayBuffers } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const cpu = (user + system) / 1000
  process.send?.({ rss, heapUsed, heapTotal, arrayBuffers, cpu, longestBlock: block } satisfies Cost)
  longestBlock = 0
  before = main()
})
// Its parent is gone.
process.on('disconnect', () => process.exit(0))
