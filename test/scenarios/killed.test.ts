import { expect, test } from 'vitest'
import { type Story, tryCrashPoints } from './crash-points.ts'
import { useEnvironment } from './environment.ts'
import { isPromoted } from './release-end.ts'
import { Shop } from './shop.ts'
import { names } from './view.ts'

const environment = useEnvironment()

const PROMOTED: Story = {
  app: { replicas: 4, steps: '25%, 50%, 75%' },
  async happens(shop) {
    await shop.apply('v2')
  },
  isOver: isPromoted,
  least: 4,
  most: 5,
}

test('a controller that is killed before or after any of its writes promotes all the same when it is back', async () => {
  const { writes, deaths } = await tryCrashPoints(environment, PROMOTED)
  // The last writes may be saved by a restart.
  expect(deaths).toBeGreaterThanOrEqual(2 * (writes - 2))
})

test('while no controller runs, the former version serves and nothing ships', async () => {
  const shop = await Shop.serving(environment, { replicas: 2, steps: '50%' })
  const before = names(shop.now.pods)
  await environment.controller.kill()
  const { warnings } = await shop.apply('v2')
  expect(warnings.join('\n')).toMatch(/canary 50%/)
  expect(shop.now).toMatchObject({ paused: true, state: { phase: 'Pending' } })
  expect(names(shop.now.pods)).toEqual(before)
  await environment.controller.start()
  await shop.servesAlone('v2', 2)
})
