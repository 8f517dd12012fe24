/**
 * The life of a release: what the state shall be and what the cluster shall look like, given what is seen.
 * Total and pure. Reads from top to bottom as the phases of DESIGN follow each other.
 */
import type { Wanted } from './conditions.ts'
import { AS_IT_IS, type Decision, type Outcome, stamp, type Wants } from './decision.ts'
import type { Said } from './objects.ts'
import type { Observation } from './observe.ts'
import { failed, holding, STALLED } from './phases/failed.ts'
import { pending } from './phases/pending.ts'
import { progressing } from './phases/progressing.ts'
import { promoting, reverting } from './phases/promoting.ts'
import { project, sameProjection } from './project.ts'
import { isLive, type State, withFields } from './state.ts'
import { progressMessage } from './status-message.ts'
import { runOf, type TestSeen } from './test-job.ts'

/**
 * @param state the stored state; undefined when there is none
 * @param now milliseconds since 1970
 * @returns the end state wanted; with nothing changed since, it is what already is
 */
export function decide(state: State | undefined, seen: Observation, now: number): Decision {
  if (!state || !isLive(state)) return decision(state, [], seen, tidy)
  let current = noticeScaling(mendTimes(state, now), seen)
  const said: Said[] = []
  // Each turn goes forward in the plan or the life; the bound is only there against a mistake of ours.
  for (let turns = 0; turns < 200; turns += 1) {
    const outcome = live(current, seen, now)
    if (outcome.kind === 'stay') return decision(outcome.state, said, seen, outcome.wants)
    said.push(...outcome.said)
    current = outcome.state
    if (!isLive(current)) return decision(current, said, seen, tidy)
  }
  const lost = failed(current, now, { reason: 'InternalError', message: 'the release did not come to rest' })
  return decision(lost.state, said, seen, {})
}

function live(state: State, seen: Observation, now: number): Outcome {
  switch (state.phase) {
    case 'Pending':
      return pending(state, seen, now)
    case 'Progressing':
      return progressing(state, seen, now)
    case 'Promoting':
      return promoting(state, seen, now)
    case 'Reverting':
      return reverting(state, seen)
    case 'Failed':
      return holding(state, seen, now)
    case 'Succeeded':
    case 'Reverted':
      return { kind: 'stay', state, wants: tidy }
  }
}

/** Clocks of two controllers may differ by this much, and nobody notices. */
const SKEW = 5_000

/**
 * A clock that ran ahead wrote times that are still to come. They are stored anew as now: else each look would
 * take them for now again, and a hold or a deadline would last until that time has come.
 */
function mendTimes(state: State, now: number): State {
  const mended = (time: string | undefined) =>
    time !== undefined && Date.parse(time) > now + SKEW ? stamp(now) : time
  const { since, reached, unready, failedAt, held } = state
  return withFields(state, {
    since: mended(since),
    reached: mended(reached),
    unready: mended(unready),
    failedAt: mended(failedAt),
    held: held && (held.since === undefined ? held : { ...held, since: mended(held.since) }),
  })
}

/** No release: nothing of ours is left behind. */
const tidy: Partial<Wants> = { snapshot: 'drop', canary: 'none' }

function decision(
  state: State | undefined,
  said: readonly Said[],
  seen: Observation,
  wants: Partial<Wants>,
): Decision {
  return {
    ...AS_IT_IS,
    conditions: conditionsFor(state, seen),
    dropTests: superfluous(state, seen),
    ...(wants.canary === 'none' && WITH_THE_CANARY),
    ...wants,
    state,
    said,
  }
}

/** What goes when the canary goes: what is compared with it, and what leads to it. */
const WITH_THE_CANARY = { baseline: 'none', service: 'drop', ingress: 'drop' } as const

/** A test belongs to one release: another cancels it. Those that are over stay until the next one, to be looked at. */
function superfluous(state: State | undefined, { tests }: Observation): readonly TestSeen[] {
  const run = state?.phase === 'Progressing' ? runOf(state) : undefined
  return tests.filter(test => !test.deleting && (run ? test.run !== run : test.result === 'running'))
}

/**
 * spec.replicas is not what the webhook last made it, and that was what we wanted: somebody scaled. That is
 * the new total, never fought, unless it is the total put back. In surge mode every size is the user's.
 */
function noticeScaling(state: State, seen: Observation): State {
  if (state.stable === undefined) return withFields(state, { total: seen.replicas })
  if (state.applied?.replicas === undefined || seen.replicas === state.applied.replicas) return state
  const asWanted = sameProjection(project(state), state.applied)
  // Without the webhook stable of a failed release comes back through /scale: never beyond what is wanted.
  const isBeyond = state.phase === 'Failed' && seen.replicas > state.stable
  if (!asWanted && !isBeyond) return state
  // From there each phase goes on; where it has no wish of its own, the size stays as it was made.
  const stable = seen.replicas
  if (stable !== state.total) return withFields(state, { total: stable, stable })
  return withFields(state, { stable, putBacks: (state.putBacks ?? 0) + 1 })
}

/** What serves on, where that is not one version: the release before this one was being rolled out. */
function mixOf(state: State, seen: Observation): string {
  const versions = seen.snapshot?.sets.length ?? 0
  if (versions < 2 || state.reason === STALLED) return ''
  return `; the mix of ${versions} accepted versions from before serves on`
}

/** A canary that serves stays until stable is back; where that cannot be, people must know what to make room for. */
function notBack({ canary, stableFailure }: Observation): string {
  if (!canary || stableFailure === undefined) return ''
  return `; its pods serve until the former version is back, which cannot be: ${stableFailure}`
}

function conditionsFor(state: State | undefined, seen: Observation): Wanted {
  if (!state || !isLive(state)) return {}
  if (state.phase === 'Failed') {
    const { reason = 'Failed', message = 'the release failed' } = state
    return { Stalled: { reason, message: message + mixOf(state, seen) + notBack(seen) } }
  }
  // Pending is over in a moment as a rule: a condition for it would only be another write.
  if (state.phase === 'Pending') return {}
  return { Reconciling: { reason: state.phase, message: progressMessage(state, seen.name) } }
}
