import { expect, test } from 'vitest'
import { isName, whole } from '../../src/core/kept.ts'
import { templateHash } from '../../src/core/template.ts'
import { release, replicaSet, shop, template } from './shop.ts'

test('a template is whole or only a name', () => {
  expect(isName(template('v1'))).toBe(false)
  expect(isName({})).toBe(false)
  expect(isName({ hash: release('v1') })).toBe(true)
})

test('the name of a template is its hash', () => {
  expect(templateHash({ hash: release('v1') })).toBe(templateHash(template('v1')))
})

test('what is whole is given back as it is', () => {
  const [deployment, set] = [shop(), replicaSet('v1', 3)]
  expect(whole(deployment)).toBe(deployment)
  expect(whole(set)).toBe(set)
})

test('what has only a name is refused, with the object’s', () => {
  const { spec, ...rest } = shop()
  const resting = { ...rest, spec: { ...spec, template: { hash: release('v1') } } }
  expect(() => whole(resting)).toThrow(/Deployment default\/shop is needed and only its hash is kept/)
})
