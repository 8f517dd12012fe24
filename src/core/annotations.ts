import { readDuration, type Seconds } from './duration.ts'
import { readLabelKey } from './label-key.ts'
import type { Capacity } from './plan/expand.ts'
import { givesWeight, type Plan, parsePlan, printPlan } from './plan/plan.ts'
import { readPreview } from './preview.ts'
import { quote } from './quote.ts'
import { suggest } from './suggest.ts'
import { readTestSource } from './test-source.ts'
import { VERSION } from './version.ts'

export const PREFIX = 'canaryhook.dev/'

export const STEPS = `${PREFIX}steps`
export const CAPACITY = `${PREFIX}capacity`
export const DEADLINE = `${PREFIX}deadline`
export const MAX_RESTARTS = `${PREFIX}max-restarts`
export const ON_FAILURE = `${PREFIX}on-failure`
export const TRAFFIC = `${PREFIX}traffic`
export const TEST = `${PREFIX}test`
export const ISOLATE = `${PREFIX}isolate`
export const BASELINE = `${PREFIX}baseline`
export const PREVIEW = `${PREFIX}preview`
export const COMMAND = `${PREFIX}command`
/** Where a release is. Written by Canaryhook only; what a user writes there counts for nothing. */
export const STATE = `${PREFIX}state`

export const COMMANDS = ['approve', 'abort', 'retry', 'skip', 'promote', 'pause', 'resume'] as const
export type Command = (typeof COMMANDS)[number]

export type OnFailure = 'hold' | 'restore'

/** Everything a user can decide about the releases of one Deployment. */
export interface Settings {
  /** The plan in its canonical form. */
  readonly steps: string
  readonly plan: Plan
  readonly capacity: Capacity
  /** How long a step may wait for the canary to become ready. */
  readonly deadline: Seconds
  /** More restarts of one canary container than this fail the release. */
  readonly maxRestarts: number
  readonly onFailure: OnFailure
  /** Where the Job of `test` steps comes from, in its canonical form; there exactly when the plan has such steps. */
  readonly test?: string
  /** The label that is left out while the canary is tested, in place of the readiness gate. */
  readonly isolate?: string
  /** Where the canary can be looked at while a release runs, in its canonical form. */
  readonly preview?: string
  /** Fresh pods of the accepted version run beside the canary. */
  readonly baseline?: true
}

export const DEFAULT_DEADLINE: Seconds = 600
export const DEFAULT_MAX_RESTARTS = 2
const MOST_RESTARTS = 1000

export type AnnotationsReading =
  /** Not opted in, and nothing of ours on it (our own state aside). */
  | { readonly kind: 'none' }
  | { readonly kind: 'ok'; readonly settings: Settings; readonly command?: Command }
  /** Everything that is wrong, one text per annotation; a text may have indented lines of its own. */
  | { readonly kind: 'errors'; readonly errors: readonly string[] }

/** Annotations that mean something in a later version, and what they are for. */
const NOT_YET: ReadonlyMap<string, string> = new Map([
  ['metrics', 'analysis of metrics is'],
  ['interval', 'analysis of metrics is'],
  ['threshold', 'analysis of metrics is'],
  ['hooks', 'hooks are'],
  ['policy', 'policies are'],
])

const AVAILABLE = [
  STEPS,
  CAPACITY,
  DEADLINE,
  MAX_RESTARTS,
  ON_FAILURE,
  TRAFFIC,
  TEST,
  ISOLATE,
  BASELINE,
  PREVIEW,
  COMMAND,
]
const KNOWN = [...AVAILABLE.map(nameOf), ...NOT_YET.keys()]

/** Whether these annotations opt a Deployment in, well written or not. */
export function isOptedIn(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations !== undefined && Object.hasOwn(annotations, STEPS)
}

/**
 * Reads all annotations of ours on one object at once. Other prefixes are none of our business.
 *
 * @returns the settings with their defaults and the command, if one is given; or every error found
 */
export function readAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): AnnotationsReading {
  const ours = Object.entries(annotations ?? {}).filter(([key]) => key.startsWith(PREFIX) && key !== STATE)
  if (ours.length === 0) return { kind: 'none' }

  const errors: string[] = []
  let settings: Settings = {
    steps: '',
    plan: [],
    capacity: 'shift',
    deadline: DEFAULT_DEADLINE,
    maxRestarts: DEFAULT_MAX_RESTARTS,
    onFailure: 'hold',
  }
  let command: Command | undefined
  for (const [key, value] of ours) {
    const reading = readOne(key, value)
    if ('error' in reading) errors.push(`${key}: ${reading.error}`)
    else if ('command' in reading) command = reading.command
    else settings = { ...settings, ...reading.settings }
  }
  const isMeant = (key: string) => errors.some(error => error.endsWith(`did you mean ${key}?`))
  const keys = new Set(ours.map(([key]) => key))
  if (!isOptedIn(annotations) && !isMeant(STEPS)) errors.push(withoutSteps([...keys]))
  // What a plan that cannot be read asks for is not known.
  if (settings.plan.length > 0) {
    errors.push(...disagreements(settings.plan, keys, isMeant))
    if (settings.baseline) errors.push(...withoutWeight(settings.plan))
  }
  if (errors.length > 0) return { kind: 'errors', errors }
  return { kind: 'ok', settings, ...(command === undefined ? {} : { command }) }
}

/** Reads the value of the command annotation alone; the error is ready to be shown. */
export function readCommand(value: string): { readonly command: Command } | { readonly error: string } {
  const reading = choice(value, COMMANDS, command => ({ command }))
  if ('command' in reading) return { command: reading.command }
  return { error: `${COMMAND}: ${'error' in reading ? reading.error : quote(value)}` }
}

/** The denial of a request: which object, what is wrong with it, and that nothing was stored. */
export function formatErrors(
  errors: readonly string[],
  object: { readonly namespace: string; readonly name: string },
): string {
  const heading = `Deployment ${object.namespace}/${object.name} was not stored: its annotations have errors`
  return [heading, ...errors.map(error => `  ${error.replaceAll('\n', '\n  ')}`)].join('\n')
}

type OneReading =
  | { readonly settings: Partial<Settings> }
  | { readonly command: Command }
  | { readonly error: string }

function readOne(key: string, value: string): OneReading {
  switch (key) {
    case STEPS:
      return readSteps(value)
    case CAPACITY:
      return choice(value, ['shift', 'surge'], capacity => ({ settings: { capacity } }))
    case DEADLINE:
      return readDeadline(value)
    case MAX_RESTARTS:
      return readMaxRestarts(value)
    case ON_FAILURE:
      return choice(value, ['hold', 'restore'], onFailure => ({ settings: { onFailure } }))
    case TRAFFIC:
      return readTraffic(value)
    case TEST:
      return readTest(value)
    case ISOLATE:
      return readIsolate(value)
    case BASELINE:
      return choice(value, ['true', 'false'], word => ({
        settings: word === 'true' ? { baseline: true } : {},
      }))
    case PREVIEW:
      return readPreviewed(value)
    case COMMAND:
      return choice(value, COMMANDS, command => ({ command }))
    default:
      return { error: unusable(key) }
  }
}

function readSteps(value: string): OneReading {
  const reading = parsePlan(value)
  if ('plan' in reading) return { settings: { plan: reading.plan, steps: printPlan(reading.plan) } }
  const count = reading.errors.length === 1 ? '1 error' : `${reading.errors.length} errors`
  return { error: [`${quote(value, 80)}: ${count}`, ...reading.errors.map(error => `  ${error}`)].join('\n') }
}

function readDeadline(value: string): OneReading {
  const reading = readDuration(value)
  return 'problem' in reading ? { error: reading.problem } : { settings: { deadline: reading.seconds } }
}

function readMaxRestarts(value: string): OneReading {
  const written = value.trim()
  const maxRestarts = Number(written)
  if (/^\d+$/.test(written) && maxRestarts <= MOST_RESTARTS) return { settings: { maxRestarts } }
  return { error: `${quote(value)} is not a whole number between 0 and ${MOST_RESTARTS}` }
}

function readTraffic(value: string): OneReading {
  const written = value.trim().toLowerCase()
  if (written === 'replicas') return { settings: {} }
  if (/^(ingress|httproute)\//.test(written)) {
    return { error: notYet(`${quote(value)} is`, 'replicas, the default') }
  }
  return { error: `${quote(value)} is not one of: replicas` }
}

function readTest(value: string): OneReading {
  const reading = readTestSource(value)
  return 'problem' in reading ? { error: reading.problem } : { settings: { test: reading.text } }
}

function readIsolate(value: string): OneReading {
  const reading = readLabelKey(value)
  return 'problem' in reading ? { error: reading.problem } : { settings: { isolate: reading.key } }
}

function readPreviewed(value: string): OneReading {
  const reading = readPreview(value)
  return 'problem' in reading ? { error: reading.problem } : { settings: { preview: reading.text } }
}

/** Where the plan and the other annotations do not fit together; each is told at what is to be mended. */
function disagreements(
  plan: Plan,
  keys: ReadonlySet<string>,
  isMeant: (key: string) => boolean,
): readonly string[] {
  const errors: string[] = []
  const firstTest = plan.findIndex(step => step.kind === 'test')
  const hint = `write for example ${STEPS}: test, 10% for 5m, 50%`
  if (firstTest >= 0 && !keys.has(TEST) && !isMeant(TEST)) {
    errors.push(
      `${TEST}: missing; step ${firstTest + 1} of the plan is test (write for example ${TEST}: cronjob/NAME)`,
    )
  }
  if (firstTest < 0 && keys.has(TEST)) errors.push(`${TEST}: no step of the plan is test (${hint})`)
  const firstWeight = plan.findIndex(givesWeight)
  const isTestedFirst = firstTest >= 0 && (firstWeight < 0 || firstTest < firstWeight)
  if (keys.has(ISOLATE) && !isTestedFirst) {
    errors.push(
      `${ISOLATE}: a canary is isolated while it is tested before its first weight, and this plan has no such test (${hint})`,
    )
  }
  return errors
}

/** A baseline is compared with the canary under the same load, which only a weight gives them. */
function withoutWeight(plan: Plan): readonly string[] {
  if (plan.some(givesWeight)) return []
  const hint = `write for example ${STEPS}: 20%, approve`
  return [
    `${BASELINE}: a baseline runs beside a canary that takes a weight, and this plan has none (${hint})`,
  ]
}

/** A value out of a few words; `found` makes the reading of the one that was written. */
function choice<T extends string>(
  value: string,
  words: readonly T[],
  found: (word: T) => OneReading,
): OneReading {
  const written = value.trim().toLowerCase()
  const word = words.find(one => one === written)
  if (word !== undefined) return found(word)
  const meant = suggest(written, words)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  return { error: `${quote(value)} is not one of: ${words.join(', ')}${hint}` }
}

function unusable(key: string): string {
  const name = nameOf(key)
  const purpose = NOT_YET.get(name)
  if (purpose !== undefined) return notYet(purpose)
  const meant = suggest(name, KNOWN)
  if (meant !== undefined) return `unknown annotation; did you mean ${PREFIX}${meant}?`
  return `unknown annotation (known are ${AVAILABLE.map(nameOf).join(', ')})`
}

function withoutSteps(keys: readonly string[]): string {
  const others = keys.length === 1 ? `${keys[0]} means` : 'the other annotations mean'
  return `${STEPS}: missing; ${others} nothing without it (write for example ${STEPS}: 10% for 5m, 50%)`
}

function notYet(what: string, instead?: string): string {
  const hint = instead === undefined ? '' : ` (write ${instead})`
  return `${what} not available yet in this version (${VERSION})${hint}`
}

function nameOf(key: string): string {
  return key.slice(PREFIX.length)
}
