import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseObject } from '../../src/cluster/parse-object.ts'

const entry = (manager: string) => ({
  manager,
  operation: 'Update',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': { 'k:{"name":"a]\\"}': { '.': {} }, 'v:"[\\\\"': {}, 'f:list': [[], ['[']] } },
})
const object = (managedFields: unknown, annotations = {}) => ({
  metadata: { name: 'shop', annotations, managedFields, uid: 'u' },
  spec: { list: [1, [2]] },
})

test.each<readonly [string, unknown, unknown]>([
  ['without managedFields', { metadata: { name: 'shop' } }, { metadata: { name: 'shop' } }],
  ['with none', object([]), object([])],
  ['with those of others: they are left out', object([entry('helm'), entry('kubectl')]), object([])],
  [
    'with ours: they stay',
    object([entry('helm'), entry('canaryhook')]),
    object([entry('helm'), entry('canaryhook')]),
  ],
  [
    'with ours somewhere else',
    object([entry('helm')], { x: '"manager":"canaryhook"' }),
    object([], { x: '"manager":"canaryhook"' }),
  ],
  [
    'whose text is about them: it is a text',
    { metadata: { annotations: { x: '{"managedFields":[' }, managedFields: [entry('helm')] } },
    { metadata: { annotations: { x: '{"managedFields":[' }, managedFields: [] } },
  ],
  ['that are no list', object(null), object(null)],
])('an object %s', (_sentence, given, expected) => {
  expect(parseObject(JSON.stringify(given))).toEqual(expected)
})

test('only the managedFields differ, whatever is in an object', () => {
  fc.assert(
    fc.property(fc.json(), fc.json(), fc.json(), (before, fields, after) => {
      const text = `{"a":${before},"managedFields":[${fields}],"b":${after}}`
      expect(parseObject(text)).toEqual({ ...JSON.parse(text), managedFields: [] })
    }),
  )
})

test('what is cut off is refused, as by JSON.parse', () => {
  const whole = JSON.stringify(object([entry('helm')]))
  for (let end = 0; end < whole.length; end += 1)
    expect(() => parseObject(whole.slice(0, end))).toThrow(SyntaxError)
})
