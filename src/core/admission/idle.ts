import { COMMAND, type Settings, STEPS } from '../annotations.ts'
import { unapproved } from '../approval.ts'
import { answerCommand } from '../commands.ts'
import type { AdmissionAnswer } from '../kubernetes.ts'
import { stages } from '../plan/expand.ts'
import { planWarnings, summarizePlan } from '../plan/summary.ts'
import type { State } from '../state.ts'
import { onlyRestarted } from '../template.ts'
import { accepted, denied } from './answer.ts'
import { announcement, begin } from './begin.ts'
import type { Update } from './user-update.ts'

/** An update while no release is there: it may begin one. */
export function admitIdle(update: Update, record: State | undefined): AdmissionAnswer {
  const { before, after, asker, settings, templateChanged, command } = update
  if (command && !(command === 'promote' && templateChanged)) {
    const answer = answerCommand(command, undefined, asker)
    const because = answer.kind === 'refused' ? answer.because : ''
    return denied(`${COMMAND}=${command} was not carried out: ${because}`)
  }
  const consume = update.carriesCommand
  const pass = (...said: readonly string[]): AdmissionAnswer => {
    // The record of the last release goes with the opt-in.
    const state = update.isOptedIn ? record : undefined
    return accepted(after, { state, consume, warnings: [...update.warnings, ...said] })
  }
  if (!settings) return pass()

  if (templateChanged) {
    if (command === 'promote') {
      const gate = unapproved(stages(settings.plan), asker, asker.name)
      if (gate) return denied(`${COMMAND}=promote was not carried out: ${gate}`)
      return pass('shipped without a canary, as you asked')
    }
    if (after.spec.replicas === 0 || before.spec.replicas === 0) {
      return pass('no canary: with 0 replicas nothing serves that a canary could be compared with')
    }
    if (after.spec.paused) {
      return pass('the Deployment is paused by you: the canary release starts when you resume it')
    }
    return start(update, settings)
  }
  // Whether its template was ever rolled out is seen by the controller alone.
  if (before.spec.paused && !after.spec.paused) return start(update, settings)
  if (onlyRestarted(before.spec.template, after.spec.template)) {
    return pass('a restart is not a canary: the pods of the version that serves are replaced')
  }
  if (update.settingsChanged) {
    const { plan, capacity } = settings
    return pass(
      `later changes of the template: ${summarizePlan(plan)}`,
      ...planWarnings(plan, after.spec.replicas ?? 1, capacity),
    )
  }
  return pass()
}

function start(update: Update, settings: Settings): AdmissionAnswer {
  const total = update.after.spec.replicas ?? 1
  const warnings = [...update.warnings]
  if (!update.isOptedIn) {
    warnings.push(
      `${STEPS} was dropped in the same change: this is still a canary release, by the former plan`,
    )
  }
  if (!update.templateChanged) warnings.push('resumed; what was never rolled out is a canary release now:')
  warnings.push(...announcement(settings, update.after, total))
  const state = begin(settings, update.by, total)
  return accepted(update.after, { state, consume: update.carriesCommand, warnings })
}
