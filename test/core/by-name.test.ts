import { expect, test } from 'vitest'
import { byName } from '../../src/core/by-name.ts'

test('objects are sorted by name, and the list that was given stays as it was', () => {
  const given = ['web', 'api', 'shop'].map(name => ({ metadata: { name } }))
  expect(byName(given).map(({ metadata }) => metadata.name)).toEqual(['api', 'shop', 'web'])
  expect(given[0]?.metadata.name).toBe('web')
})
