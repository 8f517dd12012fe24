/** Names of what Canaryhook makes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  baselineName,
  canaryName,
  labelsFor,
  nameHash,
  serviceName,
  snapshotName,
} from '../../src/core/names.ts'

const long = 'a-very-long-name-of-an-app-that-somebody-really-gave-to-it'
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
/** Names of Deployments: RFC 1123 subdomains of up to 253 characters. */
const names = fc
  .array(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?$/), { minLength: 1, maxLength: 4 })
  .map(labels =>
    labels
      .join('.')
      .slice(0, 253)
      .replace(/[-.]+$/, ''),
  )

test('the baseline’s name is made as the canary’s', () => {
  expect(baselineName('shop')).toBe('shop-baseline')
  expect(baselineName(long)).toHaveLength(63)
  expect(baselineName(long)).toMatch(new RegExp(`-${nameHash(long)}-baseline$`))
})

test('what is made carries what it is for and whose it is, where a name may be too long for a label', () => {
  expect(labelsFor('baseline', long)).toEqual({
    'canaryhook.dev/track': 'baseline',
    'canaryhook.dev/of': nameHash(long),
  })
})

describe('the canary’s name', () => {
  test.each([
    ['is the app’s with -canary', 'shop', 'shop-canary'],
    ['keeps a dot', 'shop.v2', 'shop.v2-canary'],
    ['is whole as long as it has 63 characters', long.slice(0, 56), `${long.slice(0, 56)}-canary`],
    ['is cut beyond and told apart by a hash', long, `${long.slice(0, 45)}-${nameHash(long)}-canary`],
    [
      'is not cut behind a dash or a dot',
      `${'a'.repeat(43)}.-${'b'.repeat(30)}`,
      `${'a'.repeat(43)}-${nameHash(`${'a'.repeat(43)}.-${'b'.repeat(30)}`)}-canary`,
    ],
  ])('%s', (_sentence, name, expected) => {
    expect(canaryName(name)).toBe(expected)
    expect(expected.length).toBeLessThanOrEqual(63)
  })

  test('of two long names with the same beginning differ', () => {
    expect(canaryName(`${long}-one`)).not.toBe(canaryName(`${long}-two`))
  })

  test('is always a name that Kubernetes takes, at most 63 characters long', () => {
    fc.assert(
      fc.property(names, name => {
        for (const made of [canaryName(name), snapshotName(name, ['a', 'b'])]) {
          expect(made).toMatch(subdomain)
          expect(made.length).toBeLessThanOrEqual(63)
        }
        expect(nameHash(name)).toMatch(/^[0-9a-f]{10}$/)
      }),
    )
  })
})

describe('the name of the canary’s Service', () => {
  test.each([
    ['shop', 'shop-canary'],
    ['a'.repeat(56), `${'a'.repeat(56)}-canary`],
    ['shop.v2', `shop-v2-${nameHash('shop.v2')}-canary`],
    ['shop-v2', 'shop-v2-canary'],
    ['7up', `s-7up-${nameHash('7up')}-canary`],
  ])('of %s is %s', (name, expected) => {
    expect(serviceName(name)).toBe(expected)
  })

  test.each(['a'.repeat(57), 'a.'.repeat(60), `${'a'.repeat(44)}-${'b'.repeat(50)}`, `9${'.9'.repeat(100)}`])(
    'of %s is one that a Service may have',
    name => {
      expect(serviceName(name)).toMatch(/^[a-z][a-z0-9-]{0,55}[a-z0-9]-canary$/)
      expect(serviceName(name)).toContain(nameHash(name))
    },
  )
})

describe('the snapshot’s name', () => {
  test('is the same for the same ReplicaSets in any order', () => {
    expect(snapshotName('shop', ['a', 'b'])).toBe(snapshotName('shop', ['b', 'a']))
  })

  test('is another for other ReplicaSets, so that a new snapshot never meets the old one', () => {
    const some = [['a'], ['b'], ['a', 'b'], []].map(uids => snapshotName('shop', uids))
    expect(new Set(some).size).toBe(4)
  })
})
