/** Several control planes run beside each other, each with one file of tests at a time. */
import { inject } from 'vitest'
import type { Reachable } from './setup.ts'

/** The control plane of this file of tests, which has it alone: a file may kill the controller. */
export function ownControlPlane(): Reachable {
  const planes = inject('controlPlanes')
  // vitest numbers the files that run at a time from 1.
  const own = planes[Number(process.env.VITEST_POOL_ID) - 1]
  if (!own)
    throw new Error(`${planes.length} control planes, and none for worker ${process.env.VITEST_POOL_ID}`)
  return own
}
