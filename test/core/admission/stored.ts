/** Asks the webhook about a request, and says what would be stored. */
import jsonpatch from 'jsonpatch'
import { admit } from '../../../src/core/admission/admit.ts'
import type { AdmissionRequest, Deployment } from '../../../src/core/kubernetes.ts'
import { readState, type State } from '../../../src/core/state.ts'
import { COMMAND, CONTROLLER } from '../shop.ts'

export interface Stored {
  readonly allowed: boolean
  /** Why it was denied; '' when it was not. */
  readonly message: string
  /** All warnings, one a line. */
  readonly warnings: string
  /** How many operations the patch has. */
  readonly changes: number
  /** What is stored: the old object when it was denied. */
  readonly object: Deployment
  /** The readable state of what is stored. */
  readonly state: State | undefined
}

export interface Asking {
  readonly by?: string
  readonly groups?: readonly string[]
  readonly dryRun?: boolean
}

export function update(before: Deployment, after: Deployment, asking: Asking = {}): Stored {
  return ask({ operation: 'UPDATE', object: after, oldObject: before }, asking)
}

export function create(object: Deployment, asking: Asking = {}): Stored {
  return ask({ operation: 'CREATE', object, oldObject: null }, asking)
}

/** Somebody types `kubectl annotate deployment shop canaryhook.dev/command=…`. */
export function command(before: Deployment, word: string, asking: Asking = {}): Stored {
  return update(before, annotated(before, { [COMMAND]: word }), asking)
}

function ask(
  request: Pick<AdmissionRequest<Deployment>, 'operation' | 'object' | 'oldObject'>,
  { by = 'alice', groups = ['developers'], dryRun = false }: Asking,
): Stored {
  const frozen = JSON.stringify(request)
  const answer = admit(
    { uid: 'u', userInfo: { username: by, groups }, dryRun, ...request },
    { controllerUser: CONTROLLER },
  )
  if (JSON.stringify(request) !== frozen) throw new Error('the request was changed in place')
  const before = request.oldObject ?? request.object
  const patch = answer.allowed ? structuredClone(answer.patch) : []
  const object = (
    answer.allowed ? jsonpatch.apply_patch(structuredClone(request.object), patch) : before
  ) as Deployment
  const read = readState(object.metadata.annotations)
  return {
    allowed: answer.allowed,
    message: answer.allowed ? '' : answer.message,
    warnings: answer.warnings.join('\n'),
    changes: patch.length,
    object,
    state: read.kind === 'ok' ? read.state : undefined,
  }
}

/** The object with some annotations set; undefined takes one away. */
export function annotated(
  object: Deployment,
  annotations: Readonly<Record<string, string | undefined>>,
): Deployment {
  const merged = Object.entries({ ...object.metadata.annotations, ...annotations })
  const kept = merged.filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(kept) } }
}

/** The object with some fields of its spec set. */
export function respecified(object: Deployment, spec: Partial<Deployment['spec']>): Deployment {
  return { ...object, spec: { ...object.spec, ...spec } }
}
