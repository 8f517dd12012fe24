import { expect, test } from 'vitest'
import { type Facts, type Lives, type Move, nextMove } from '../../src/certs/rotation.ts'

const DAY = 24 * 60 * 60 * 1000
const now = Date.parse('2026-06-01T00:00:00Z')
const lives: Lives = { leaf: 90 * DAY, authority: 365 * DAY, settle: 60_000 }

/** Made so many days ago, for so many days in all. */
const cert = (id: string, ago: number, days: number) => ({
  id,
  made: now - ago * DAY,
  end: now + (days - ago) * DAY,
})
const authority = (ago = 10) => cert('ca', ago, 365)
const next = () => cert('next', 0, 365)
const leaf = (ago = 10, issuer = 'ca') => ({ ...cert('leaf', ago, 90), issuer })
const known = (certificate: ReturnType<typeof cert>, age: number) => ({ ...certificate, age })

/** An authority of ten days, its leaf, both known everywhere for long; with changes. */
function facts(changes: Partial<Facts> = {}, left: readonly (keyof Facts)[] = []): Facts {
  const all: Facts = {
    authority: authority(),
    leaf: leaf(),
    bundle: [authority()],
    registered: [known(authority(), lives.settle)],
    written: now - 10 * DAY,
    ...changes,
  }
  return Object.fromEntries(
    Object.entries(all).filter(([key]) => !left.includes(key as keyof Facts)),
  ) as unknown as Facts
}

const NOTHING: Facts = { bundle: [], registered: [], written: 0 }
const OLD = cert('old', 300, 365)

test.each<readonly [sentence: string, given: Facts, move: Move['type'], trusted: readonly string[]]>([
  ['with nothing at all, everything is made at once', NOTHING, 'begin', []],
  ['a new authority is registered before anything else', facts({ registered: [] }), 'register', ['ca']],
  ['while all is well, nothing is done', facts(), 'wait', ['ca']],
  ['a leaf is renewed at two thirds of its life', facts({ leaf: leaf(60) }), 'renew', ['ca']],
  ['and not before', facts({ leaf: leaf(59.9) }), 'wait', ['ca']],
  ['a leaf that is missing or damaged is made anew', facts({}, ['leaf']), 'renew', ['ca']],
  ['a leaf that another authority signed is made anew', facts({ leaf: leaf(1, '') }), 'renew', ['ca']],
  [
    'but not from an authority that was registered only now',
    facts({ leaf: leaf(60), registered: [known(authority(), 59_999)] }),
    'wait',
    ['ca'],
  ],
  [
    'unless the leaf has ended and no call can succeed anyway',
    facts({ leaf: leaf(91), registered: [known(authority(), 0)] }),
    'renew',
    ['ca'],
  ],
  [
    'at two thirds of the life of the authority the next one is made',
    facts({
      authority: authority(244),
      bundle: [authority(244)],
      registered: [known(authority(244), 60_000)],
    }),
    'prepare',
    ['ca'],
  ],
  [
    'the next one is registered beside the old one',
    facts({ next: next(), bundle: [next(), authority()] }),
    'register',
    ['next', 'ca'],
  ],
  [
    'it waits until every API server must have heard of it',
    facts({
      next: next(),
      bundle: [next(), authority()],
      registered: [known(next(), 59_999), known(authority(), 60_000)],
    }),
    'wait',
    ['next', 'ca'],
  ],
  [
    'then it takes over',
    facts({
      next: next(),
      bundle: [next(), authority()],
      registered: [known(next(), 60_000), known(authority(), 60_000)],
    }),
    'switch',
    ['next', 'ca'],
  ],
  [
    'while it waits, a leaf that is due is renewed from the old one',
    facts({
      next: next(),
      leaf: leaf(70),
      bundle: [next(), authority()],
      registered: [known(next(), 0), known(authority(), 60_000)],
    }),
    'renew',
    ['next', 'ca'],
  ],
  [
    'the old authority stays trusted until it ends',
    facts({ bundle: [authority(), OLD], registered: [known(authority(), 60_000), known(OLD, 60_000)] }),
    'wait',
    ['ca', 'old'],
  ],
  [
    'one that has ended is dropped from the Secret',
    facts({ bundle: [authority(), cert('old', 366, 365)] }),
    'trust',
    ['ca'],
  ],
  [
    'and from the registration',
    facts({ registered: [known(authority(), 60_000), known(cert('old', 366, 365), 60_000)] }),
    'register',
    ['ca'],
  ],
  [
    'when the Secret was deleted, who is registered stays trusted, since pods still serve',
    { ...NOTHING, registered: [known(authority(), 60_000)] },
    'prepare',
    ['ca'],
  ],
  [
    'when only the key of the authority is damaged, the leaf stays until the next one is known',
    facts({}, ['authority']),
    'prepare',
    ['ca'],
  ],
  [
    'an authority that has ended is replaced at once when nothing else is trusted',
    facts({
      authority: authority(366),
      leaf: leaf(91),
      bundle: [authority(366)],
      registered: [known(authority(366), 60_000)],
    }),
    'begin',
    [],
  ],
  [
    'what somebody else registered is written into the Secret too, while it lives',
    facts({ registered: [known(authority(), 60_000), known(OLD, 60_000)] }),
    'trust',
    ['ca', 'old'],
  ],
  [
    'a caBundle that one of several webhooks lacks is registered again',
    facts({ registered: [known(authority(), -1)] }),
    'register',
    ['ca'],
  ],
  [
    'a registration that was emptied is filled again from the Secret',
    facts({ bundle: [authority(), OLD], registered: [] }),
    'register',
    ['ca', 'old'],
  ],
  [
    'nothing is made by a clock that is a year behind',
    facts({ written: now + 365 * DAY, leaf: leaf(60) }),
    'wait',
    ['ca'],
  ],
  [
    'nor where a certificate was made in its future',
    facts({ authority: authority(-2), bundle: [authority(-2)] }),
    'wait',
    ['ca'],
  ],
  ['some hours are no matter', facts({ written: now + DAY / 4, leaf: leaf(60) }), 'renew', ['ca']],
])('%s', (_sentence, given, move, trusted) => {
  const plan = nextMove(given, now, lives)
  expect(plan.move.type).toBe(move)
  expect(plan.trusted).toEqual(trusted)
})

const withNext = { next: next(), bundle: [next(), authority()] }

test.each<readonly [string, Facts, number, RegExp | undefined]>([
  ['the next look is within an hour', facts(), 60 * 60 * 1000, undefined],
  ['it is when the leaf is due', facts({ leaf: leaf(60 - 1 / 1440) }), 60_000, undefined],
  [
    'it is when the next authority is known everywhere',
    facts({ ...withNext, registered: [known(next(), 20_000), known(authority(), 60_000)] }),
    40_000,
    undefined,
  ],
  [
    'without a registration it says what to do',
    facts({}, ['registered']),
    60 * 60 * 1000,
    /no MutatingWebhookConfiguration .*--webhook-configuration/,
  ],
  [
    'with a clock that is behind it says so and what to do',
    facts({ written: now + 2 * DAY }),
    60_000,
    /^something was made at 2026-06-03T.* Set the clock; .* delete the Secret/,
  ],
])('%s', (_sentence, given, milliseconds, problem) => {
  const { move } = nextMove(given, now, lives)
  expect(move).toMatchObject({ type: 'wait' })
  if (move.type !== 'wait') return
  expect(Math.round(move.for)).toBe(milliseconds)
  expect(move.problem ?? '').toMatch(problem ?? /^$/)
})

test('of very many authorities only the newest are kept', () => {
  const many = Array.from({ length: 30 }, (_, index) => cert(`ca-${index}`, index, 365))
  const { trusted } = nextMove({ ...NOTHING, bundle: many }, now, lives)
  expect(trusted).toEqual(many.slice(0, 16).map(({ id }) => id))
})
