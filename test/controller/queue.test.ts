/** The queue of keys. Time is vitest's: every wait is asserted to the millisecond. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Pace } from '../../src/cluster/pace.ts'
import { type Queue, startQueue } from '../../src/controller/queue.ts'

/** A queue whose work is told what to do by the test. */
function start(options: { concurrency?: number; isConflict?: () => boolean; pace?: Pace } = {}) {
  const done: string[] = []
  const failures: { key: string; again: number }[] = []
  const running = new Map<string, () => void>()
  const failing = new Set<string>()
  let slow = false
  const queue: Queue = startQueue({
    ...options,
    now: Date.now,
    backoff: { first: 100, longest: 1000 },
    onError: (key, _error, again) => failures.push({ key, again }),
    work: async key => {
      done.push(key)
      if (slow) await new Promise<void>(resolve => running.set(key, resolve))
      if (failing.has(key)) throw new Error('no')
    },
  })
  return {
    queue,
    done,
    failures,
    failing,
    /** From now on work lasts until the test lets it go. */
    slowly: () => {
      slow = true
    },
    finish: (key: string) => running.get(key)?.(),
  }
}

const later = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('additions', () => {
  test('of one moment are one run', async () => {
    const { queue, done } = start()
    queue.add('a')
    queue.add('a')
    queue.add('b')
    await later(0)
    expect(done).toEqual(['a', 'b'])
  })

  test('while it runs are one more run, and not beside it', async () => {
    const { queue, done, slowly, finish } = start()
    slowly()
    queue.add('a')
    await later(0)
    queue.add('a')
    queue.add('a')
    await later(0)
    expect(done).toEqual(['a'])
    finish('a')
    await later(0)
    expect(done).toEqual(['a', 'a'])
    finish('a')
    await later(60_000)
    expect(done).toEqual(['a', 'a'])
  })

  test('beyond the concurrency wait for their turn', async () => {
    const { queue, done, slowly, finish } = start({ concurrency: 2 })
    slowly()
    for (const key of ['a', 'b', 'c']) queue.add(key)
    await later(0)
    expect(done).toEqual(['a', 'b'])
    finish('b')
    await later(0)
    expect(done).toEqual(['a', 'b', 'c'])
  })
})

describe('a time', () => {
  test('is kept to the millisecond', async () => {
    const { queue, done } = start()
    queue.addAt('a', Date.now() + 5000)
    await later(4999)
    expect(done).toEqual([])
    await later(1)
    expect(done).toEqual(['a'])
  })

  test('that is past is now', async () => {
    const { queue, done } = start()
    queue.addAt('a', 0)
    await later(0)
    expect(done).toEqual(['a'])
  })

  test('said anew replaces the one before', async () => {
    const { queue, done } = start()
    queue.addAt('a', Date.now() + 5000)
    queue.addAt('a', Date.now() + 9000)
    await later(8999)
    expect(done).toEqual([])
    await later(1)
    expect(done).toEqual(['a'])
  })

  test('is forgotten when something calls before: the run says itself when to look again', async () => {
    const { queue, done } = start()
    queue.addAt('a', Date.now() + 5000)
    queue.add('a')
    await later(10_000)
    expect(done).toEqual(['a'])
  })

  test('further away than a timer can be does not come at once', async () => {
    const { queue, done } = start()
    queue.addAt('a', Date.now() + 2 ** 31 + 10_000)
    await later(1000)
    expect(done).toEqual([])
  })
})

describe('a run that fails', () => {
  test('comes again after waits that double, up to a longest', async () => {
    const { queue, done, failures, failing } = start()
    failing.add('a')
    queue.add('a')
    await later(100 + 200 + 400 + 800 + 1000 + 1000)
    expect(failures.map(({ again }) => again)).toEqual([100, 200, 400, 800, 1000, 1000, 1000])
    expect(done).toHaveLength(7)
  })

  test('for a conflict comes again soon, however many there were', async () => {
    const { queue, failures, failing } = start({ isConflict: () => true })
    failing.add('a')
    queue.add('a')
    await later(100 + 200 + 400 + 500 + 500)
    expect(failures.map(({ again }) => again)).toEqual([100, 200, 400, 500, 500, 500])
  })

  test('and then succeeds begins with the first wait the next time', async () => {
    const { queue, failures, failing } = start()
    failing.add('a')
    queue.add('a')
    await later(100)
    failing.delete('a')
    await later(200)
    failing.add('a')
    queue.add('a')
    await later(0)
    expect(failures.map(({ again }) => again)).toEqual([100, 200, 100])
  })

  test('does not keep the other keys waiting', async () => {
    const { queue, done, failing } = start()
    failing.add('a')
    queue.add('a')
    queue.add('b')
    await later(0)
    expect(done).toEqual(['a', 'b'])
  })

  test('waits although something called meanwhile, and runs at once when something calls later', async () => {
    const { queue, done, failing, slowly, finish } = start()
    failing.add('a')
    slowly()
    queue.add('a')
    await later(0)
    queue.add('a')
    finish('a')
    await later(99)
    expect(done).toEqual(['a'])
    queue.add('a')
    await later(0)
    expect(done).toEqual(['a', 'a'])
  })
})

describe('stopping', () => {
  test('waits for what runs and starts nothing more', async () => {
    const { queue, done, slowly, finish } = start({ concurrency: 1 })
    slowly()
    queue.add('a')
    queue.add('b')
    queue.addAt('c', Date.now() + 10)
    await later(0)
    let stopped = false
    const stopping = queue.stop().then(() => {
      stopped = true
    })
    await later(1000)
    expect(stopped).toBe(false)
    finish('a')
    await stopping
    queue.add('d')
    queue.addAt('e', 0)
    await later(1000)
    expect(done).toEqual(['a'])
  })
})

test('between many keys whose work waits for nothing, others get their turn', async () => {
  let slices = 0
  const { promise: nextTurn, resolve: goOn } = Promise.withResolvers<void>()
  const { queue, done } = start({ pace: () => (++slices > 2 ? nextTurn : undefined) })
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
  await later(0)
  expect(done).toEqual(['a', 'b'])
  goOn()
  await later(0)
  expect(done).toEqual(['a', 'b', 'c', 'd'])
})
