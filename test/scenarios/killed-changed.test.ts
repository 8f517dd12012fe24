import { expect, test } from 'vitest'
import { type Story, tryCrashPoints, untilApproval } from './crash-points.ts'
import { useEnvironment } from './environment.ts'
import { isPromoted } from './release-end.ts'

const environment = useEnvironment()

const THIRD: Story = {
  app: { replicas: 4, steps: '25%, approve' },
  async happens(shop) {
    await untilApproval(shop)
    await shop.apply('v3', { steps: '50%' })
  },
  isOver: view => view.version === 'v3' && isPromoted(view),
  least: 4,
  most: 5,
}

const SCALED: Story = {
  app: { replicas: 4, steps: '25%, approve, 50%' },
  async happens(shop) {
    await untilApproval(shop)
    await shop.scale(6)
    await shop.until('the new total is known', ({ state }) => state?.total === 6)
    await shop.command('approve')
  },
  isOver: isPromoted,
  least: 4,
  most: 8,
}

test.each([
  ['another version comes', THIRD],
  ['somebody scales', SCALED],
])(
  'a controller that is killed before or after any of its writes goes on when %s in mid-release',
  async (_what, story) => {
    const { writes, deaths } = await tryCrashPoints(environment, story)
    // How many slices it takes is a matter of time where sizes change: others may have fewer writes than the first.
    expect(deaths).toBeGreaterThanOrEqual(1.5 * (writes - 2))
  },
)
