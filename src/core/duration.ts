import { quote } from './quote.ts'

/** A length of time in whole seconds. */
export type Seconds = number

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Nobody holds a step longer on purpose; what is longer is a slip of the pen. */
export const LONGEST_DURATION: Seconds = 30 * DAY

const UNITS: Readonly<Record<string, Seconds>> = { d: DAY, h: HOUR, m: MINUTE, s: 1 }
const GRAMMAR = /^(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/
const FRACTION = /^(\d+\.\d+)([dhms])$/

/** A text read as a duration, or the sentence that says why it is none. */
export type DurationReading = { readonly seconds: Seconds } | { readonly problem: string }

/**
 * Reads `90s`, `5m`, `1h30m`, `24h`, `2d`: whole numbers with the units d, h, m, s, the larger one first,
 * letter case ignored. At least one second, at most 30 days.
 *
 * @returns the seconds, or a problem that quotes the text and says what to write instead
 */
export function readDuration(text: string): DurationReading {
  const written = text.trim().toLowerCase()
  if (written === '') return { problem: 'a duration is missing (write 5m, 90s, 1h30m)' }
  if (/^0+$/.test(written)) return noTime(text)
  if (/^\d{1,6}$/.test(written)) {
    return { problem: `${quote(text)} has no unit (write ${written}m or ${written}s)` }
  }
  if (/^\d+ms$/.test(written)) return { problem: `${quote(text)} is finer than a second (write 1s or more)` }
  const fraction = FRACTION.exec(written)
  if (fraction) return wholeUnits(text, Number(fraction[1]) * (UNITS[fraction[2] ?? ''] ?? 0))
  const parts = GRAMMAR.exec(written)
  if (!parts) return { problem: `${quote(text)} is not a duration (write 5m, 90s, 1h30m)` }
  const [days, hours, minutes, seconds] = parts.slice(1).map(part => Number(part ?? 0))
  const total = (days ?? 0) * DAY + (hours ?? 0) * HOUR + (minutes ?? 0) * MINUTE + (seconds ?? 0)
  if (total === 0) return noTime(text)
  if (total > LONGEST_DURATION) return tooLong(text)
  return { seconds: total }
}

/** The seconds of a duration as `readDuration` reads it, or undefined when it is none. */
export function parseDuration(text: string): Seconds | undefined {
  const reading = readDuration(text)
  return 'seconds' in reading ? reading.seconds : undefined
}

/**
 * Writes whole seconds the way a person would: `1m30s`, `24h`, `2d12h`. Days are used from two days on,
 * since people say 24h. `readDuration` reads it back to the same number.
 */
export function printDuration(seconds: Seconds): string {
  let rest = seconds
  let printed = ''
  for (const [unit, length] of Object.entries(UNITS)) {
    if (unit === 'd' && seconds < 2 * DAY) continue
    const count = Math.floor(rest / length)
    if (count > 0) printed += `${count}${unit}`
    rest -= count * length
  }
  return printed === '' ? '0s' : printed
}

function wholeUnits(text: string, exact: number): DurationReading {
  if (exact > LONGEST_DURATION) return tooLong(text)
  return { problem: `${quote(text)} has a fraction (write ${printDuration(Math.max(1, Math.round(exact)))})` }
}

function noTime(text: string): DurationReading {
  return { problem: `${quote(text)} is no time at all (write 1s or more, or leave it out)` }
}

function tooLong(text: string): DurationReading {
  return { problem: `${quote(text)} is longer than 30 days` }
}
