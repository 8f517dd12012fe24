/**
 * A slice of the fault schedules; `npm run test:faults` runs a thousand. The seed of a failure runs it again:
 * `npm run test:faults -- --seeds 1 --from SEED`.
 */
import { expect, test } from 'vitest'
import { runSeeds } from './batch.ts'
import type { Result } from './run.ts'

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1)

test('nothing is lost and nothing breaks its promise, whatever fails meanwhile', {
  timeout: 400_000,
}, async () => {
  const results: Result[] = []
  await runSeeds(SEEDS, { width: 20, perRig: SEEDS.length }, result => results.push(result))
  const failed = results.filter(({ problems }) => problems.length > 0)
  expect(
    failed.map(({ seed, problems, story }) => [`seed ${seed}: ${problems.join('; ')}`, ...story].join('\n')),
  ).toEqual([])
  expect(results).toHaveLength(SEEDS.length)
  // Else it would all have gone well because nothing went wrong.
  expect(results.reduce((sum, { faults }) => sum + faults, 0)).toBeGreaterThan(SEEDS.length * 3)
  expect(new Set(results.map(({ phase }) => phase)).size).toBeGreaterThan(1)
})
