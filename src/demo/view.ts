/** The live view: what is seen at one moment → lines of text for a terminal. Pure. */
import { countPods, type PodGroup, readyPods, type Snapshot } from './snapshot.ts'
import { percentOf, type Tally } from './tally.ts'

/** Colours a piece of the view, or leaves it as it is. */
export type Paint = (text: string, role: 'title' | 'stable' | 'canary' | 'bad' | 'quiet') => string

export interface Scene {
  readonly snapshot: Snapshot
  /** Requests since `since`. */
  readonly counted: Tally
  /** In words: since when, such as "since 10% stands". */
  readonly since: string
}

const BAR_WIDTH = 40
const READY = '●'
const UNREADY = '○'

/** Columns that the view needs. */
export const VIEW_WIDTH = 76

/** As many lines as there are versions and five more, each within VIEW_WIDTH for a plan of plain steps. */
export function renderView(scene: Scene, paint: Paint = text => text): readonly string[] {
  const { snapshot } = scene
  return [
    '',
    `  ${paint(headline(snapshot), 'title')}`,
    `  stable  ${pods(snapshot.stable, 'stable', paint)}`,
    `  canary  ${pods(snapshot.canary, 'canary', paint)}`,
    ...renderTraffic(scene, paint),
  ]
}

/** `v2 · Progressing · step 1 of 2: 10% for 12s · for 7 s` */
export function headline(snapshot: Snapshot): string {
  const { applied, phase, step, reached, at } = snapshot
  if (phase === undefined) return `${applied} · deployed`
  const standing =
    reached === undefined ? 'on its way' : `stands for ${Math.max(0, Math.floor((at - reached) / 1000))} s`
  return [applied, phase, ...(step === undefined ? [] : [step, standing])].join(' · ')
}

function pods(groups: readonly PodGroup[], role: 'stable' | 'canary', paint: Paint): string {
  if (countPods(groups) === 0) return paint('none', 'quiet')
  const bars = groups.map(({ version, ready, unready }) => {
    const dots = READY.repeat(ready) + UNREADY.repeat(unready)
    return `${version} ${paint(dots, role)}`
  })
  return `${bars.join('  ')}  ${paint(`${readyPods(groups)} of ${countPods(groups)} ready`, 'quiet')}`
}

function renderTraffic({ counted, since, snapshot }: Scene, paint: Paint): readonly string[] {
  const title = `  ${counted.total} ${counted.total === 1 ? 'request' : 'requests'} ${since}`
  const canaryVersions = new Set(snapshot.canary.map(({ version }) => version))
  const rows = counted.versions.map(({ version, requests, errors }) => {
    const role = canaryVersions.has(version) ? 'canary' : 'stable'
    const share = percentOf(requests, counted.total)
    const failed = errors === 0 ? 'no errors' : paint(`${percent(percentOf(errors, requests))} errors`, 'bad')
    return `    ${version.padEnd(8)}${percent(share).padStart(6)}  ${paint(bar(share), role)}  ${failed}`
  })
  if (counted.unanswered === 0) return [title, ...rows]
  const lost = percentOf(counted.unanswered, counted.total)
  return [title, ...rows, `    no reply${percent(lost).padStart(6)}  ${paint(bar(lost), 'bad')}`]
}

/** A share as a bar of fixed width; what is there at all is seen. */
export function bar(share: number): string {
  const filled = share === 0 ? 0 : Math.max(1, Math.round((share / 100) * BAR_WIDTH))
  return '█'.repeat(Math.min(filled, BAR_WIDTH)).padEnd(BAR_WIDTH, '·')
}

export function percent(value: number): string {
  return `${value.toFixed(1)}%`
}
