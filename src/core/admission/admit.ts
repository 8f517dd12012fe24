/**
 * Admission: what becomes of a request for a Deployment. A pure function of the old object, the new one and
 * who asks; it guesses nothing from status and knows no time.
 */
import { COMMAND, formatErrors, readAnnotations, STATE } from '../annotations.ts'
import { UNKNOWN } from '../approval.ts'
import type { AdmissionAnswer, AdmissionRequest, Deployment } from '../kubernetes.ts'
import { planWarnings, summarizePlan } from '../plan/summary.ts'
import { isLive, readState, type State } from '../state.ts'
import { accepted, denied, untouched } from './answer.ts'
import { unfit } from './unfit.ts'
import { admitUpdate } from './update.ts'

export interface AdmissionConfig {
  /** The authenticated name of the controller (its ServiceAccount): only it may write the state. */
  readonly controllerUser: string
}

/** @returns the answer; anything but CREATE and UPDATE passes untouched. Never throws on what a user sends. */
export function admit(request: AdmissionRequest<Deployment>, config: AdmissionConfig): AdmissionAnswer {
  const { object, oldObject, operation, userInfo } = request
  // Something that is going away is nothing to release; a foreground deletion must not hang on us.
  if (!object || object.metadata.deletionTimestamp) return untouched
  if (operation === 'CREATE') return admitCreate(object)
  if (operation !== 'UPDATE' || !oldObject) return untouched
  if (userInfo.username === config.controllerUser) return admitController(object)
  const { username, groups } = userInfo
  return admitUpdate(oldObject, object, { name: username || UNKNOWN, groups: groups ?? [] })
}

/** The controller's own write: its state is taken as it is and projected onto the spec. */
function admitController(object: Deployment): AdmissionAnswer {
  const read = readState(object.metadata.annotations)
  return read.kind === 'ok' ? accepted(object, { state: read.state }) : untouched
}

/** Nothing serves yet, so there is nothing to compare with; but what is wrong is said now, not at the first release. */
function admitCreate(object: Deployment): AdmissionAnswer {
  const { [COMMAND]: command, [STATE]: stateText, ...annotations } = object.metadata.annotations ?? {}
  const reading = readAnnotations(annotations)
  const { namespace = 'default', name } = object.metadata
  if (reading.kind === 'errors') return denied(formatErrors(reading.errors, { namespace, name }))

  const warnings: string[] = []
  if (reading.kind === 'ok') {
    const { plan, capacity } = reading.settings
    const total = object.spec.replicas ?? 1
    const obstacle = unfit(object, reading.settings, total)
    if (obstacle) return denied(obstacle)
    warnings.push(`created without a canary; later changes of the template: ${summarizePlan(plan)}`)
    warnings.push(...planWarnings(plan, total, capacity))
  }
  if (command !== undefined) warnings.push(`${COMMAND}=${command} was left out: no release is running`)
  if (stateText === undefined) return accepted(object, { state: undefined, consume: true, warnings })

  // A restored backup or a copied manifest. A paused new Deployment would have no pods at all.
  const read = readState({ [STATE]: stateText })
  const wasFailed = read.kind === 'ok' && read.state.phase === 'Failed'
  warnings.push(
    wasFailed
      ? `ATTENTION: the copied object held a version that FAILED its release; it is started now without a canary`
      : `${STATE} was left out: it belongs to another object`,
  )
  const size = read.kind === 'ok' && isLive(read.state) ? wholeSize(object, read.state) : {}
  return accepted(object, { state: undefined, consume: true, paused: false, ...size, warnings })
}

/** In a release spec.replicas is only stable's share of what the user wants. */
function wholeSize({ spec }: Deployment, { applied, total }: State): { readonly replicas?: number } {
  return spec.replicas === applied?.replicas ? { replicas: total } : {}
}
