/** What the annotations of a pod tell its simulated program to do. */
import { parseDuration } from './duration.ts'

export const ANNOTATION_PREFIX = 'sandbox.canaryhook.dev/'

/** Times in milliseconds. */
export interface Behaviour {
  /** How long after its start a container becomes ready; `never` is never, 0 is at once. */
  readonly readyAfter: number | 'never'
  /** Share of the requests that is answered 500, 0..1. */
  readonly errorRate: number
  /** How long every request takes. */
  readonly latency: number
  /** The container exits with code 1 this long after each start. */
  readonly restartAfter: number | undefined
  /** The container exits at once with this code. */
  readonly exitCode: number | undefined
}

export type ParsedBehaviour =
  | { readonly behaviour: Behaviour; readonly problems?: undefined }
  /** One sentence per wrong annotation. */
  | { readonly behaviour?: undefined; readonly problems: readonly string[] }

const HARMLESS: Behaviour = {
  readyAfter: 0,
  errorRate: 0,
  latency: 0,
  restartAfter: undefined,
  exitCode: undefined,
}

interface Reader {
  readonly expected: string
  /** What the value says, undefined when it makes no sense. */
  readonly read: (value: string) => Partial<Behaviour> | undefined
}

const READERS: Readonly<Record<string, Reader>> = {
  ready: {
    expected: '"never" or a time such as 5s',
    read: value =>
      value === 'never' ? { readyAfter: value } : duration(value, time => ({ readyAfter: time })),
  },
  'error-rate': {
    expected: 'a number from 0 to 1 such as 0.3',
    read: value => within(value, 0, 1, rate => ({ errorRate: rate })),
  },
  latency: {
    expected: 'a time such as 200ms',
    read: value => duration(value, time => ({ latency: time })),
  },
  'restart-after': {
    expected: 'a time such as 3s',
    read: value => duration(value, time => ({ restartAfter: time })),
  },
  'exit-code': {
    expected: 'a whole number from 0 to 255',
    read: value => (/^\d+$/.test(value) ? within(value, 0, 255, code => ({ exitCode: code })) : undefined),
  },
}

/**
 * Reads the annotations with our prefix; all others are somebody else's.
 * @returns the behaviour, or everything that is wrong, each with its annotation and what was expected
 */
export function parseBehaviour(annotations: Readonly<Record<string, string>>): ParsedBehaviour {
  const problems: string[] = []
  let behaviour = HARMLESS
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue
    const reader = READERS[key.slice(ANNOTATION_PREFIX.length)]
    const said = reader?.read(value)
    if (reader === undefined) {
      problems.push(`${key} is not known to the sandbox: expected one of ${Object.keys(READERS).join(', ')}`)
    } else if (said === undefined) {
      problems.push(`${key}: "${value}" is not ${reader.expected}`)
    } else {
      behaviour = { ...behaviour, ...said }
    }
  }
  return problems.length > 0 ? { problems } : { behaviour }
}

function duration(
  value: string,
  said: (milliseconds: number) => Partial<Behaviour>,
): Partial<Behaviour> | undefined {
  const milliseconds = parseDuration(value)
  return milliseconds === undefined ? undefined : said(milliseconds)
}

function within(
  value: string,
  least: number,
  most: number,
  said: (number: number) => Partial<Behaviour>,
): Partial<Behaviour> | undefined {
  const number = value.trim() === '' ? Number.NaN : Number(value)
  return number >= least && number <= most ? said(number) : undefined
}
