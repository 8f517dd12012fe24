import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LONGEST_DURATION, parseDuration, printDuration, readDuration } from '../../src/core/duration.ts'

describe('reading a duration', () => {
  test.each([
    ['90s is ninety seconds', '90s', 90],
    ['5m is five minutes', '5m', 300],
    ['1h30m mixes units', '1h30m', 5400],
    ['24h is a day', '24h', 86_400],
    ['2d is two days', '2d', 172_800],
    ['1d2h3m4s has every unit', '1d2h3m4s', 93_784],
    ['letter case and outer spaces do not count', ' 5M ', 300],
    ['90m may be more than an hour', '90m', 5400],
    ['30d is the longest', '30d', LONGEST_DURATION],
  ])('%s', (_sentence, text, seconds) => {
    expect(readDuration(text)).toEqual({ seconds })
    expect(parseDuration(text)).toBe(seconds)
  })

  test.each([
    ['a space inside is refused', '5 m', '"5 m" is not a duration (write 5m, 90s, 1h30m)'],
    ['a missing unit is asked for', '5', '"5" has no unit (write 5m or 5s)'],
    ['nothing at all is refused', '  ', 'a duration is missing (write 5m, 90s, 1h30m)'],
    ['a fraction is told in whole units', '1.5h', '"1.5h" has a fraction (write 1h30m)'],
    ['a fraction of a second becomes a second', '0.2s', '"0.2s" has a fraction (write 1s)'],
    ['milliseconds are too fine', '500ms', '"500ms" is finer than a second (write 1s or more)'],
    ['no time is refused', '0s', '"0s" is no time at all (write 1s or more, or leave it out)'],
    ['no time without a unit is refused', '0', '"0" is no time at all (write 1s or more, or leave it out)'],
    ['one second over 30 days is refused', '30d1s', '"30d1s" is longer than 30 days'],
    ['a fraction over 30 days is refused', '99.5d', '"99.5d" is longer than 30 days'],
    [
      'a number beyond all arithmetic is refused',
      `${'9'.repeat(30)}d`,
      `"${'9'.repeat(30)}d" is longer than 30 days`,
    ],
    ['units in the wrong order are refused', '30m1h', '"30m1h" is not a duration (write 5m, 90s, 1h30m)'],
    ['a word is refused', 'soon', '"soon" is not a duration (write 5m, 90s, 1h30m)'],
    ['a negative time is refused', '-5m', '"-5m" is not a duration (write 5m, 90s, 1h30m)'],
  ])('%s', (_sentence, text, problem) => {
    expect(readDuration(text)).toEqual({ problem })
    expect(parseDuration(text)).toBeUndefined()
  })
})

describe('printing a duration', () => {
  test.each([
    [90, '1m30s'],
    [300, '5m'],
    [5400, '1h30m'],
    [86_400, '24h'],
    [172_800, '2d'],
    [0, '0s'],
  ])('%i seconds are printed as %s', (seconds, text) => {
    expect(printDuration(seconds)).toBe(text)
  })

  test('what is printed reads back as the same time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LONGEST_DURATION }), seconds => {
        expect(parseDuration(printDuration(seconds))).toBe(seconds)
      }),
    )
  })
})
