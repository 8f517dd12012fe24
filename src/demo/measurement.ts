/** Over which stretches of time the demo measures, and what it says about one that is over. Pure. */
import type { Snapshot } from './snapshot.ts'
import { failures, percentOf, type Sample, type Tally, tally } from './tally.ts'
import { percent } from './view.ts'

/** A stretch in which one thing went on: a weight stood, a step was under way, a phase lasted. */
export interface Stretch {
  /** What went on; a new one starts when this changes. */
  readonly key: string
  /** For people: "while 10% for 12s stood". */
  readonly during: string
  /** For people, as long as it lasts: "since 10% for 12s stands". */
  readonly since: string
  /** Only while a weight stands is a share worth a line of its own. */
  readonly stands: boolean
  readonly from: number
}

/** The stretch that a snapshot belongs to: the one before, or a new one that starts with it. */
export function stretchAt(snapshot: Snapshot, before: Stretch | undefined): Stretch {
  const next = describe(snapshot)
  return before?.key === next.key ? before : { ...next, from: snapshot.at }
}

function describe({ phase, release, step, reached }: Snapshot): Omit<Stretch, 'from'> {
  const key = [release, phase, step, reached].join('/')
  if (step !== undefined && reached !== undefined) {
    const weight = step.split(': ').at(-1) ?? step
    return { key, during: `while "${weight}" stood`, since: `since "${weight}" stands`, stands: true }
  }
  if (step !== undefined)
    return { key, during: `during ${step}`, since: 'since the step began', stands: false }
  const what = phase === undefined ? 'the deployment' : `the phase ${phase}`
  return { key, during: `during ${what}`, since: `since ${what} began`, stands: false }
}

/** One sentence about the traffic of a stretch: who got which share, and whether anything failed. */
export function tellMeasurement(during: string, counted: Tally): string {
  const shares = counted.versions.map(
    ({ version, requests }) => `${version} ${percent(percentOf(requests, counted.total))}`,
  )
  const failed = failures(counted)
  const end = failed === 0 ? 'none failed' : `${failed} failed (${percent(percentOf(failed, counted.total))})`
  return `measured ${during}: ${shares.join(', ')} of ${counted.total} requests; ${end}`
}

/** The traffic of a stretch that ended at `to`. */
export function tallyStretch(samples: readonly Sample[], stretch: Stretch, to: number): Tally {
  return tally(samples, stretch.from, to)
}
