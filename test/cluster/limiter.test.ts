import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLimiter, type Limiter } from '../../src/cluster/limiter.ts'
import { ApiError } from '../../src/cluster/port.ts'

const SETTINGS = { atOnce: 2, tries: 3, wait: 1_000, longestWait: 10_000 }

let limiter: Limiter
/** What was sent, in order. */
let sent: string[]

beforeEach(() => {
  vi.useFakeTimers()
  limiter = createLimiter(SETTINGS)
  sent = []
})

afterEach(() => {
  vi.useRealTimers()
})

function throttled(retryAfter?: number): ApiError {
  const details = { status: 429, ...(retryAfter !== undefined && { retryAfter }) }
  return new ApiError('CLUSTER_THROTTLED', 'slow down', details)
}

/** A write that is answered when the test says so. */
function write(name: string, urgent = false) {
  const answers: PromiseWithResolvers<string>[] = []
  const done = limiter.run(() => {
    sent.push(name)
    const answer = Promise.withResolvers<string>()
    answers.push(answer)
    return answer.promise
  }, urgent)
  return {
    done,
    ok: () => answers.at(-1)?.resolve(name),
    fail: (error: Error) => answers.at(-1)?.reject(error),
  }
}

const passes = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

describe('at most so many at once', () => {
  test('one more waits until one has its answer, good or bad', async () => {
    const [first, second] = [write('a'), write('b')]
    write('c')
    write('d')
    await passes(0)
    expect(sent).toEqual(['a', 'b'])
    first.ok()
    await first.done
    await passes(0)
    expect(sent).toEqual(['a', 'b', 'c'])
    second.fail(new Error('no'))
    await expect(second.done).rejects.toThrow('no')
    await passes(0)
    expect(sent).toEqual(['a', 'b', 'c', 'd'])
  })

  test('an urgent one does not wait, and takes nobody’s place', async () => {
    const first = write('a')
    write('b')
    write('c')
    await passes(0)
    write('rollback', true)
    await passes(0)
    expect(sent).toEqual(['a', 'b', 'rollback'])
    first.ok()
    await passes(0)
    expect(sent).toEqual(['a', 'b', 'rollback', 'c'])
  })
})

describe('a 429', () => {
  test('is tried again after the time that it names, and others hold back as long', async () => {
    const first = write('a')
    await passes(0)
    first.fail(throttled(3_000))
    await passes(0)
    const second = write('b')
    await passes(2_999)
    expect(sent).toEqual(['a'])
    await passes(1)
    expect([...sent].sort()).toEqual(['a', 'a', 'b'])
    first.ok()
    second.ok()
    await expect(first.done).resolves.toBe('a')
  })

  test('that names no time is tried again after a second', async () => {
    const only = write('a')
    await passes(0)
    only.fail(throttled())
    await passes(999)
    expect(sent).toEqual(['a'])
    await passes(1)
    expect(sent).toEqual(['a', 'a'])
  })

  test('does not hold an urgent write back', async () => {
    const first = write('a')
    await passes(0)
    first.fail(throttled(3_000))
    await passes(0)
    write('rollback', true)
    await passes(0)
    expect(sent).toEqual(['a', 'rollback'])
  })

  test('of an urgent write holds the others back, and it comes again itself', async () => {
    const rollback = write('rollback', true)
    await passes(0)
    rollback.fail(throttled(2_000))
    await passes(0)
    write('a')
    await passes(1_999)
    expect(sent).toEqual(['rollback'])
    await passes(1)
    expect([...sent].sort()).toEqual(['a', 'rollback', 'rollback'])
  })

  test('is the caller’s when it came three times', async () => {
    const only = write('a')
    const end = expect(only.done).rejects.toThrow('slow down')
    for (let round = 0; round < 3; round += 1) {
      await passes(1_000)
      only.fail(throttled(1_000))
    }
    await end
    expect(sent).toEqual(['a', 'a', 'a'])
  })

  test('that asks for longer than anybody would wait is the caller’s at once', async () => {
    const only = write('a')
    await passes(0)
    only.fail(throttled(10_001))
    await expect(only.done).rejects.toThrow('slow down')
    expect(sent).toEqual(['a'])
  })
})

test('any other failure is the caller’s at once', async () => {
  const only = write('a')
  await passes(0)
  only.fail(new ApiError('CLUSTER_CONFLICT', 'modified', { status: 409 }))
  await expect(only.done).rejects.toThrow('modified')
  expect(sent).toEqual(['a'])
})
