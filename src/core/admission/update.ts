import { COMMAND, formatErrors, isOptedIn, PREFIX, readAnnotations, STATE } from '../annotations.ts'
import type { Person } from '../approval.ts'
import type { AdmissionAnswer, Deployment } from '../kubernetes.ts'
import { isLive, readState } from '../state.ts'
import { sameTemplate } from '../template.ts'
import { accepted, denied } from './answer.ts'
import { admitIdle } from './idle.ts'
import { admitLive } from './live.ts'
import { sentCommand } from './sent-command.ts'
import { unfit } from './unfit.ts'
import type { Update } from './user-update.ts'

/** A user's update: what is wrong is denied with everything that is wrong; the rest depends on the release. */
export function admitUpdate(before: Deployment, after: Deployment, asker: Person): AdmissionAnswer {
  const { namespace = 'default', name } = after.metadata
  const was = readState(before.metadata.annotations)
  const sent = sentCommand(before, after)
  const annotations = users(after)
  const annotationsBefore = users(before)
  const reading = readAnnotations(annotations)
  const templateChanged = !sameTemplate(before.spec.template, after.spec.template)
  const annotationsChanged = ours(annotations) !== ours(annotationsBefore)

  // What was stored while we were away must not keep others from their business: only what is new is judged.
  const isJudged = templateChanged || annotationsChanged || sent.kind === 'typed' || sent.kind === 'wrong'
  const errors = [
    ...(reading.kind === 'errors' ? reading.errors : []),
    ...(sent.kind === 'wrong' ? [sent.error] : []),
  ]
  if (errors.length > 0 && isJudged) return denied(formatErrors(errors, { namespace, name }))

  const strategyChanged = before.spec.strategy?.type !== after.spec.strategy?.type
  const shipsAnyway = sent.kind === 'typed' && sent.command === 'promote'
  const mayBeUnfit = templateChanged || annotationsChanged || strategyChanged
  if (reading.kind === 'ok' && mayBeUnfit && !shipsAnyway) {
    const total = was.kind === 'ok' && isLive(was.state) ? was.state.total : (after.spec.replicas ?? 1)
    const obstacle = unfit(after, reading.settings, total)
    if (obstacle) return denied(obstacle)
  }

  const dropped = templateChanged && !isOptedIn(annotations) && isOptedIn(annotationsBefore)
  const former = dropped ? readAnnotations(annotationsBefore) : reading
  const update: Update = {
    before,
    after,
    by: asker.name,
    asker,
    templateChanged,
    wasOptedIn: isOptedIn(annotationsBefore),
    isOptedIn: isOptedIn(annotations),
    settings: former.kind === 'ok' ? former.settings : undefined,
    settingsChanged: annotationsChanged,
    command: sent.kind === 'typed' ? sent.command : undefined,
    carriesCommand: sent.kind !== 'none',
    warnings: [
      ...(touchesState(before, after) && was.kind !== 'unreadable'
        ? [`${STATE} is kept by Canaryhook: your change of it was put back`]
        : []),
      ...(sent.kind === 'ignored' ? [sent.because] : []),
    ],
  }
  switch (was.kind) {
    case 'unreadable':
      return admitUnreadable(update, was.why)
    case 'ok':
      return isLive(was.state) ? admitLive(update, was.state) : admitIdle(update, was.state)
    case 'none':
      return admitIdle(update, undefined)
  }
}

/** The annotations that are not kept or consumed by us. */
function users({ metadata }: Deployment): Readonly<Record<string, string>> {
  const { [STATE]: _, [COMMAND]: __, ...annotations } = metadata.annotations ?? {}
  return annotations
}

/** What we cannot read we do not judge: the template stays, and the person decides. */
function admitUnreadable(update: Update, why: string): AdmissionAnswer {
  const { before, after, carriesCommand: consume } = update
  const text = before.metadata.annotations?.[STATE]
  if (after.metadata.annotations?.[STATE] === undefined) {
    const warnings = [...update.warnings, `${STATE} was removed as you asked; spec.paused is left as it is`]
    return accepted(after, { state: undefined, consume, warnings })
  }
  if (update.templateChanged || update.command) {
    const give = `kubectl annotate deployment ${after.metadata.name} ${STATE}-`
    return denied(`${why}; finish the upgrade of Canaryhook, or give the release up: ${give}`)
  }
  return accepted(after, { state: text, consume, warnings: update.warnings })
}

function ours(annotations: Readonly<Record<string, string>>): string {
  const entries = Object.entries(annotations).filter(([key]) => key.startsWith(PREFIX))
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Changed, or taken out by itself; a manifest that replaces the object whole simply does not know of it. */
function touchesState(before: Deployment, after: Deployment): boolean {
  const had = before.metadata.annotations?.[STATE]
  const sent = after.metadata.annotations?.[STATE]
  if (sent !== undefined || had === undefined) return sent !== had
  return JSON.stringify(before.spec) === JSON.stringify(after.spec)
}
