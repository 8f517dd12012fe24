/** Whose an object is. */
import { expect, test } from 'vitest'
import type { KubernetesObject, OwnerReference } from '../../src/core/kubernetes.ts'
import { controllerOf, isControlledBy, ownerReference } from '../../src/core/owner-reference.ts'
import { owner, shop } from './shop.ts'

const cart = { ...owner('Deployment', 'cart'), controller: false }

function object(...ownerReferences: readonly OwnerReference[]): KubernetesObject {
  return { metadata: { name: 'thing', ownerReferences } }
}

test.each<readonly [string, KubernetesObject, boolean]>([
  ['the reference that we write', object(ownerReference(shop())), true],
  ['the same among those of others', object(cart, owner('Deployment', 'shop')), true],
  [
    'a reference to it that is not the controller’s',
    object({ ...ownerReference(shop()), controller: false }),
    false,
  ],
  ['another controller', object(owner('Deployment', 'cart')), false],
  ['a former object of the same name', object({ ...ownerReference(shop()), uid: 'former' }), false],
  ['no reference', { metadata: { name: 'thing' } }, false],
])('%s tells whether an object is the Deployment’s', (_sentence, found, expected) => {
  expect(isControlledBy(found, shop())).toBe(expected)
})

test('what belongs to several is its controller’s', () => {
  expect(controllerOf(object(cart, owner('ReplicaSet', 'v1')))).toEqual(owner('ReplicaSet', 'v1'))
  expect(controllerOf(object(cart))).toBeUndefined()
})
