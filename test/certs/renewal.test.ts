import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { createAuthority } from '../../src/certs/certificates.ts'
import { type Content, EMPTY } from '../../src/certs/content.ts'
import { certificatesIn, factsOf } from '../../src/certs/facts.ts'
import { renewed } from '../../src/certs/renewal.ts'
import { LIVES, type Move, nextMove } from '../../src/certs/rotation.ts'

const DAY = 24 * 60 * 60 * 1000
const start = Date.parse('2026-01-01T00:00:00Z')
const names = ['canaryhook-webhook.canaryhook.svc']

/** Makes the next move, with a registration that says what the bundle says, for an hour. */
function step(content: Content | undefined, now: number, registered = content?.bundle ?? '') {
  const found = { content, bundles: [registered], age: () => 3_600_000, names, written: start }
  const { facts } = factsOf(found)
  const plan = nextMove(facts, now, LIVES)
  const after = renewed(plan, content ?? EMPTY, facts, { names, lives: LIVES, now })
  return { move: plan.move.type satisfies Move['type'], after }
}

test('the first time an authority and its leaf are made, for the names asked', () => {
  const { move, after } = step(undefined, start)
  expect(move).toBe('begin')
  const [ca, leaf] = [new X509Certificate(after.authority.cert), new X509Certificate(after.leaf.cert)]
  expect(leaf.verify(ca.publicKey)).toBe(true)
  expect(leaf.checkHost(names[0] ?? '')).toBeDefined()
  expect(leaf.validToDate.getTime()).toBe(start + 90 * DAY)
  expect(ca.validToDate.getTime()).toBe(start + 365 * DAY)
  expect(ca.subject).toContain('CN=canaryhook webhook 2026-01-01T00:00:00.000Z')
  expect(certificatesIn(after.bundle).map(String)).toEqual([ca.toString()])
  expect(after.next).toEqual(EMPTY.next)
})

test('a whole life: leaf by leaf, then the next authority, with the old one trusted to its end', () => {
  let content = step(undefined, start).after
  const moves: string[] = []
  for (let day = 0; day <= 370; day += 1) {
    const { move, after } = step(content, start + day * DAY)
    content = after
    if (move !== 'wait') moves.push(`${day} ${move}, ${certificatesIn(after.bundle).length} trusted`)
  }
  expect(moves).toEqual([
    '60 renew, 1 trusted',
    '120 renew, 1 trusted',
    '180 renew, 1 trusted',
    '240 renew, 1 trusted',
    '244 prepare, 2 trusted',
    '245 switch, 2 trusted',
    '305 renew, 2 trusted',
    '365 renew, 1 trusted',
  ])
})

test('of what is damaged nothing is kept', () => {
  const first = step(undefined, start).after
  const damaged = { ...first, authority: { ...first.authority, key: 'x' }, leaf: { ...first.leaf, key: 'x' } }
  const { move, after } = step(damaged, start)
  expect(move).toBe('prepare')
  expect(after.authority).toEqual(EMPTY.authority)
  expect(after.leaf).toEqual(EMPTY.leaf)
  expect(certificatesIn(after.bundle).map(({ fingerprint256 }) => fingerprint256)).toEqual(
    [after.next.cert, first.authority.cert].map(cert => new X509Certificate(cert).fingerprint256),
  )
})

test('whoever is registered already stays trusted while the first authority of ours is made', () => {
  const other = createAuthority('cert-manager', { now: start, days: 30 })
  const { move, after } = step(undefined, start, other.cert)
  expect(move).toBe('prepare')
  expect(certificatesIn(after.bundle)).toHaveLength(2)
})
