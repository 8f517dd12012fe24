/**
 * An API server whose objects change all the time and which breaks the protocol or the connection in nearly
 * every answer, as chance (a seed) has it. What it says before that is true, as Kubernetes promises: a list is
 * one moment, a watch tells every change after its version in order, and may tell one again.
 */
import type { ServerResponse } from 'node:http'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { type Asked, answer, deployment, type FakeApiServer, failure, page } from './fake-api-server.ts'

/** A number from 0 to 1, the same row for the same seed (mulberry32). */
export type Chance = () => number

export function chanceOf(seed: number): Chance {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

interface Event {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Deployment
}

export interface UnrulyServer {
  /** What is stored, by name. */
  readonly truth: ReadonlyMap<string, Deployment>
  /** How many answers were broken so far, by the way it was done. */
  readonly faults: Map<string, number>
  /** Some objects change. */
  change(count: number): void
}

const NAMES = 40
/** Events that a watch may still begin from. */
const REMEMBERED = 120
type Fault = (response: ServerResponse) => void

/** Makes the server unruly. */
export function makeUnruly(server: FakeApiServer, chance: Chance): UnrulyServer {
  const truth = new Map<string, Deployment>()
  const faults = new Map<string, number>()
  const moments = new Map<number, readonly Deployment[]>()
  const listeners = new Set<(event: Event) => void>()
  let events: Event[] = []
  let version = 100
  let uids = 0

  const upTo = (count: number): number => Math.floor(chance() * count)
  const pick = <T>(choices: readonly [string, T][]): T => {
    const [name, chosen] = choices[upTo(choices.length)] ?? choices[0] ?? []
    if (name === undefined || chosen === undefined) throw new Error('nothing to choose from')
    faults.set(name, (faults.get(name) ?? 0) + 1)
    return chosen
  }

  function change(count: number): void {
    for (let done = 0; done < count; done += 1) {
      version += 1
      const name = `app-${upTo(NAMES)}`
      const held = truth.get(name)
      const type = held === undefined ? 'ADDED' : chance() < 0.2 ? 'DELETED' : 'MODIFIED'
      if (!held) uids += 1
      const object = deployment(name, version, { uid: held?.metadata.uid ?? `uid-${uids}` })
      if (type === 'DELETED') truth.delete(name)
      else truth.set(name, object)
      const event = { version, type, object } as const
      events = [...events, event].slice(-REMEMBERED)
      for (const listener of listeners) listener(event)
    }
  }

  const reset: Fault = response => response.socket?.destroy()
  const refusals: readonly [string, Fault][] = [
    ['reset before the header', reset],
    ['500', response => failure(response, 500, 'InternalError', 'etcdserver: leader changed')],
    ['429', response => failure(response, 429, 'TooManyRequests', 'slow down')],
    ['410', response => failure(response, 410, 'Expired', 'too old resource version')],
    ['a page of a proxy', response => response.writeHead(200).end('<html>Bad Gateway</html>\n')],
    ['end before anything', response => response.writeHead(200).end()],
    [
      'reset after the header',
      response => {
        response.writeHead(200).flushHeaders()
        setImmediate(reset, response)
      },
    ],
  ]

  function list(asked: Asked, response: ServerResponse): void {
    if (chance() < 0.25) {
      pick(refusals)(response)
      return
    }
    const [at = version, start = 0] = (asked.query.get('continue') ?? '')
      .split(':')
      .filter(Boolean)
      .map(Number)
    const moment = at === version ? [...truth.values()] : moments.get(at)
    if (!moment) {
      failure(response, 410, 'Expired', 'the continue parameter is too old')
      return
    }
    moments.set(at, moment)
    const end = start + Number(asked.query.get('limit'))
    const items = moment.slice(start, end)
    const more = end < moment.length ? `${at}:${end}` : undefined
    if (chance() > 0.2) {
      page(response, at, items, more)
      return
    }
    const text = JSON.stringify({ metadata: { resourceVersion: String(at), continue: more }, items })
    const part = text.slice(0, 1 + upTo(text.length - 1))
    response.writeHead(200)
    pick<Fault>([
      ['a list cut off', () => response.end(part)],
      ['reset in a list', () => response.write(part, () => reset(response))],
    ])(response)
  }

  function watch(asked: Asked, response: ServerResponse): void {
    if (chance() < 0.25) {
      pick(refusals)(response)
      return
    }
    const from = Number(asked.query.get('resourceVersion'))
    const first = events[0]?.version ?? version
    if (from < first - 1) {
      failure(response, 410, 'Expired', 'too old resource version')
      return
    }
    response.writeHead(200).flushHeaders()
    const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`
    let left = 1 + upTo(12)
    const tell = ({ type, object }: Event): void => {
      if (left === 0) return
      left -= 1
      const text = line(type, object)
      if (left > 0) {
        response.write(chance() < 0.15 ? text + text : text)
        if (chance() < 0.2)
          response.write(line('BOOKMARK', { metadata: { resourceVersion: object.metadata.resourceVersion } }))
        return
      }
      listeners.delete(tell)
      const part = text.slice(0, 1 + upTo(text.length - 1))
      pick<Fault>([
        ['reset in a line', () => response.write(part, () => reset(response))],
        ['end in a line', () => response.end(part)],
        ['end after a line', () => response.end(text)],
        ['a line that is no JSON', () => response.end(`${part}\n`)],
        ['silence', () => {}],
        [
          '410 as an event',
          () => response.end(line('ERROR', { code: 410, reason: 'Expired', message: 'old' })),
        ],
        ['500 as an event', () => response.end(line('ERROR', { code: 500, message: 'etcd' }))],
        ['an unknown event', () => response.end(line('SURPRISE', object))],
      ])(response)
    }
    listeners.add(tell)
    response.on('close', () => listeners.delete(tell))
    // A watch may begin a little before its version: what was known already is told again.
    const overlap = chance() < 0.3 ? upTo(5) : 0
    for (const event of events) if (event.version > from - overlap) tell(event)
  }

  server.handle = (asked, response) => {
    if (asked.method !== 'GET') {
      answer(response, 405, {})
      return
    }
    if (asked.query.get('watch') === 'true') watch(asked, response)
    else list(asked, response)
  }
  return { truth, faults, change }
}
