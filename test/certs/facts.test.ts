import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { type Content, EMPTY } from '../../src/certs/content.ts'
import { certificatesIn, factsOf, servingProblem } from '../../src/certs/facts.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const DAY = 24 * 60 * 60 * 1000
const names = ['canaryhook-webhook.canaryhook.svc', '127.0.0.1']
const [ca, next, stranger] = ['ca', 'next', 'stranger'].map(name =>
  createAuthority(name, { now, days: 365 }),
) as [
  ReturnType<typeof createAuthority>,
  ReturnType<typeof createAuthority>,
  ReturnType<typeof createAuthority>,
]
const leaf = issueLeaf(ca, names, { now, days: 90 })
const idOf = ({ cert }: { cert: string }) => new X509Certificate(cert).toString()
const ec = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

const content: Content = { authority: ca, next: EMPTY.next, leaf, bundle: ca.cert }
const judged = (changes: Partial<Content> = {}) =>
  factsOf({ content: { ...content, ...changes }, bundles: [ca.cert], age: () => 5, names, written: now })

test('of sound content everything is known', () => {
  const { facts, problems } = judged({ next })
  const made = now
  expect(problems).toEqual([])
  expect(facts).toEqual({
    authority: { id: idOf(ca), made, end: now + 365 * DAY },
    next: { id: idOf(next), made, end: now + 365 * DAY },
    leaf: { id: idOf(leaf), made, end: now + 90 * DAY, issuer: idOf(ca) },
    bundle: [{ id: idOf(ca), made, end: now + 365 * DAY }],
    registered: [{ id: idOf(ca), made, end: now + 365 * DAY, age: 5 }],
    written: now,
  })
})

test('of nothing, nothing is known, and nothing is wrong', () => {
  const nothing = { content: undefined, bundles: undefined, age: () => 0, names, written: 0 }
  expect(factsOf(nothing)).toEqual({ facts: { bundle: [], written: 0 }, problems: [] })
  expect(factsOf({ ...nothing, bundles: [''] }).facts.registered).toEqual([])
})

test.each<readonly [sentence: string, changes: Partial<Content>, missing: string, problem: RegExp]>([
  [
    'a key of another authority',
    { authority: { ...ca, key: next.key } },
    'authority',
    /^ca\.key is not the key/,
  ],
  ['an authority without its key', { authority: { ...ca, key: '' } }, 'authority', /^ca\.key is missing$/],
  ['a leaf in its place', { authority: leaf }, 'authority', /^ca\.crt is not an authority/],
  [
    'a next authority that is damaged',
    { next: { ...next, cert: 'x' } },
    'next',
    /^next-ca\.crt or .* not PEM/,
  ],
  [
    'a leaf with another key',
    { leaf: { ...leaf, key: ca.key } },
    'leaf',
    /^tls\.key is not the key of tls\.crt$/,
  ],
  [
    'a leaf for other names',
    { leaf: issueLeaf(ca, ['localhost'], { now, days: 1 }) },
    'leaf',
    /^tls\.crt is not for canaryhook-webhook\.canaryhook\.svc, 127\.0\.0\.1$/,
  ],
])('%s is left out, and told', (_sentence, changes, missing, problem) => {
  const { facts, problems } = judged(changes)
  expect(facts).not.toHaveProperty(missing)
  expect(problems[0]).toMatch(problem)
})

test('a leaf that a stranger signed is known, and not as ours', () => {
  const { facts, problems } = judged({ leaf: issueLeaf(stranger, names, { now, days: 1 }) })
  expect(facts.leaf?.issuer).toBe('')
  expect(problems).toEqual(['tls.crt is not signed by the authority in ca.crt'])
})

test('a key that we cannot sign with is no key of an authority', () => {
  const { problems } = judged({ authority: { cert: ca.cert, key: ec.privateKey } })
  expect(problems[0]).toMatch(/^ca\.key is not the key of ca\.crt$/)
})

test('with several webhooks, what one of them lacks was registered at no time', () => {
  const found = { content, bundles: [ca.cert + next.cert, ca.cert], age: () => 7, names, written: 0 }
  const { registered = [] } = factsOf(found).facts
  expect(registered.map(({ id, age }) => [id, age])).toEqual([
    [idOf(ca), 7],
    [idOf(next), -1],
  ])
})

test('in a bundle what is no certificate is passed over, and nothing counts twice', () => {
  const text = `# ours\n${ca.cert}nonsense\n${next.cert.replace('MII', 'XXX')}${ca.cert.replaceAll('\n', '\r\n')}`
  expect(certificatesIn(text).map(String)).toEqual([idOf(ca), idOf(ca)])
  const bundles = [text]
  expect(factsOf({ content, bundles, age: () => 0, names, written: 0 }).facts.registered).toHaveLength(1)
})

test.each<readonly [string, Content, RegExp]>([
  ['what an authority of the bundle signed is served', content, /^$/],
  [
    'also one that does not sign any more',
    { ...content, authority: next, bundle: next.cert + ca.cert },
    /^$/,
  ],
  [
    'what nobody trusts is not',
    { ...content, bundle: next.cert },
    /signed by no authority in ca-bundle\.crt/,
  ],
  ['nor half a pair', { ...content, leaf: { ...leaf, key: '' } }, /^tls\.key is missing$/],
])('%s', (_sentence, given, problem) => {
  expect(servingProblem(given)).toMatch(problem)
})
