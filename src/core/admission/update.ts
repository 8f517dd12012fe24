import {
  COMMAND,
  formatErrors,
  isOptedIn,
  PREFIX,
  readAnnotations,
  readCommand,
  STATE,
} from '../annotations.ts'
import type { AdmissionAnswer, Deployment } from '../kubernetes.ts'
import { isFromManifest } from '../manifest.ts'
import { isLive, readState } from '../state.ts'
import { sameTemplate } from '../template.ts'
import { accepted, denied } from './answer.ts'
import { admitIdle } from './idle.ts'
import { admitLive } from './live.ts'
import { unfit } from './unfit.ts'
import type { Update } from './user-update.ts'

/** A user's update: what is wrong is denied with everything that is wrong; the rest depends on the release. */
export function admitUpdate(before: Deployment, after: Deployment, by: string): AdmissionAnswer {
  const { namespace = 'default', name } = after.metadata
  const was = readState(before.metadata.annotations)
  const stateText = before.metadata.annotations?.[STATE]
  const { [STATE]: sentState, [COMMAND]: sentCommand, ...annotations } = after.metadata.annotations ?? {}
  const { [STATE]: _, [COMMAND]: __, ...annotationsBefore } = before.metadata.annotations ?? {}

  const ignoreCommand = sentCommand !== undefined && isFromManifest(after, COMMAND)
  const typed = sentCommand === undefined || ignoreCommand ? undefined : readCommand(sentCommand)
  const reading = readAnnotations(annotations)
  const templateChanged = !sameTemplate(before.spec.template, after.spec.template)
  const annotationsChanged = ours(annotations) !== ours(annotationsBefore)

  // What was stored while we were away must not keep others from their business: only what is new is judged.
  const isJudged = templateChanged || annotationsChanged || typed !== undefined
  const errors = [
    ...(reading.kind === 'errors' ? reading.errors : []),
    ...(typed && 'error' in typed ? [typed.error] : []),
  ]
  if (errors.length > 0 && isJudged) return denied(formatErrors(errors, { namespace, name }))

  const strategyChanged = before.spec.strategy?.type !== after.spec.strategy?.type
  if (reading.kind === 'ok' && (templateChanged || annotationsChanged || strategyChanged)) {
    const total = was.kind === 'ok' && isLive(was.state) ? was.state.total : (after.spec.replicas ?? 1)
    const obstacle = unfit(after, reading.settings, total)
    const shipsAnyway = typed && 'command' in typed && typed.command === 'promote'
    if (obstacle && !shipsAnyway) return denied(obstacle)
  }

  const warnings: string[] = []
  if (touchesState(before, after) && was.kind !== 'unreadable') {
    warnings.push(`${STATE} is kept by Canaryhook: your change of it was put back`)
  }
  if (ignoreCommand) {
    warnings.push(
      `${COMMAND}=${sentCommand} was ignored because it comes from a manifest and would come with every apply; take it out of the manifest, then type it: kubectl annotate deployment ${name} ${COMMAND}=${sentCommand}`,
    )
  }
  const dropped = templateChanged && !isOptedIn(annotations) && isOptedIn(annotationsBefore)
  const former = dropped ? readAnnotations(annotationsBefore) : reading
  const update: Update = {
    before,
    after,
    by,
    templateChanged,
    wasOptedIn: isOptedIn(annotationsBefore),
    isOptedIn: isOptedIn(annotations),
    settings: former.kind === 'ok' ? former.settings : undefined,
    settingsChanged: annotationsChanged,
    command: typed && 'command' in typed ? typed.command : undefined,
    carriesCommand: sentCommand !== undefined,
    warnings,
  }
  switch (was.kind) {
    case 'unreadable':
      return admitUnreadable(update, was.why, sentState === undefined, stateText)
    case 'ok':
      return isLive(was.state) ? admitLive(update, was.state) : admitIdle(update, was.state)
    case 'none':
      return admitIdle(update, undefined)
  }
}

/** What we cannot read we do not judge: the template stays, and the person decides. */
function admitUnreadable(
  update: Update,
  why: string,
  removes: boolean,
  text: string | undefined,
): AdmissionAnswer {
  const { name } = update.after.metadata
  if (removes) {
    const warnings = [...update.warnings, `${STATE} was removed as you asked; spec.paused is left as it is`]
    return accepted(update.after, { state: undefined, consume: update.carriesCommand, warnings })
  }
  if (update.templateChanged || update.command) {
    return denied(
      `${why}; finish the upgrade of Canaryhook, or give the release up: kubectl annotate deployment ${name} ${STATE}-`,
    )
  }
  return accepted(update.after, { state: text, consume: update.carriesCommand, warnings: update.warnings })
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
