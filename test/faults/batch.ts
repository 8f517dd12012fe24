/** Many schedules, some at a time, on one rig after the other. */
import { startRig } from './rig.ts'
import { type Result, runSchedule } from './run.ts'

export interface BatchOptions {
  /** At the same time. */
  readonly width: number
  /** A rig that has had so many schedules is replaced: what they leave behind makes it slower. */
  readonly perRig: number
}

/** Runs the schedules of these seeds. @param onResult told of each as it ends */
export async function runSeeds(
  seeds: readonly number[],
  { width, perRig }: BatchOptions,
  onResult: (result: Result) => void,
): Promise<void> {
  for (let start = 0; start < seeds.length; start += perRig) {
    const rig = await startRig()
    const left = seeds.slice(start, start + perRig)
    const lane = async () => {
      for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
        onResult(await runSchedule(rig, seed))
      }
    }
    try {
      await Promise.all(Array.from({ length: Math.min(width, left.length) }, lane))
    } finally {
      await rig.stop()
    }
  }
}
