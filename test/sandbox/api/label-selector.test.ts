import { expect, test } from 'vitest'
import {
  labelSelectorObject,
  labelSelectorText,
  parseLabelSelector,
} from '../../../src/sandbox/api/label-selector.ts'

const web = { app: 'web', tier: 'front' }

test.each([
  ['', true],
  ['app=web', true],
  ['app==web,tier=front', true],
  ['app=api', false],
  ['app!=api', true],
  ['missing!=x', true],
  ['app', true],
  ['!app', false],
  ['!missing', true],
  ['app in (web, api)', true],
  ['app in (api),tier=front', false],
  ['app notin (api)', true],
  ['missing in (a)', false],
  ['missing notin (a)', true],
])('the selector "%s" matches app=web,tier=front: %s', (selector, expected) => {
  expect(parseLabelSelector(selector)(web)).toBe(expected)
})

test('a selector that cannot be read is a bad request that quotes it', () => {
  expect(() => parseLabelSelector('app=web, a b c')).toThrow(/found 'a b c'/)
})

test.each([
  ['an absent selector matches nothing', undefined, false],
  ['an empty selector matches everything', {}, true],
  ['matchLabels', { matchLabels: { app: 'web' } }, true],
  ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] }, true],
  ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  ['Exists', { matchExpressions: [{ key: 'none', operator: 'Exists' }] }, false],
  ['DoesNotExist', { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] }, true],
])('object form: %s', (_sentence, selector, expected) => {
  expect(labelSelectorObject(selector)(web)).toBe(expected)
})

test('the text of a selector can be read back', () => {
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'back'] }],
  }
  const text = labelSelectorText(selector)
  expect(text).toBe('app=web,tier in (front,back)')
  expect(parseLabelSelector(text)(web)).toBe(true)
})
