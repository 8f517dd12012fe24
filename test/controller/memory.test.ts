/**
 * What a large cluster costs the real controller, as a process: counts and heap, which do not depend on the
 * machine. Times and the memory of the whole process are measured by `npm run bench`.
 */
import { afterEach, expect, test } from 'vitest'
import { type MeasuredController, startMeasuredController } from '../bench/measured-controller.ts'

const DEPLOYMENTS = 2_000

let running: MeasuredController[] = []

afterEach(async () => {
  await Promise.all(running.map(controller => controller.stop()))
  running = []
})

async function start(deployments: number): Promise<MeasuredController> {
  const controller = await startMeasuredController({ deployments, oldRevisions: 2 })
  running.push(controller)
  return controller
}

test('a Deployment at rest and its three ReplicaSets take less than a kilobyte of heap', async () => {
  // Not compared with an empty one, of which V8 compiles less.
  const [small, large] = await Promise.all([start(500), start(500 + DEPLOYMENTS)])
  const before = await small.cost({ collect: true })
  const after = await large.cost({ collect: true })
  expect(await large.metric('canaryhook_deployments')).toBe(500 + DEPLOYMENTS)
  expect((after.heapUsed - before.heapUsed) / DEPLOYMENTS).toBeLessThan(1024)
  // Packed, outside of the heap: four objects that were 20 KB as JSON.
  expect((after.arrayBuffers - before.arrayBuffers) / DEPLOYMENTS).toBeLessThan(800)
}, 30_000)

test('it lists in pages, then asks nothing more as long as nothing happens', async () => {
  const controller = await start(DEPLOYMENTS)
  const first = await controller.requests()
  // 2,000 Deployments and 6,000 ReplicaSets in pages of 250, and one list of each of the other kinds.
  expect(first.lists).toBeLessThanOrEqual(8 + 24 + 8)
  await new Promise(resolve => setTimeout(resolve, 1_500))
  const later = await controller.requests()
  expect(later).toMatchObject({ lists: first.lists, others: 0 })
  expect(later.watches).toBeLessThanOrEqual(10)
}, 30_000)
