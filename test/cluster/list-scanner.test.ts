import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createListScanner } from '../../src/cluster/list-scanner.ts'

/** What comes of an answer that arrives in pieces of this many bytes. */
function scan(text: string, size = Number.POSITIVE_INFINITY) {
  const scanner = createListScanner()
  const bytes = Buffer.from(text)
  const items: unknown[] = []
  for (let at = 0; at < bytes.length; at += size) {
    for (const item of scanner.write(bytes.subarray(at, at + size))) {
      expect(scanner.metadata().resourceVersion).toBe('7')
      items.push(JSON.parse(item))
    }
  }
  const { metadata, items: early } = scanner.end()
  return { items: [...items, ...early.map(item => JSON.parse(item))], metadata }
}

const metadata = { resourceVersion: '7', continue: 'next' }

test.each([
  ['all at once', Number.POSITIVE_INFINITY],
  ['byte by byte', 1],
  ['in pieces of 7 bytes', 7],
])('reads the items and what the list says of itself, %s', (_how, size) => {
  const items = [
    { metadata: { name: 'a', annotations: { text: 'a "quoted" {[ \\ text é☕' } }, list: [[{}], []] },
    { metadata: { name: 'b' }, items: [{ metadata: {} }] },
  ]
  expect(scan(JSON.stringify({ kind: 'List', metadata, items }), size)).toEqual({ items, metadata })
  expect(scan(`${JSON.stringify({ kind: 'List', metadata, items }, null, 2)}\n`, size).items).toEqual(items)
})

test.each([
  ['all at once', Number.POSITIVE_INFINITY],
  ['byte by byte', 1],
])('a list of a custom kind says only after its items what it is, %s', (_how, size) => {
  const items = [{ metadata: { name: 'a' }, list: [[{}], []] }, { metadata: { name: 'b' } }]
  const text = JSON.stringify({ apiVersion: 'example.com/v1', items, kind: 'ThingList', metadata })
  expect(scan(text, size)).toEqual({ items, metadata })
})

test('any JSON, cut anywhere, comes through', () => {
  const item = fc.dictionary(fc.string(), fc.jsonValue())
  fc.assert(
    fc.property(fc.array(item, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (items, size) => {
      expect(scan(JSON.stringify({ metadata, items }), size).items).toEqual(JSON.parse(JSON.stringify(items)))
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['no items', { metadata, items: [] }],
  ['null for items', { metadata, items: null }],
  ['no list of items at all', { metadata }],
])('%s are no items', (_what, list) => {
  expect(scan(JSON.stringify(list)).items).toEqual([])
})

test('a list in the metadata is not taken for the items', () => {
  const list = { metadata: { ...metadata, items: [{ no: 1 }] }, other: [{ no: 2 }], items: [{ yes: 1 }] }
  expect(scan(JSON.stringify(list)).items).toEqual([{ yes: 1 }])
})

describe('what is not a whole list is an error', () => {
  const whole = JSON.stringify({ metadata, items: [{ a: 1 }, { b: 2 }] })
  test.each([
    ['cut off in an item', whole.slice(0, -10), /before it was complete/],
    ['cut off behind an item', whole.slice(0, whole.indexOf('},{"b"') + 1), /before it was complete/],
    ['cut off before its last brace', whole.slice(0, -1), /before it was complete/],
    ['nothing', '', /JSON/],
    ['a page of a proxy', '<html>Bad Gateway</html>', /JSON/],
    ['a list without a version', '{"metadata":{},"items":[]}', /no metadata.resourceVersion/],
  ])('%s', (_what, text, message) => {
    expect(() => scan(text)).toThrow(message)
  })
})
