/** Whatever happens between two writes, and however late pods and API servers are: no call fails. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Certificate, type Lives, nextMove, type Plan } from '../../src/certs/rotation.ts'

const HOUR = 60 * 60 * 1000
const lives: Lives = { leaf: 90 * HOUR, authority: 365 * HOUR, settle: HOUR }
const START = Date.parse('2026-01-01T00:00:00Z')
const END = START + 3 * lives.authority
/** Longer is not survived by any rule: a leaf must be renewed in the last third of its life. */
const LONGEST_ABSENCE = 12 * HOUR

type Leaf = Certificate & { readonly issuer: string }
interface Secret {
  readonly authority?: Certificate
  readonly next?: Certificate
  readonly leaf?: Leaf
  readonly bundle: readonly Certificate[]
}

/** What somebody does to the Secret, or what becomes of the leader. */
type Mishap =
  | { readonly type: 'away'; readonly hours: number }
  | { readonly type: 'delete' | 'leaf' | 'authority' | 'next' | 'bundle' }
/** What becomes of a write; `crash`: of the leader, before it was done or after. */
type Fate = 'done' | 'done' | 'done' | 'failed' | 'crash before' | 'crash after'

/** A value over time. */
class History<T> {
  readonly #values: { readonly since: number; readonly value: T }[] = []

  set(since: number, value: T): void {
    this.#values.push({ since, value })
  }

  /** All that somebody may see who is up to so late. */
  seen(now: number, late: number): readonly T[] {
    const last = this.#values.findLastIndex(({ since }) => since <= now - late)
    return this.#values.slice(Math.max(0, last)).map(({ value }) => value)
  }
}

class World {
  now = START
  secret: Secret | undefined
  registered: readonly Certificate[] = []
  readonly moves = { begin: 0, prepare: 0, switch: 0, renew: 0, trust: 0, register: 0 }
  readonly #since = new Map<string, number>()
  readonly #served = new History<Leaf>()
  readonly #trusted = new History<ReadonlySet<string>>()
  readonly #fates: Iterator<Fate, undefined>
  readonly #ends = new Map<string, number>()
  #count = 0
  #registeredAt = Number.POSITIVE_INFINITY

  constructor(fates: Iterable<Fate>) {
    this.#fates = fates[Symbol.iterator]() as Iterator<Fate, undefined>
  }

  /** The leader works for so long. */
  work(milliseconds: number): void {
    const end = this.now + milliseconds
    while (this.now < end) {
      const { move, trusted } = this.#think()
      if (move.type === 'wait') {
        this.#pass(Math.min(Math.max(1, move.for), end - this.now))
        continue
      }
      const fate = this.#fates.next().value ?? 'done'
      if (fate === 'done' || fate === 'crash after') this.#write(move.type, trusted)
      if (fate === 'failed') this.#pass(0.1 * HOUR)
      if (fate.startsWith('crash')) this.absent(0.5 * HOUR)
    }
  }

  /** Nobody leads; who leads next has seen nothing yet. */
  absent(milliseconds: number): void {
    this.#pass(milliseconds)
    this.#since.clear()
  }

  damage(what: Exclude<Mishap['type'], 'away'>): void {
    if (!this.secret) return
    const { authority, next, leaf, bundle } = this.secret
    const parts = { authority, next, leaf, bundle }
    if (what === 'delete') this.secret = undefined
    else
      this.secret = {
        ...withoutUndefined({ ...parts, [what]: undefined }),
        ...(what === 'bundle' ? { bundle: [] } : { bundle }),
      }
  }

  #think(): Plan {
    const { now } = this
    for (const { id } of this.registered) if (!this.#since.has(id)) this.#since.set(id, now)
    const registered = this.registered.map(cert => ({
      ...cert,
      age: now - (this.#since.get(cert.id) ?? now),
    }))
    const { authority, leaf, next, bundle } = this.secret ?? { bundle: [] }
    // As facts.ts says it: by whom of those present it was signed.
    const issuer = [authority, next].find(cert => cert?.id === leaf?.issuer)?.id ?? ''
    const facts = { authority, next, leaf: leaf && { ...leaf, issuer } }
    return nextMove({ ...withoutUndefined(facts), bundle, registered, written: START }, now, lives)
  }

  #write(move: keyof World['moves'], trusted: readonly string[]): void {
    this.moves[move] += 1
    const known = [
      ...(this.secret?.bundle ?? []),
      ...this.registered,
      this.secret?.authority,
      this.secret?.next,
    ]
    const certs = trusted.flatMap(id => known.find(cert => cert?.id === id) ?? [])
    const { now, secret = { bundle: [] } } = this
    switch (move) {
      case 'begin': {
        const authority = this.#make('ca', lives.authority)
        this.secret = { authority, leaf: this.#leaf(authority), bundle: [authority, ...certs] }
        break
      }
      case 'prepare': {
        const next = this.#make('ca', lives.authority)
        this.secret = { ...secret, next, bundle: [next, ...certs] }
        break
      }
      case 'switch': {
        const { next: authority, ...others } = secret
        if (!authority) throw new Error('there is no next authority')
        this.secret = { ...others, authority, leaf: this.#leaf(authority), bundle: certs }
        break
      }
      case 'renew':
        if (!secret.authority) throw new Error('there is no authority')
        this.secret = { ...secret, leaf: this.#leaf(secret.authority), bundle: certs }
        break
      case 'trust':
        this.secret = { ...secret, bundle: certs }
        break
      case 'register':
        this.registered = certs
        this.#trusted.set(now, new Set(trusted))
        this.#registeredAt = Math.min(this.#registeredAt, now)
    }
    if (this.secret?.leaf && this.secret.leaf !== secret.leaf) this.#served.set(now, this.secret.leaf)
    this.#check()
  }

  #make(name: string, life: number): Certificate {
    this.#count += 1
    const cert = { id: `${name}-${this.#count}`, made: this.now, end: this.now + life }
    this.#ends.set(cert.id, cert.end)
    return cert
  }

  #leaf({ id, end }: Certificate): Leaf {
    return { ...this.#make('leaf', Math.min(lives.leaf, end - this.now)), issuer: id }
  }

  #pass(milliseconds: number): void {
    const begin = this.now
    const end = begin + milliseconds
    // Who is late may serve the old one up to here.
    this.now = Math.min(begin + lives.settle - 1, end)
    this.#check()
    this.now = end
    this.#check()
  }

  /** What a pod serves and what an API server trusts, each as of any moment of the last settle time. */
  #check(): void {
    const { now } = this
    if (now < this.#registeredAt + lives.settle) return
    for (const leaf of this.#served.seen(now, lives.settle)) {
      const at = `${(now - START) / HOUR} h: ${leaf.id} by ${leaf.issuer}`
      if (leaf.end <= now) throw new Error(`${at} has ended and may be served`)
      if ((this.#ends.get(leaf.issuer) ?? 0) <= now) throw new Error(`${at}: the authority has ended`)
      for (const trusted of this.#trusted.seen(now, lives.settle)) {
        if (!trusted.has(leaf.issuer)) throw new Error(`${at} is not trusted everywhere`)
      }
    }
  }
}

function withoutUndefined<T extends object>(object: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> }
}

const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  fc.record({
    type: fc.constant('away' as const),
    hours: fc.double({ min: 0, max: LONGEST_ABSENCE / HOUR, noNaN: true }),
  }),
  fc.record({ type: fc.constantFrom('delete', 'leaf', 'authority', 'next', 'bundle') }),
)
/** Hours of work, then a mishap. */
const story = fc.array(fc.tuple(fc.double({ min: 4, max: 150, noNaN: true }), mishap), { maxLength: 30 })
const fates = fc.array(
  fc.constantFrom<Fate>('done', 'done', 'done', 'done', 'failed', 'crash before', 'crash after'),
  { maxLength: 60 },
)

test('a leaf that any pod may serve is at any time signed by who is trusted everywhere, and nothing is over', () => {
  fc.assert(
    fc.property(story, fates, (chapters, outcomes) => {
      const world = new World(outcomes)
      for (const [hours, { type, ...more }] of chapters) {
        if (world.now > END) break
        world.work(hours * HOUR)
        if (type === 'away') world.absent(('hours' in more ? more.hours : 0) * HOUR)
        else world.damage(type)
      }
      world.work(lives.settle * 10)
      // Whatever happened, it comes to rest.
      expect(world.secret).toMatchObject({ authority: {}, leaf: {} })
      expect(new Set(world.registered.map(({ id }) => id))).toEqual(
        new Set(world.secret?.bundle.map(({ id }) => id)),
      )
    }),
    { numRuns: 300 },
  )
})

test('without mishaps it writes no more than rotating takes', () => {
  const world = new World([])
  world.work(3 * lives.authority)
  const { begin, prepare, switch: switches, renew, trust, register } = world.moves
  expect({ begin, prepare, switches }).toEqual({ begin: 1, prepare: 4, switches: 4 })
  // A leaf comes with each authority, and four more every 60 hours until the next takes over; twice after the last.
  expect(renew).toBe(4 * 4 + 2)
  // Three authorities ended; of each that came and of each that ended API servers are told.
  expect({ trust, register }).toEqual({ trust: 3, register: 5 + 3 })
})
