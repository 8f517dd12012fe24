/** Objects by reference and by key. */
import { expect, test } from 'vitest'
import { keyOf, refOf, refTo } from '../../src/controller/refs.ts'

test.each([
  ['its namespace', { namespace: 'prod', name: 'shop' }, 'prod/shop'],
  ['the default namespace where it names none', { name: 'shop' }, 'default/shop'],
  ['a name with dots', { namespace: 'prod', name: 'shop.v2' }, 'prod/shop.v2'],
])('an object is known by %s', (_sentence, metadata, key) => {
  expect(keyOf(metadata)).toBe(key)
  expect(refOf(key)).toEqual(refTo({ metadata }))
})
