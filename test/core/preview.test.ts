/** Where a canary can be looked at, as people write it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Preview, printPreview, readPreview } from '../../src/core/preview.ts'

describe('a preview is read', () => {
  test.each<readonly [string, string, Preview, string]>([
    ['by host', 'host=canary.shop.example', { host: 'canary.shop.example' }, 'host=canary.shop.example'],
    ['by path', 'path=/canary', { path: '/canary' }, 'path=/canary'],
    [
      'by both and a class, in one order',
      'class=nginx path=/new host=shop.example',
      { host: 'shop.example', path: '/new', class: 'nginx' },
      'host=shop.example path=/new class=nginx',
    ],
    [
      'with commas, spaces and line breaks between',
      ' path = /new ,\n class=a.b ',
      { path: '/new', class: 'a.b' },
      'path=/new class=a.b',
    ],
    [
      'of a host in capitals, which mean nothing',
      'Host=Canary.Shop.Example',
      { host: 'canary.shop.example' },
      'host=canary.shop.example',
    ],
    [
      'of all hosts of a domain',
      'host=*.canary.example',
      { host: '*.canary.example' },
      'host=*.canary.example',
    ],
    ['of a host without dots', 'host=canary', { host: 'canary' }, 'host=canary'],
    ['of a host that only looks like an address', 'host=1.2.3.400', { host: '1.2.3.400' }, 'host=1.2.3.400'],
    ['of a path in capitals, which mean something', 'path=/New', { path: '/New' }, 'path=/New'],
    ['of a path with an equals sign', 'path=/v=2', { path: '/v=2' }, 'path=/v=2'],
    ['of the root of a host', 'host=a path=/', { host: 'a', path: '/' }, 'host=a path=/'],
  ])('%s', (_sentence, value, preview, text) => {
    expect(readPreview(value)).toEqual({ preview, text })
    expect(readPreview(text)).toEqual({ preview, text })
  })
})

describe('a preview is refused', () => {
  const host = (text: string) => `host ${JSON.stringify(text)} is not the name of a host`
  const address = (text: string) =>
    `host ${JSON.stringify(text)} is an IP address (an Ingress takes names only)`
  const examples = 'write host=canary.shop.example, path=/canary, or both'
  test.each([
    ['that says nothing', ' ', `neither a host nor a path is given (${examples})`],
    ['that has a class alone', 'class=nginx', `neither a host nor a path is given (${examples})`],
    [
      'whose path is that of everything',
      'path=/',
      'path / without a host is where the users of the app go (write path=/canary, or a host)',
    ],
    [
      'that is a host alone',
      'Canary.shop.example',
      '"Canary.shop.example" is not a pair (write host=canary.shop.example)',
    ],
    ['that is a path alone', '/canary', '"/canary" is not a pair (write path=/canary)'],
    [
      'that is a word',
      'true',
      '"true" is not a pair (write host=canary.shop.example, path=/canary, or both)',
    ],
    [
      'that is an address for a browser',
      'https://canary.shop.example',
      '"https://canary.shop.example" is not a pair (write host=canary.shop.example)',
    ],
    ['with a misspelt key', 'hots=a.b', '"hots" is not one of: host, path, class; did you mean host?'],
    ['with an unknown key', 'banana=a.b', '"banana" is not one of: host, path, class'],
    ['with a key every object has', '__proto__=/a', '"__proto__" is not one of: host, path, class'],
    ['with two hosts', 'host=a.b host=a.c', 'host is there twice (one preview has one)'],
    ['with an empty host', 'host=', `${host('')} (such as canary.shop.example)`],
    ['with a host that has an underscore', 'host=a_b.c', `${host('a_b.c')} (such as canary.shop.example)`],
    ['with a star inside', 'host=a.*.c', `${host('a.*.c')} (such as canary.shop.example)`],
    ['with a port', 'host=a.b:8080', `${host('a.b:8080')} (write host=a.b)`],
    ['with a whole address', 'host=https://a.b/c', `${host('https://a.b/c')} (write host=a.b)`],
    ['with an IPv4 address', 'host=10.0.0.1', address('10.0.0.1')],
    ['with an IPv4 address and a port', 'host=10.0.0.1:80', address('10.0.0.1:80')],
    ['with an IPv6 address', 'host=[::1]', address('[::1]')],
    [
      'with a host that is too long',
      `host=${'a.'.repeat(127)}`,
      /^host "a\.a\..*is not the name of a host \(such/,
    ],
    ['with an empty path', 'path=', 'path "" does not begin with / (such as /canary)'],
    [
      'with a path that does not begin with a slash',
      'path=canary',
      'path "canary" does not begin with / (write path=/canary)',
    ],
    ['with an empty part', 'path=/a//b', 'path "/a//b" must not contain //'],
    ['with a part that means here', 'path=/a/./b', 'path "/a/./b" must not contain /./'],
    ['with a part that goes up', 'path=/a/../b', 'path "/a/../b" must not contain /../'],
    ['with a slash in disguise', 'path=/a%2Fb', 'path "/a%2Fb" must not contain %2F'],
    ['that ends with going up', 'path=/a/..', 'path "/a/.." must not end with /..'],
    ['that ends with here', 'path=/a/.', 'path "/a/." must not end with /.'],
    ['with a query', 'path=/a?b', 'path "/a?b" must not contain ? or #'],
    [
      'with a class that cannot be one',
      'path=/a class=Nginx',
      'class "Nginx" is not the name of an IngressClass (such as nginx)',
    ],
    [
      'that is far too long',
      `path=/${'a'.repeat(1000)}`,
      '1006 characters are too many (at most 1000 are read)',
    ],
    [
      'with all that is wrong at once',
      'host=a_b path=canary clas=nginx',
      [
        '"host=a_b path=canary clas=nginx": 3 errors',
        '  host "a_b" is not the name of a host (such as canary.shop.example)',
        '  path "canary" does not begin with / (write path=/canary)',
        '  "clas" is not one of: host, path, class; did you mean class?',
      ].join('\n'),
    ],
  ])('%s', (_sentence, value, problem) => {
    const expected = typeof problem === 'string' ? problem : expect.stringMatching(problem)
    expect(readPreview(value)).toEqual({ problem: expected })
  })
})

test('whatever is accepted is printed and read back as the same', () => {
  const key = fc.constantFrom('host', 'path', 'class', 'HOST', 'x')
  const text = fc.string({ unit: fc.constantFrom(...'ab1/.-*=%2F A'), maxLength: 12 })
  const slashed = fc.boolean().chain(yes => text.map(text => (yes ? `/${text}` : text)))
  const pair = fc.tuple(key, slashed).map(([key, text]) => `${key}=${text}`)
  let accepted = 0
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 3 }), pairs => {
      const reading = readPreview(pairs.join(' '))
      if ('problem' in reading) {
        expect(reading.problem).not.toBe('')
        return
      }
      accepted += 1
      expect(printPreview(reading.preview)).toBe(reading.text)
      expect(readPreview(reading.text)).toEqual(reading)
    }),
    { numRuns: 2000 },
  )
  expect(accepted).toBeGreaterThan(5)
})
