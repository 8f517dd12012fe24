import { expect, test } from 'vitest'
import { type Content, contentPatch, EMPTY, printContent, readContent } from '../../src/certs/content.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const full: Content = {
  authority: { cert: 'CA', key: 'ca-key' },
  next: { cert: 'NEXT', key: 'next-key' },
  leaf: { cert: 'LEAF', key: 'leaf-key' },
  bundle: 'NEXT\nCA',
}

test('what is printed is read back', () => {
  expect(readContent(printContent(full))).toEqual(full)
  expect(Object.keys(printContent(full)).sort()).toEqual(
    ['ca-bundle.crt', 'ca.crt', 'ca.key', 'next-ca.crt', 'next-ca.key', 'tls.crt', 'tls.key'].sort(),
  )
})

test('what is missing is empty, and is not printed', () => {
  expect(readContent()).toEqual(EMPTY)
  expect(readContent({ 'ca.crt': base64('CA'), other: 'x' })).toEqual({
    ...EMPTY,
    authority: { cert: 'CA', key: '' },
  })
  expect(printContent(EMPTY)).toEqual({})
})

test.each<readonly [string, Content, Content, object]>([
  ['nothing changes, nothing is patched', full, full, {}],
  [
    'a new leaf is patched alone',
    full,
    { ...full, leaf: { cert: 'LEAF2', key: 'leaf-key-2' } },
    { 'tls.crt': base64('LEAF2'), 'tls.key': base64('leaf-key-2') },
  ],
  [
    'what is no longer there is taken away',
    full,
    { ...full, authority: full.next, next: EMPTY.next },
    {
      'ca.crt': base64('NEXT'),
      'ca.key': base64('next-key'),
      'next-ca.crt': null,
      'next-ca.key': null,
    },
  ],
])('%s', (_sentence, before, after, patch) => {
  expect(contentPatch(before, after)).toEqual(patch)
})
