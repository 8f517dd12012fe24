/** A thousand broken answers, and no event missed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Change, Watching } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts'
import { chanceOf, makeUnruly } from './unruly-api-server.ts'

const WATCHERS = 8
/** Ways of breaking an answer, each of which has its turn. */
const WAYS = 17
const SEED = 20261121
/** Much shorter than in earnest, and longer than a busy machine lets a process wait for its turn. */
const IMPATIENT = {
  pageSize: 7,
  pageTime: 1500,
  silence: 200,
  backoff: { first: 2, longest: 20, missingKind: 20 },
}

let server: FakeApiServer

beforeEach(async () => {
  server = await startFakeApiServer()
})

afterEach(async () => {
  await server.stop()
})

/** What an observer knows who only hears of changes, and what was wrong with them. */
class Listener {
  readonly known = new Map<string, Deployment>()
  readonly wrong: string[] = []
  readonly #newest = new Map<string, number>()

  readonly hear = (change: Change<Deployment>): void => {
    const { name, resourceVersion } = change.object.metadata
    const version = Number(resourceVersion)
    const before = this.known.get(name)
    if (change.type === 'gone') {
      if (!before) this.wrong.push(`${name} is gone and was not there`)
      this.known.delete(name)
      return
    }
    const newest = this.#newest.get(name) ?? 0
    if (version <= newest) this.wrong.push(`${name} went from ${newest} back to ${version}`)
    if (change.previous?.metadata.resourceVersion !== before?.metadata.resourceVersion) {
      this.wrong.push(`${name} has ${change.previous?.metadata.resourceVersion} for its former version`)
    }
    this.#newest.set(name, version)
    this.known.set(name, change.object)
  }
}

test.each([
  ['1,000 faults, with objects as they are', false, 1_000],
  ['300 faults, with objects packed', true, 300],
])(
  'nothing is missed and nothing goes back over %s',
  async (_how, packed, count) => {
    const chance = chanceOf(SEED)
    const unruly = makeUnruly(server, chance)
    unruly.change(30)
    const cluster = await server.connect({ reflector: { ...IMPATIENT, random: chance } })
    const watchers = Array.from({ length: WATCHERS }, () => {
      const listener = new Listener()
      return { listener, watching: cluster.watch(deployments, { packed }, listener.hear) }
    })
    const faults = () => [...unruly.faults.values()].reduce((sum, count) => sum + count, 0)

    let syncPoints = 0
    // On a busy machine one wait for all watchers may see more faults than asked for, and few lists among them.
    const isEnough = () => faults() >= count && syncPoints >= 2 && unruly.faults.size === WAYS
    while (!isEnough()) {
      const until = faults() + 20
      while (faults() < until) {
        unruly.change(3)
        await sleep(1)
      }
      // Nothing changes for a moment, while answers go on breaking.
      const truth = versions(unruly.truth.values())
      for (const { listener, watching } of watchers) {
        await settles(watching, truth)
        expect(versions(listener.known.values())).toEqual(truth)
      }
      syncPoints += 1
    }

    expect(watchers.flatMap(({ listener }) => listener.wrong)).toEqual([])
  },
  120_000,
)

/** `name@version`, sorted. */
function versions(objects: Iterable<Deployment>): readonly string[] {
  return Array.from(objects, ({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort()
}

async function settles(watching: Watching<Deployment>, truth: readonly string[]): Promise<void> {
  const end = performance.now() + 30_000
  while (versions(watching.list()).join() !== truth.join()) {
    if (performance.now() > end) expect(versions(watching.list())).toEqual(truth)
    await sleep(2)
  }
}
