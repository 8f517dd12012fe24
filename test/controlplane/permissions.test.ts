/**
 * Canaryhook's permissions are neither too few nor too many, by the audit log of everything that ran before: this
 * file runs last (vitest.controlplane.config.ts).
 */
import { describe, expect, inject, test } from 'vitest'
import { type Audited, requestsOf } from './audit.ts'
import { CONTROLLER, permissions, UNINSTALL, uninstallPermissions } from './install.ts'
import { type MaybeRole, missing, sweeping, unused } from './permissions.ts'

const auditLogs = inject('controlPlanes').map(({ auditLog }) => auditLog)
const isOurs = auditLogs.every(file => file !== '')

/** What that account asked of any of the control planes. */
async function allRequestsOf(user: string): Promise<readonly Audited[]> {
  return (await Promise.all(auditLogs.map(file => requestsOf(user, file)))).flat()
}

/** What uninstalling needs of its own install is used in test/helm/lifecycle.test.ts alone. */
describe.each([
  ['the controller', 'rbac.yaml', CONTROLLER, permissions],
  ['canaryhook uninstall', 'uninstall.yaml', UNINSTALL, uninstallPermissions],
])('every request of %s so far', (_who, file, user, roles) => {
  test(`was granted by webhook-config/${file}`, async ({ skip }) => {
    if (!isOurs) skip('needs the audit log of the API server, which only a control plane of ours shows')
    expect(missing(await allRequestsOf(user))).toEqual([])
  })

  test('by none that is given by a star', async () => {
    expect(sweeping((await roles()) as readonly MaybeRole[])).toEqual([])
  })
})

test('the requests of the controller so far together used every permission of webhook-config/rbac.yaml', async ({
  skip,
}) => {
  if (!isOurs) skip('needs the audit log of the API server, which only a control plane of ours shows')
  if (!inject('everyFileRuns'))
    skip('needs a run of all scenarios: npm run test:controlplane, without arguments')
  const granted = (await permissions()) as readonly MaybeRole[]
  expect(unused(granted, await allRequestsOf(CONTROLLER))).toEqual([])
})

describe('the sentences name', () => {
  const asked = (verb: string, resource: string, more: Partial<Audited> = {}): Audited => ({
    user: CONTROLLER,
    verb,
    group: 'apps',
    resource,
    namespace: 'shop',
    name: 'web',
    status: 200,
    decision: 'allow',
    ...more,
  })
  const role = (resource: string, verbs: readonly string[], more: object = {}): MaybeRole => ({
    kind: 'ClusterRole',
    metadata: { name: 'canaryhook' },
    rules: [{ apiGroups: ['apps'], resources: [resource], verbs, ...more }],
  })

  test('what is not granted, once, and not what a quota refused', () => {
    const refused = { status: 403, decision: 'forbid' } as const
    const requests = [
      asked('patch', 'deployments/scale', refused),
      asked('patch', 'deployments/scale', { ...refused, name: 'cart' }),
      asked('create', 'deployments', { status: 403 }),
    ]
    expect(missing(requests)).toEqual([
      'patch deployments/scale.apps is not granted and was asked for: shop/cart',
    ])
  })

  test.each<readonly [string, MaybeRole, readonly string[]]>([
    ['nothing where all is used', role('deployments', ['patch']), []],
    [
      'a verb that nothing used',
      role('deployments', ['patch', 'get']),
      ['ClusterRole canaryhook grants get deployments.apps, which nothing used'],
    ],
    [
      'a subresource that nothing used',
      role('deployments/status', ['patch']),
      ['ClusterRole canaryhook grants patch deployments/status.apps, which nothing used'],
    ],
    [
      'what only a request in another namespace used',
      {
        ...role('deployments', ['patch']),
        kind: 'Role',
        metadata: { name: 'lease', namespace: 'canaryhook' },
      },
      ['Role lease grants patch deployments.apps, which nothing used'],
    ],
    [
      'what only a request for another name used',
      role('deployments', ['patch'], { resourceNames: ['cart'] }),
      ['ClusterRole canaryhook grants patch deployments.apps, which nothing used'],
    ],
  ])('%s', (_sentence, granted, sentences) => {
    expect(unused([granted], [asked('patch', 'deployments')])).toEqual(sentences)
  })

  test('what was refused as not used', () => {
    const refused = asked('patch', 'deployments', { status: 403, decision: 'forbid' })
    expect(unused([role('deployments', ['patch'])], [refused])).toHaveLength(1)
  })
})
