import { readDuration, type Seconds } from '../duration.ts'
import { quote } from '../quote.ts'
import type { Approvers } from './plan.ts'
import type { StepReading } from './step-parser.ts'

const MOST_APPROVERS = 20
const FORMS = 'approve, approve by other, approve by 2, approve by group:NAME, approve for 24h'

/**
 * Reads what follows the word `approve`: `by` with who may (a number of people, `other`, `group:NAME`, in any
 * order) and `for` with how long the release waits, either first. Never throws.
 */
export function parseApprove(words: readonly string[]): StepReading {
  const problems: string[] = []
  let by: Approvers | undefined
  let within: Seconds | undefined
  for (const clause of clauses(words)) {
    const [keyword, ...rest] = clause
    const said = keyword?.toLowerCase()
    if (said === 'by' && by === undefined) {
      by = readApprovers(rest, problems)
    } else if (said === 'for' && within === undefined) {
      const reading = readDuration(rest.join(' '))
      within = 'seconds' in reading ? reading.seconds : 0
      if ('problem' in reading) problems.push(reading.problem)
    } else if (said === 'by' || said === 'for') {
      problems.push(`"approve" says ${quote(said)} twice`)
    } else {
      problems.push(`${quote(clause.join(' '))} after "approve" is not understood (write ${FORMS})`)
    }
  }
  if (problems.length > 0) return { problems }
  return {
    step: {
      kind: 'approve',
      ...(by === undefined ? {} : { by }),
      ...(within === undefined ? {} : { within }),
    },
  }
}

/** Cuts the words before every `by` and `for`. */
function clauses(words: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = []
  for (const word of words) {
    const current = found.at(-1)
    if (current === undefined || /^(by|for)$/i.test(word)) found.push([word])
    else current.push(word)
  }
  return found
}

function readApprovers(words: readonly string[], problems: string[]): Approvers {
  let by: Approvers = {}
  if (words.length === 0) problems.push(`"by" does not say who (write ${FORMS})`)
  for (const word of words) {
    const one = readApprover(word, problems)
    if (Object.keys(one).some(key => key in by)) problems.push(`${quote(word)} says again who approves`)
    by = { ...by, ...one }
  }
  return by
}

function readApprover(word: string, problems: string[]): Approvers {
  if (/^\d+$/.test(word)) {
    const count = Number(word)
    if (count < 1 || count > MOST_APPROVERS) {
      problems.push(`${quote(word)} people cannot approve (write 1 to ${MOST_APPROVERS})`)
    }
    return { count }
  }
  if (word.toLowerCase() === 'other') return { other: true }
  const group = /^group:(.+)$/i.exec(word)?.[1]
  if (group !== undefined) return { group }
  problems.push(`${quote(word)} does not name who approves (write other, a number of people, or group:NAME)`)
  return {}
}
