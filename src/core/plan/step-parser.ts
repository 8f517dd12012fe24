import { readDuration, type Seconds } from '../duration.ts'
import { quote } from '../quote.ts'
import { suggest } from '../suggest.ts'
import { parseApprove } from './approve-parser.ts'
import type { Step } from './plan.ts'

/** One item of a plan, read as a step, or everything that is wrong with it in sentences for its author. */
export type StepReading = { readonly step: Step } | { readonly problems: readonly string[] }

/** Enough for any cluster, and small enough that arithmetic on it is exact. */
export const MOST_PODS = 10_000

const EXAMPLES = '10%, 10% for 5m, 2 pods, 5%..50% by 5%, test or approve'
const PERCENT = /^(-?\d{1,6}(?:\.\d{1,6})?) ?%$/
const RAMP =
  /^(-?\d{1,6}(?:\.\d{1,6})?)(%?)\.\.(-?\d{1,6}(?:\.\d{1,6})?)(%?)(?: by (-?\d{1,6}(?:\.\d{1,6})?)(%?))?$/
/** Other ways to write a range that people try: a dash, a word, one dot too many, a real ellipsis. */
const ALMOST_RAMP = /^(-?\d+)%? ?(?:-|–|—|…|\.{3,}|to|until) ?(\d+)%?(?: (?:by|step) (\d+)%?)?$/

/** Words that other tools use, and what is said here instead. */
const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ['pause', 'write approve to wait for a person, or a weight with a time, as in 10% for 5m'],
  ['wait', 'write approve to wait for a person, or a weight with a time, as in 10% for 5m'],
  ['promote', 'promotion is the implied last step, leave it out'],
  ['full', 'promotion is the implied last step, leave it out'],
  ['all', 'promotion is the implied last step, leave it out'],
])

/** Reads one item of a plan, the text between two commas. Never throws. */
export function parseStep(item: string): StepReading {
  const words = item.split(/\s+/).filter(word => word !== '')
  const first = words[0]?.toLowerCase()
  if (first === undefined) {
    return { problems: [`there is nothing between two commas (write ${EXAMPLES})`] }
  }
  const forgotten = words.findIndex((word, index) => startsAnotherStep(word, words[index - 1]))
  if (forgotten > 0) return { problems: [`a comma is missing before ${quote(words[forgotten] ?? '')}`] }
  if (first === 'approve') return parseApprove(words.slice(1))
  if (first === 'test') return parseTest(words.slice(1))
  return parseTraffic(words.map(word => word.toLowerCase()))
}

function startsAnotherStep(word: string, previous: string | undefined): boolean {
  if (previous === undefined) return false
  if (/^(by|for|to|until|step|-|–|—|…)$|\.\.$/i.test(previous)) return false
  return /^\d+%/.test(word) || /^(test|approve)$/i.test(word)
}

function parseTest(rest: readonly string[]): StepReading {
  if (rest.length === 0) return { step: { kind: 'test' } }
  return { problems: [`${quote(rest.join(' '))} after "test" is not understood (a test ends with its Job)`] }
}

/** A share, a number of pods or a ramp, each with an optional hold. */
function parseTraffic(words: readonly string[]): StepReading {
  const at = words.indexOf('for')
  const target = (at < 0 ? words : words.slice(0, at)).join(' ').replace(/ ?\.\. ?/, '..')
  const hold = at < 0 ? { seconds: 0 } : readDuration(words.slice(at + 1).join(' '))
  const reading = readTarget(target, 'seconds' in hold ? hold.seconds : 0)
  const problems = [
    ...('problems' in reading ? reading.problems : []),
    ...('problem' in hold ? [hold.problem] : []),
  ]
  return problems.length > 0 ? { problems } : reading
}

function readTarget(target: string, hold: Seconds): StepReading {
  if (target === '') return { problems: ['"for" has no weight before it (write for example 10% for 5m)'] }
  if (RAMP.test(target)) return readRamp(target, hold)
  const percent = PERCENT.exec(target)
  if (percent) {
    const { value, problem } = readPercent(percent[1] ?? '')
    return problem === undefined
      ? { step: { kind: 'weight', percent: value, hold } }
      : { problems: [problem] }
  }
  const pods = /^(\d+) ?pods?$/.exec(target)
  if (pods) {
    const count = Number(pods[1])
    if (count >= 1 && count <= MOST_PODS) return { step: { kind: 'pods', pods: count, hold } }
    return { problems: [`${quote(target)} is not between 1 and ${MOST_PODS} pods`] }
  }
  return { problems: [whatIsWrongWith(target)] }
}

function readRamp(text: string, hold: Seconds): StepReading {
  const [, from = '', fromUnit, to = '', toUnit, by, byUnit] = RAMP.exec(text) ?? []
  const complete = `${from}%..${to}% by ${by ?? 5}%`
  if (by === undefined) {
    return { problems: [`the ramp ${quote(text)} does not say by how much (write ${complete})`] }
  }
  if (fromUnit === '' || toUnit === '' || byUnit === '') {
    return { problems: [`the ramp ${quote(text)} lacks a % sign (write ${complete})`] }
  }
  if (to === '100') {
    return {
      problems: [
        `the ramp ${quote(text)} goes too far: promotion is the implied last step (end it at 99% or less)`,
      ],
    }
  }
  const ends = [readPercent(from), readPercent(to), readPercent(by, 'ramp step')]
  const problems = ends.flatMap(end => (end.problem === undefined ? [] : [end.problem]))
  const [low = 0, high = 0, step = 0] = ends.map(end => end.value)
  if (problems.length === 0 && low >= high) {
    problems.push(`the ramp ${from}%..${to}% does not go up (write the lower weight first)`)
  }
  return problems.length > 0 ? { problems } : { step: { kind: 'ramp', from: low, to: high, by: step, hold } }
}

/** Reads digits as a percentage of traffic; the value counts only when there is no problem. */
function readPercent(digits: string, what = 'weight'): { value: number; problem?: string } {
  const value = Number(digits)
  if (digits.includes('.') && value > 0 && value < 100) {
    const whole = [...new Set([Math.max(1, Math.floor(value)), Math.min(99, Math.ceil(value))])]
    return {
      value,
      problem: `${what} ${digits}% has a fraction (write ${whole.map(w => `${w}%`).join(' or ')})`,
    }
  }
  if (value === 100 && what === 'weight') {
    return { value, problem: 'weight 100% is promotion, the implied last step (leave it out)' }
  }
  if (value >= 1 && value <= 99) return { value }
  return { value, problem: `${what} ${digits}% is not between 1% and 99%` }
}

/** The sentence for a text that is no target at all, with the nearest thing its author may have meant. */
function whatIsWrongWith(target: string): string {
  const [head = '', next = ''] = target.split(' ')
  const range = ALMOST_RAMP.exec(target)
  if (range) return `${quote(target)} is not a ramp (write ${range[1]}%..${range[2]}% by ${range[3] ?? 5}%)`
  if (/^\d{1,6}$/.test(target)) {
    return `${quote(target)} has no unit (did you mean ${target}% or ${target} pods?)`
  }
  if (/^\d+%$/.test(head) && 'seconds' in readDuration(next)) {
    return `${quote(target)} is not a step (write ${head} for ${next})`
  }
  const number = /^(\d{1,6}) ?([a-z]+)$/.exec(target)
  if (number) return withWrongUnit(target, number[1] ?? '', number[2] ?? '')
  const foreign = FOREIGN_WORDS.get(head)
  if (foreign !== undefined) return `${quote(head)} is not a step (${foreign})`
  const meant = suggest(head, ['test', 'approve'])
  if (meant !== undefined) return `${quote(head)} is not a step; did you mean ${meant}?`
  return `${quote(target)} is not a step (write ${EXAMPLES})`
}

function withWrongUnit(target: string, count: string, unit: string): string {
  if (/^(percent|pct|per|percentage)$/.test(unit)) return `${quote(target)} is not a step (write ${count}%)`
  if (/^(replicas?|instances?)$/.test(unit) || suggest(unit, ['pods']) !== undefined) {
    return `${quote(target)} is not a step (write ${count} pods)`
  }
  return `${quote(target)} is not a step (did you mean ${count}% or ${count} pods?)`
}
