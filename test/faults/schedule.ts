/** From a seed to a schedule: an app, what people do to it, and what goes wrong meanwhile. Pure. */
import type { AppOptions } from '../scenarios/manifest.ts'
import { type Dice, dice } from './dice.ts'
import type { FaultSettings } from './faulty-cluster.ts'
import {
  type GateAct,
  type Gates,
  gateActsOf,
  gateSettings,
  gatesOf,
  type TestEnd,
  testEndOf,
} from './gates.ts'
import type { Mood } from './rig.ts'

/** What a version of the app is like. */
export type Quality = 'good' | 'never ready' | 'crashing'

export interface Version {
  readonly name: string
  readonly quality: Quality
  /** How its test ends, where the plan has one. */
  readonly test?: TestEnd
}

/** What people do, in milliseconds since v2 was applied. */
export type Act =
  | GateAct
  | { readonly at: number; readonly does: 'apply'; readonly version: Version }
  | { readonly at: number; readonly does: 'command'; readonly word: string }
  | { readonly at: number; readonly does: 'scale'; readonly replicas: number }
  | { readonly at: number; readonly does: 'delete the canary' | 'delete the ReplicaSets' }

/** What goes wrong beside requests and watches, in milliseconds since v2 was applied. */
export type Trouble =
  /** The controller dies and another one, which knows nothing, takes its place after `pause`. */
  | { readonly at: number; readonly is: 'crash'; readonly pause: number }
  | { readonly at: number; readonly is: 'clock jump'; readonly by: number }
  | { readonly at: number; readonly is: 'webhook'; readonly mood: Mood }

export interface Schedule {
  readonly seed: number
  readonly replicas: number
  readonly rollingUpdate: { readonly maxSurge: number | string; readonly maxUnavailable: number }
  readonly surge: boolean
  readonly steps: string
  readonly gates?: Gates
  /** The number of replicas is in the manifest, and comes with every apply. */
  readonly namesReplicas: boolean
  readonly acts: readonly Act[]
  readonly troubles: readonly Trouble[]
  readonly faults: FaultSettings
  /** When everything works again. */
  readonly calmAt: number
}

const V1: Version = { name: 'v1', quality: 'good' }
const STRATEGIES = [
  { maxSurge: 1, maxUnavailable: 0 },
  { maxSurge: '25%', maxUnavailable: 0 },
  { maxSurge: '100%', maxUnavailable: 0 },
  { maxSurge: 0, maxUnavailable: 1 },
]
const PLANS = [
  '50%',
  '25%, 50%',
  '50% for 1s',
  '25% for 1s, 75%',
  '1 pods, 2 pods for 1s',
  '30%, 60%, 90%',
  'approve, 50%',
  '50%, approve',
]
const MINUTE = 60_000

export function scheduleOf(seed: number): Schedule {
  const chance = dice(seed)
  const replicas = chance.pick('replicas', [2, 2, 3, 3, 4, 4, 6])
  const calmAt = chance.between('calm', 3000, 7000)
  const severity = chance.pick('severity', [0.05, 0.15, 0.3])
  const gates = gatesOf(seed)
  return {
    seed,
    replicas,
    rollingUpdate: chance.pick('strategy', STRATEGIES),
    surge: chance.chance('surge', 0.12),
    steps: gates?.steps ?? chance.pick('plan', PLANS),
    ...(gates && { gates }),
    namesReplicas: chance.chance('names replicas', 0.5),
    acts: actsOf(seed, replicas, calmAt),
    troubles: troublesOf(chance, calmAt).sort((a, b) => a.at - b.at),
    calmAt,
    faults: {
      writes: { share: severity, latest: 1500 },
      watches: {
        delay: chance.pick('delay', [20, 200, 1000]),
        twice: 0.1,
        gaps: chance.pick('gaps', [0, 0.02, 0.08]),
        longestGap: 1500,
        staleLists: 0.5,
        staleness: 1500,
      },
    },
  }
}

/** The manifest of a version as this schedule's user has it. */
export function optionsOf(schedule: Schedule, version: Version, replicas: number): AppOptions {
  const { quality, test } = version
  const behaviour = {
    good: undefined,
    'never ready': { ready: 'never' },
    crashing: { 'exit-code': '1' },
  }
  const settings = { good: {}, 'never ready': { deadline: '2s' }, crashing: { 'max-restarts': '1' } }
  return {
    replicas: schedule.namesReplicas ? replicas : null,
    steps: schedule.steps,
    rollingUpdate: schedule.rollingUpdate,
    settings: {
      ...(test === 'never ends' && { deadline: '2s' }),
      ...settings[quality],
      ...(schedule.surge && { capacity: 'surge' }),
      ...gateSettings(schedule.gates, schedule.seed, test),
    },
    ...(behaviour[quality] && { behaviour: behaviour[quality] }),
  }
}

function actsOf(seed: number, replicas: number, calmAt: number): readonly Act[] {
  const chance = dice(seed).for('acts')
  const version = (name: string) => versionOf(seed, name)
  const v2 = version('v2')
  const begin: Act = { at: 0, does: 'apply', version: v2 }
  const later = (about: string) => chance.between(`when ${about}`, 200, calmAt)
  const command = (word: string, at = later(word)): Act => ({ at, does: 'command', word })
  const apply = (version: Version, at = later(version.name)): Act => ({ at, does: 'apply', version })
  // With a bad version these ship it, as they must: nothing is there to protect, or a person said so.
  const withGood = (...story: readonly Act[]) => (isGood(v2) ? story : [])
  const v3 = (at?: number) => apply(version('v3'), at)
  const scale = (): Act => ({
    at: later('scaled'),
    does: 'scale',
    replicas: chance.pick('scaled to', [replicas - 1, replicas + 1, replicas + 2, replicas + 2]),
  })

  const stories: readonly (() => readonly Act[])[] = [
    () => [],
    () => [],
    () => [],
    () => [v3()],
    () => [v3(), apply(V1, calmAt)],
    () => [apply(V1)],
    () => [command('abort')],
    () => [command('abort'), command('retry', calmAt)],
    () => [command('abort'), v3(calmAt)],
    () => [scale()],
    () => [scale(), v3()],
    () => [scale(), command('abort')],
    () => [command('pause', 600), command('resume', calmAt)],
    () => withGood(command('skip')),
    () => withGood({ at: later('sets deleted'), does: 'delete the ReplicaSets' }),
    () =>
      withGood({ at: later('scaled'), does: 'scale', replicas: 0 }, { at: calmAt, does: 'scale', replicas }),
    () => [{ at: later('canary deleted'), does: 'delete the canary' }],
    () => busy(seed, replicas, calmAt),
    () => busy(seed, replicas, calmAt),
    () => busy(seed, replicas, calmAt),
  ]
  const story = chance.pick('story', stories)()
  return [begin, ...[...story, ...gateActsOf(seed, calmAt)].sort((a, b) => a.at - b.at)]
}

/** Many people, or one who cannot decide. */
function busy(seed: number, replicas: number, calmAt: number): readonly Act[] {
  const chance = dice(seed).for('busy')
  return Array.from({ length: chance.between('acts', 3, 8) }, (_, index): Act => {
    const some = chance.for(`act ${index}`)
    const at = some.between('when', 200, calmAt)
    const does = some.pick('does', ['apply', 'command', 'command', 'scale'] as const)
    if (does === 'scale') return { at, does, replicas: some.between('replicas', replicas - 1, replicas + 2) }
    if (does === 'command') {
      return { at, does, word: some.pick('word', ['abort', 'retry', 'retry', 'pause', 'resume']) }
    }
    const name = some.pick('version', ['v1', 'v2', 'v3', 'v4'])
    return { at, does, version: versionOf(seed, name) }
  })
}

/** The same for a version however often it is applied. */
function versionOf(seed: number, name: string): Version {
  if (name === V1.name) return V1
  const quality = dice(seed)
    .for(name)
    .pick('quality', ['good', 'good', 'never ready', 'crashing'] as const)
  const test = testEndOf(seed, name)
  return { name, quality, ...(test && { test }) }
}

/** Whether its release may end in a promotion. */
export function isGood({ quality, test = 'passes' }: Version): boolean {
  return quality === 'good' && test === 'passes'
}

function troublesOf(chance: Dice, calmAt: number): Trouble[] {
  const found: Trouble[] = []
  const when = (about: string) => chance.between(`when ${about}`, 0, calmAt - 500)
  for (let crash = chance.between('crashes', 0, 3); crash > 0; crash -= 1) {
    found.push({ at: when('crash'), is: 'crash', pause: chance.between('pause', 0, 800) })
  }
  for (let jump = chance.pick('jumps', [0, 0, 1, 2]); jump > 0; jump -= 1) {
    // Fewer than the default deadline of ten minutes altogether, so that a good version does not miss it.
    const by = chance.pick('jump', [-4, -2, -0.5, 0.5, 2, 4]) * MINUTE
    found.push({ at: when('jump'), is: 'clock jump', by })
  }
  if (chance.chance('webhook', 0.35)) {
    const at = when('webhook')
    const until = Math.min(calmAt, at + chance.between('webhook for', 200, 2500))
    found.push({ at, is: 'webhook', mood: chance.pick('mood', ['down', 'refuses'] as const) })
    found.push({ at: until, is: 'webhook', mood: 'works' })
  }
  return found
}
