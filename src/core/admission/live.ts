import { COMMAND, type Command, type Settings, STEPS } from '../annotations.ts'
import { unapproved } from '../approval.ts'
import { answerCommand } from '../commands.ts'
import type { AdmissionAnswer, Deployment } from '../kubernetes.ts'
import { appliedReplicas } from '../manifest.ts'
import { stages } from '../plan/expand.ts'
import { project } from '../project.ts'
import { type Request, type State, withFields } from '../state.ts'
import { onlyRestarted } from '../template.ts'
import { stagesOf } from '../weights.ts'
import { accepted, denied } from './answer.ts'
import { announcement, begin } from './begin.ts'
import type { Update } from './user-update.ts'

/** An update while a release runs or is held: the state goes on, whatever the request carries in its place. */
export function admitLive(update: Update, was: State): AdmissionAnswer {
  const { before, after, by, asker, command } = update
  const state = countReplicas(was, before, after)
  const consume = update.carriesCommand
  if (update.templateChanged) return supersede(update, state)

  let next = state
  const said: string[] = []
  if (command) {
    const answer = answerCommand(command, state, asker)
    if (answer.kind === 'refused') {
      return denied(`${COMMAND}=${command} was not carried out: ${answer.because}`)
    }
    next = ask(
      command === 'retry' ? withSettings(state, update.settings) : state,
      requested(command, state, by),
    )
    said.push(`${command}: ${answer.says}`)
  }
  said.push(...remarks(update, state))
  if (update.wasOptedIn && !update.isOptedIn) {
    const left = optOut(next, by)
    next = left.state
    said.push(left.says)
  }
  return accepted(after, { state: next, consume, warnings: [...update.warnings, ...said] })
}

/**
 * What is stored of a command. Two of them mean the stage at which they were typed: another request that waits
 * before them may end that stage, and who may approve the next one is another question.
 */
function requested(command: Command, { step }: State, by: string): Request {
  return command === 'approve' || command === 'skip' ? { command, by, step } : { command, by }
}

/** Another template: whatever ran is ended by the controller, gracefully, before the new one is tried. */
function supersede(update: Update, state: State): AdmissionAnswer {
  const { after, by, asker, command, settings } = update
  const consume = update.carriesCommand
  if (!update.isOptedIn && !update.wasOptedIn) {
    const warnings = [...update.warnings, `${STEPS} is gone: rolled out without a canary, the hold is over`]
    return accepted(after, { state: letGo(state, by), consume, warnings })
  }
  const requests: Request[] = command === 'promote' ? [{ command, by }] : []
  if (command && command !== 'promote') {
    return denied(
      `${COMMAND}=${command} was not carried out: the same request changes the template; type the command by itself`,
    )
  }
  const plan = settings ? stages(settings.plan) : stagesOf(state)
  const gate = command === 'promote' ? unapproved(plan, asker, by) : undefined
  if (gate) return denied(`${COMMAND}=promote was not carried out: ${gate}`)
  const fresh: State = settings
    ? begin(settings, by, state.total)
    : withFields(state, {
        phase: 'Pending',
        release: '',
        by,
        step: 0,
        putBacks: undefined,
        held: undefined,
        approvals: undefined,
      })
  // Stable keeps its present size until the controller has looked: no pod goes or comes by guessing.
  const next = withFields(fresh, {
    stable: state.stable,
    requests: requests.length > 0 ? requests : undefined,
  })
  const said = settings ? [...announcement(settings, after, state.total)] : []
  if (said[0]) said[0] = `unless it is the version that serves: ${said[0]}`
  const how = command === 'promote' ? ['shipped without a canary, as you asked'] : said
  const dropped = update.isOptedIn
    ? []
    : [`${STEPS} was dropped in the same change: released by the former plan`]
  return accepted(after, { state: next, consume, warnings: [...update.warnings, ...dropped, ...how] })
}

/**
 * No release any more. The state stays until the controller has taken away what is left of the last one (its
 * canary, the snapshot, the conditions): without any annotation of ours it would not look here again.
 */
function letGo(state: State, by: string): State {
  return withFields(state, {
    phase: 'Pending',
    release: '',
    by,
    step: 0,
    requests: [{ command: 'promote', by, because: `${STEPS} was removed` }],
    unprotected: true,
    held: undefined,
    approvals: undefined,
    reason: undefined,
    message: undefined,
    failedAt: undefined,
  })
}

/** A retry is a release by what the annotations say now: that may be just what was mended. */
function withSettings(state: State, settings: Settings | undefined): State {
  if (!settings) return state
  const { steps: plan, deadline, maxRestarts, onFailure, test, isolate, preview, baseline } = settings
  return withFields(state, { plan, deadline, maxRestarts, onFailure, test, isolate, preview, baseline })
}

function ask(state: State, request: Request): State {
  return withFields(state, { requests: [...(state.requests ?? []), request] })
}

function optOut(state: State, by: string): { readonly state: State; readonly says: string } {
  const isDecided = state.requests?.some(({ command }) => command === 'promote' || command === 'abort')
  if (isDecided) return { state, says: `${STEPS} is gone: the running release is the last one` }
  switch (state.phase) {
    case 'Pending':
    case 'Progressing':
      return {
        state: ask(state, { command: 'abort', by, because: `${STEPS} was removed` }),
        says: `${STEPS} is gone: the release is aborted and the former version serves; the next template is rolled out without a canary`,
      }
    case 'Failed':
      return {
        state,
        says: `${STEPS} is gone: the failed version stays held until another template is applied`,
      }
    default:
      return { state, says: `${STEPS} is gone: the release that is being rolled out is finished first` }
  }
}

/** What a person may not expect of what is stored. */
function remarks({ before, after, settingsChanged, isOptedIn }: Update, state: State): readonly string[] {
  const said: string[] = []
  const paused = project(state)?.paused
  if (paused && before.spec.paused && !after.spec.paused) {
    said.push(
      `a release holds this Deployment: it stays paused; to roll the new version out on every pod now: ${COMMAND}=promote`,
    )
  }
  if (paused === false && !before.spec.paused && after.spec.paused) {
    said.push('the accepted version is being rolled out: spec.paused was put back')
  }
  if (settingsChanged && isOptedIn) {
    said.push(
      state.phase === 'Failed'
        ? `changes count for the next release, and for ${COMMAND}=retry`
        : 'the plan of the running release is fixed: changes count for the next one',
    )
  }
  if (onlyRestarted(before.spec.template, after.spec.template)) {
    said.push('a restart in the middle of a release takes effect when the release is over')
  }
  return said
}

/**
 * Keeps count of how many replicas the user wants, while spec.replicas is what the release needs.
 *
 * Somebody may have scaled (through /scale, which we do not see) since the last projection; and this request
 * itself may ask for another number. N put back is counted, since whoever does it twice will not stop.
 */
function countReplicas(state: State, before: Deployment, after: Deployment): State {
  if (state.stable === undefined) return state
  const { stable, applied } = state
  const { replicas } = before.spec
  // The size that is wanted: while no webhook was there, the controller may have set it through /scale.
  const isOurs = applied?.replicas === undefined || replicas === applied.replicas || replicas === stable
  const scaled = isOurs ? undefined : replicas
  // The pods that a scaling made are there: the controller brings stable to its share, no faster than is safe.
  const counted = scaled === undefined ? state : withFields(asked(state, scaled), { stable: scaled })
  return asked(counted, askedFor(before, after))
}

function asked(state: State, replicas: number | undefined): State {
  if (replicas === undefined) return state
  if (replicas !== state.total) return withFields(state, { total: replicas })
  return withFields(state, { putBacks: (state.putBacks ?? 0) + 1 })
}

/**
 * The number this request asks for, if any. A manifest that names exactly the present count changes nothing
 * in the object, but shows in what kubectl apply recorded.
 */
function askedFor(before: Deployment, after: Deployment): number | undefined {
  if (after.spec.replicas !== before.spec.replicas) return after.spec.replicas
  const recorded = appliedReplicas(after)
  return recorded !== appliedReplicas(before) && recorded === after.spec.replicas ? recorded : undefined
}
