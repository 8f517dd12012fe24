/**
 * `npm run bench`: what the controller costs in a cluster with 10,000 annotated Deployments. Prints each figure
 * as a share of its limit, and ends with 1 when one is over it. Times are only measured here, not in the tests:
 * they are about a machine with nothing else to do.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type MeasuredController, startMeasuredController } from './measured-controller.ts'
import type { Cost } from './probe.ts'

const DEPLOYMENTS = 10_000
const MB = 1024 * 1024

interface Row {
  readonly what: string
  readonly measured: number
  readonly limit: number
  readonly unit: string
}

/** Starts a controller over so many Deployments, measures, and ends it. */
async function measured<T>(
  deployments: number,
  run: (controller: MeasuredController) => Promise<T>,
): Promise<T> {
  const controller = await startMeasuredController({ deployments, oldRevisions: 2 })
  try {
    return await run(controller)
  } finally {
    await controller.stop()
  }
}

async function settled(
  controller: MeasuredController,
): Promise<{ readonly before: Cost; readonly after: Cost }> {
  await sleep(2_000)
  const before = await controller.cost({ collect: false })
  return { before, after: await controller.cost({ collect: true }) }
}

const empty = await measured(0, settled)
const rows = await measured(DEPLOYMENTS, async (controller): Promise<readonly Row[]> => {
  const { before, after } = await settled(controller)
  const requests = await controller.requests()
  await sleep(5_000)
  const later = await controller.requests()
  const total = ({ lists, watches, others }: typeof requests) => lists + watches + others
  await controller.cost({ collect: false })
  await controller.change(2_000)
  await sleep(3_000)
  const changed = await controller.cost({ collect: false })
  return [
    { what: 'memory of an empty controller', measured: empty.before.rss / MB, limit: 120, unit: 'MB' },
    {
      what: `more with ${DEPLOYMENTS} Deployments`,
      measured: (before.rss - empty.before.rss) / MB,
      limit: 25,
      unit: 'MB',
    },
    {
      what: 'heap for each Deployment',
      measured: (after.heapUsed - empty.after.heapUsed) / DEPLOYMENTS,
      limit: 1024,
      unit: 'bytes',
    },
    { what: 'longest block of the first lists', measured: before.longestBlock, limit: 25, unit: 'ms' },
    { what: 'longest block of 2000 changes at once', measured: changed.longestBlock, limit: 25, unit: 'ms' },
    { what: 'requests in 5 s of nothing', measured: total(later) - total(requests), limit: 0, unit: '' },
  ]
})

for (const { what, measured: value, limit, unit } of rows) {
  const share = limit === 0 ? '' : ` (${Math.round((100 * value) / limit)}%)`
  const verdict = value <= limit ? '' : '  TOO MUCH'
  process.stdout.write(`${what.padEnd(40)} ${value.toFixed(0)} of ${limit} ${unit}${share}${verdict}\n`)
}
process.exitCode = rows.every(({ measured: value, limit }) => value <= limit) ? 0 : 1
