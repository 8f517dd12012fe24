import { describe, expect, test } from 'vitest'
import { imageExists, parseImageReference } from '../../../src/sandbox/simulation/image-reference.ts'

describe('parseImageReference', () => {
  test.each([
    ['a plain name is the latest version', 'shop', { repository: 'shop', version: 'latest' }],
    ['the tag is the version', 'shop:v2', { repository: 'shop', version: 'v2' }],
    [
      'a port of the registry is no tag',
      'localhost:5000/shop',
      { repository: 'localhost:5000/shop', version: 'latest' },
    ],
    ['a port and a tag', 'localhost:5000/a/shop:v2', { repository: 'localhost:5000/a/shop', version: 'v2' }],
    ['a digest alone is the version', 'shop@sha256:abc', { repository: 'shop', version: 'sha256:abc' }],
    ['a tag wins over a digest', 'shop:v2@sha256:abc', { repository: 'shop', version: 'v2' }],
  ])('%s', (_sentence, reference, expected) => {
    expect(parseImageReference(reference)).toEqual(expected)
  })
})

describe('imageExists', () => {
  test.each([
    ['any name exists', 'whatever.example/team/app:v17', true],
    ['the tag does-not-exist does not', 'shop:does-not-exist', false],
    ['a tag that contains it does not', 'shop:v2-does-not-exist', false],
    ['a name that is it does not', 'team/does-not-exist:v1', false],
    ['nothing on missing.example exists', 'missing.example/shop:v1', false],
    ['nor with a port', 'missing.example:5000/shop:v1', false],
    ['a host that only ends so does', 'not-missing.example/shop:v1', true],
  ])('%s', (_sentence, reference, expected) => {
    expect(imageExists(reference)).toBe(expected)
  })
})
