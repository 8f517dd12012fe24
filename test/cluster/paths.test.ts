import { expect, test } from 'vitest'
import { collectionName, collectionPath, objectName, objectPath } from '../../src/cluster/paths.ts'
import { deployments, mutatingWebhookConfigurations, secrets } from '../../src/cluster/resources.ts'

const shop = { namespace: 'default', name: 'shop' }
const registration = { namespace: '', name: 'zz-canaryhook' }

test.each([
  ['of a group', objectPath(deployments, shop), '/apis/apps/v1/namespaces/default/deployments/shop'],
  ['of the core group', objectPath(secrets, shop), '/api/v1/namespaces/default/secrets/shop'],
  [
    'of a subresource',
    objectPath(deployments, shop, 'scale'),
    '/apis/apps/v1/namespaces/default/deployments/shop/scale',
  ],
  [
    'of a kind that is in no namespace',
    objectPath(mutatingWebhookConfigurations, registration),
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-canaryhook',
  ],
  ['of all namespaces', collectionPath(deployments), '/apis/apps/v1/deployments'],
  ['of one namespace', collectionPath(deployments, 'a/b'), '/apis/apps/v1/namespaces/a%2Fb/deployments'],
])('the path %s', (_what, path, expected) => {
  expect(path).toBe(expected)
})

test('errors name objects as people do', () => {
  expect(objectName(deployments, shop, 'scale')).toBe('deployments/scale default/shop')
  expect(objectName(mutatingWebhookConfigurations, registration)).toBe(
    'mutatingwebhookconfigurations zz-canaryhook',
  )
  expect(collectionName(deployments)).toBe('all deployments')
})
