import { expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import { cronJobs } from '../../src/cluster/resources.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { type Story, tryCrashPoints } from './crash-points.ts'
import { useEnvironment } from './environment.ts'
import { isPromoted } from './release-end.ts'
import { smoke } from './smoke.ts'

const environment = useEnvironment()

const TESTED: Story = {
  app: { replicas: 4, steps: 'test, 25%, test, approve, 50%', settings: { test: 'cronjob/shop-smoke' } },
  async happens(shop) {
    await shop.admin.create(cronJobs as Resource<KubernetesObject>, shop.namespace, smoke(0))
    await shop.apply('v2')
    await shop.until('it waits for approval', ({ state }) => state?.step === 3, 60_000)
    await shop.command('approve')
  },
  isOver: isPromoted,
  least: 4,
  most: 5,
}

test('a controller that is killed before or after any of its writes goes on with tests and approvals', async () => {
  const { writes, deaths } = await tryCrashPoints(environment, TESTED)
  expect(deaths).toBeGreaterThanOrEqual(1.5 * (writes - 2))
})
