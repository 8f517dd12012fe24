import { COMMAND, STATE } from '../annotations.ts'
import type { AdmissionAnswer, Deployment, PatchOperation } from '../kubernetes.ts'
import { project } from '../project.ts'
import { isLive, printState, type State, withFields } from '../state.ts'

/** What becomes of an accepted request. */
export interface Verdict {
  /** The state to store, or its text where it cannot be read; 'unchanged': as in the request; undefined: none. */
  readonly state: State | string | undefined
  /** spec.paused and spec.replicas where no state says what they are. */
  readonly paused?: boolean
  readonly replicas?: number
  /** The command was consumed, or ignored: it is not stored. */
  readonly consume?: boolean
  readonly warnings?: readonly string[]
}

/** The request as it is. */
export const untouched: AdmissionAnswer = { allowed: true, patch: [], warnings: [] }

export function denied(message: string): AdmissionAnswer {
  return { allowed: false, message, warnings: [] }
}

/** Allows the request with a patch that makes the object what the verdict says; a live state is projected. */
export function accepted(object: Deployment, verdict: Verdict): AdmissionAnswer {
  const { metadata } = object
  const state = stamped(verdict.state)
  const projection = typeof verdict.state === 'object' ? project(verdict.state) : undefined
  const patch = [
    ...(verdict.consume ? annotation(metadata.annotations, COMMAND, undefined) : []),
    ...(state === 'unchanged' ? [] : annotation(metadata.annotations, STATE, state)),
    ...spec(
      object,
      projection?.paused ?? verdict.paused,
      projection ? projection.replicas : verdict.replicas,
    ),
  ]
  const warnings = (verdict.warnings ?? []).map(text => `canaryhook: ${text}`)
  return { allowed: true, patch: withAnnotations(metadata.annotations, patch), warnings }
}

/** The text to store. A live state says what was projected, so that the controller can tell who scaled. */
function stamped(state: Verdict['state']): string | undefined {
  if (typeof state !== 'object') return state
  return printState(isLive(state) ? withFields(state, { applied: project(state) }) : state)
}

function annotation(
  annotations: Readonly<Record<string, string>> | undefined,
  key: string,
  value: string | undefined,
): readonly PatchOperation[] {
  const path = `/metadata/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const present = annotations?.[key]
  if (present === value) return []
  if (value === undefined) return [{ op: 'remove', path }]
  return [{ op: present === undefined ? 'add' : 'replace', path, value }]
}

/** A member can only be added to a map that is there (RFC 6902); some clients send null for none. */
function withAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  patch: readonly PatchOperation[],
): readonly PatchOperation[] {
  const needed = patch.some(({ path }) => path.startsWith('/metadata/annotations/'))
  if (annotations || !needed) return patch
  return [{ op: 'add', path: '/metadata/annotations', value: {} }, ...patch]
}

function spec(
  object: Deployment,
  paused: boolean | undefined,
  replicas: number | undefined,
): readonly PatchOperation[] {
  const patch: PatchOperation[] = []
  if (paused !== undefined && paused !== (object.spec.paused ?? false)) {
    if (paused) patch.push({ op: 'add', path: '/spec/paused', value: true })
    else patch.push({ op: 'remove', path: '/spec/paused' })
  }
  if (replicas !== undefined && replicas !== object.spec.replicas) {
    patch.push({ op: 'add', path: '/spec/replicas', value: replicas })
  }
  return patch
}
