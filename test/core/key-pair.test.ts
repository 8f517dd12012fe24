import { expect, test } from 'vitest'
import { createAuthority } from '../../src/certs/certificates.ts'
import { type KeyPair, pairProblem } from '../../src/core/key-pair.ts'

const validity = { now: Date.parse('2026-01-01T00:00:00Z'), days: 1 }
const [one, other] = [createAuthority('one', validity), createAuthority('other', validity)]

test.each<readonly [sentence: string, pair: KeyPair, problem: RegExp]>([
  ['a certificate and its key are sound', one, /^$/],
  ['a key that is missing is named', { ...one, key: '' }, /^ca\.key is missing$/],
  ['so are both', { cert: '', key: '' }, /^ca\.crt and ca\.key are missing$/],
  ['the key of another certificate', { ...one, key: other.key }, /^ca\.key is not the key of ca\.crt$/],
  ['what is no PEM', { ...one, cert: 'x' }, /^ca\.crt or ca\.key is not PEM: /],
  ['a certificate that is cut off', { ...one, cert: one.cert.slice(0, 300) }, /is not PEM: /],
])('%s', (_sentence, pair, problem) => {
  expect(pairProblem(pair, 'ca')).toMatch(problem)
})
