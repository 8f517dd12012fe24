import { expect, test } from 'vitest'
import { createOwnerIndex } from '../../../src/cluster/cache/owner-index.ts'

test('finds the keys of an owner, each once, until they are removed', () => {
  const index = createOwnerIndex()
  index.add('shop', 'a')
  index.add('shop', 'b')
  index.add('shop', 'a')
  index.add('cart', 'c')
  expect([...index.keys('shop')].sort()).toEqual(['a', 'b'])
  index.remove('shop', 'a')
  index.remove('shop', 'unknown')
  expect(index.keys('shop')).toEqual(['b'])
  index.remove('shop', 'b')
  expect(index.keys('shop')).toEqual([])
  expect(index.keys('cart')).toEqual(['c'])
})
