import { expect, test } from 'vitest'
import type { Resource } from '../../src/cluster/port.ts'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { type Story, tryCrashPoints, untilApproval } from './crash-points.ts'
import { useEnvironment } from './environment.ts'
import { condition, ready, type View } from './view.ts'

const environment = useEnvironment()
const quotas: Resource<KubernetesObject> = {
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
}

/** Its first step stands; then there is no room for one more pod, until the release has failed. */
const FAILED: Story = {
  app: { replicas: 4, steps: '25%, approve, 50%', settings: { deadline: '10s' } },
  async happens(shop) {
    const metadata = { name: 'tight', namespace: shop.namespace }
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '4' } } }
    await untilApproval(shop)
    await shop.admin.create(quotas, shop.namespace, quota)
    await shop.command('approve')
    await shop.phase('Failed', 'v2')
    await shop.admin.remove(quotas, metadata)
  },
  isOver: takenBack,
  least: 4,
  most: 5,
  longestPause: 4000,
}

const ABORTED: Story = {
  app: { replicas: 4, steps: '25%, approve, 50%' },
  async happens(shop) {
    await untilApproval(shop)
    await shop.command('abort', 'bob')
  },
  isOver: takenBack,
  least: 4,
  most: 5,
}

function takenBack(view: View): boolean {
  const stalled = condition(view, 'Stalled')?.status === 'True'
  const alone = ready(view, 'v1') === 4 && view.pods.length === 4 && view.canary === undefined
  return view.state?.phase === 'Failed' && stalled && alone
}

test.each([
  ['failed', FAILED],
  ['was aborted', ABORTED],
])(
  'a controller that is killed before or after any of its writes takes a release back that %s',
  async (_how, story) => {
    const { writes, deaths } = await tryCrashPoints(environment, story)
    expect(deaths).toBeGreaterThanOrEqual(2 * (writes - 2))
  },
)
