import { describe, expect, test } from 'vitest'
import { createDamper } from '../../src/controller/damper.ts'

/** What three at once and one a second make of tries at these times, in milliseconds. */
function waits(...times: readonly number[]): readonly number[] {
  const damper = createDamper(3, 1000)
  return times.map(time => damper.wait('a', time))
}

describe('three at once, then one a second', () => {
  test.each<readonly [string, readonly number[], readonly number[]]>([
    ['the first three are done', [0, 0, 0], [0, 0, 0]],
    ['the fourth waits a second', [0, 0, 0, 0], [0, 0, 0, 1000]],
    ['to ask again is not to wait longer', [0, 0, 0, 100, 200], [0, 0, 0, 900, 800]],
    ['there is one each second then', [0, 0, 0, 1000, 1000, 2000], [0, 0, 0, 0, 1000, 0]],
    ['after a rest there are three again', [0, 0, 0, 9000, 9000, 9000, 9000], [0, 0, 0, 0, 0, 0, 1000]],
    ['one a second never waits', [0, 1000, 2000, 3000, 4000], [0, 0, 0, 0, 0]],
  ])('%s', (_sentence, times, expected) => {
    expect(waits(...times)).toEqual(expected)
  })

  test('each key for itself, until it is forgotten', () => {
    const damper = createDamper(1, 1000)
    expect(['a', 'b', 'a'].map(key => damper.wait(key, 0))).toEqual([0, 0, 1000])
    damper.forget('a')
    expect(damper.wait('a', 0)).toBe(0)
  })
})
