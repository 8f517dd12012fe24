/** What of Canaryhook is on a user's Deployment besides the annotations that the user wrote. */
import { PREFIX, STATE } from '../annotations.ts'
import { type ConditionPatch, conditionPatch } from '../conditions.ts'
import type { KeptDeployment } from '../kept.ts'
import type { ManagedFields, PatchOperation } from '../kubernetes.ts'
import { FIELD_MANAGER } from '../names.ts'

/** Whether a user asked for canaries of it or anything of ours is on it. */
export function isOurConcern({ metadata }: KeptDeployment): boolean {
  return Object.keys(metadata.annotations ?? {}).some(key => key.startsWith(PREFIX)) || isManaged(metadata)
}

/** The patch of the status that takes our conditions away; empty when there are none. */
export function withoutConditions({ status }: KeptDeployment, now: number): readonly ConditionPatch[] {
  return conditionPatch({}, status?.conditions ?? [], now)
}

/**
 * The JSON patch that takes the record of the last release away, and every entry of managedFields that is ours: whoever
 * applies next then meets no conflict with us. Nobody else's entry is touched, nor need it be known: ours go by their
 * places in the list, which the resourceVersion holds. Taking a field away makes nobody its owner, so one write does
 * both.
 *
 * @returns undefined when there is nothing to take away
 */
export function withoutTraces({ metadata }: KeptDeployment): readonly PatchOperation[] | undefined {
  const { annotations, managedFields = [], resourceVersion } = metadata
  const paths = [
    ...(annotations?.[STATE] === undefined ? [] : [`/metadata/annotations/${STATE.replace('/', '~1')}`]),
    // From the last to the first: each removal moves what follows it.
    ...managedFields
      .flatMap((entry, place) => (isOurs(entry) ? `/metadata/managedFields/${place}` : []))
      .reverse(),
  ]
  if (paths.length === 0) return undefined
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ...paths.map(path => ({ op: 'remove', path }) as const),
  ]
}

function isManaged({ managedFields = [] }: KeptDeployment['metadata']): boolean {
  return managedFields.some(isOurs)
}

/** Somebody else may apply under our name: that is theirs. */
function isOurs({ manager, operation }: ManagedFields): boolean {
  return manager === FIELD_MANAGER && operation === 'Update'
}
