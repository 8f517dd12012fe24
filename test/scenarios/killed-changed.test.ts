import { expect, test } from 'vitest'
import { type Story, tryCrashPoints } from './crash-points.ts'
import { useEnvironment } from './environment.ts'
import type { Shop } from './shop.ts'
import { ourConditions, type View } from './view.ts'

const environment = useEnvironment()

const THIRD: Story = {
  app: { replicas: 4, steps: '25%, approve' },
  async happens(shop) {
    await untilApproval(shop)
    await shop.apply('v3', { steps: '50%' })
  },
  isOver: view => view.version === 'v3' && promoted(view),
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
  isOver: promoted,
  least: 4,
  most: 8,
}

async function untilApproval(shop: Shop): Promise<void> {
  await shop.apply('v2')
  await shop.until('it waits for approval', ({ state, pods }) => state?.step === 1 && pods.length === 4)
}

function promoted(view: View): boolean {
  const nothingLeft =
    view.snapshots.length === 0 && view.canary === undefined && ourConditions(view).length === 0
  return view.state?.phase === 'Succeeded' && nothingLeft
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
