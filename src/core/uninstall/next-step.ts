/**
 * What to do next to one Deployment so that nothing of Canaryhook is left of it. Pure. Every step is one write, made
 * from what is stored and safe to be the last one: whoever dies after it leaves something that serves, and the next
 * look goes on from there.
 *
 * The releases themselves are ended by a controller, the one that leads or our own: it keeps as many pods serving as it
 * always does. What is left here is what no controller ever does: to put the former version back into the template of
 * what is held, let it go, and forget it.
 */
import { STATE } from '../annotations.ts'
import type { KeptDeployment, KeptReplicaSet } from '../kept.ts'
import type { ControllerRevision, PatchOperation } from '../kubernetes.ts'
import { templateOf } from '../objects.ts'
import { STALLED } from '../phases/failed.ts'
import { isLive, printState, type Request, readState, type State, withFields } from '../state.ts'
import { type FormerVersion, formerVersion } from './former-version.ts'
import { withoutConditions, withoutTraces } from './traces.ts'
import { totalOf } from './unreadable-total.ts'

/** Who asks, as Events and conditions name it. */
export const UNINSTALL = 'canaryhook uninstall'

/** What is there of one Deployment. */
export interface Found {
  readonly deployment: KeptDeployment
  /** Its ReplicaSets. */
  readonly sets: readonly KeptReplicaSet[]
  readonly snapshots: readonly ControllerRevision[]
  /** Whether a canary or a baseline runs beside it. */
  readonly hasSibling: boolean
  /** Whether anything else of ours is left of it: Services, Ingresses, Jobs, snapshots. */
  readonly hasLeftovers: boolean
}

/** What this run did to it before; a run that follows a crash knows nothing and need not. */
export interface Before {
  /** A promotion that had stalled was started again. */
  readonly retried: boolean
  /** It was let go: its rollout is waited for. */
  readonly letGo: boolean
}

export type Deed = 'abort' | 'retry' | 'grow' | 'let go' | 'clear'

export type Step =
  | { readonly kind: 'done' }
  /** Others have to do something first: what, as in "waiting until …". */
  | { readonly kind: 'wait'; readonly until: string }
  /** A patch of the Deployment, or of its status: a JSON patch where it is a list, else a strategic merge. */
  | {
      readonly kind: 'patch'
      readonly deed: Deed
      readonly to: 'main' | 'status'
      readonly body: object | readonly PatchOperation[]
      /** The version that is put into the template, where one is. */
      readonly former?: FormerVersion
    }
  /** What is left beside the Deployment may go. */
  | { readonly kind: 'sweep' }
  /** A person has to decide. */
  | { readonly kind: 'stuck'; readonly why: string; readonly command: string }

/** @param now milliseconds since 1970 */
export function nextStep(found: Found, before: Before, now: number): Step {
  const { deployment } = found
  // What goes takes all that is left of it along.
  if (deployment.metadata.deletionTimestamp) return { kind: 'done' }
  const read = readState(deployment.metadata.annotations)
  if (read.kind === 'unreadable') return giveUp(found)
  if (read.kind === 'ok' && isLive(read.state)) return end(read.state, found, before)
  if (isHeldWithoutState(found)) return letGo(found, '')
  return forget(found, before, now)
}

/** A release lives. */
function end(state: State, found: Found, before: Before): Step {
  switch (state.phase) {
    case 'Pending':
    case 'Progressing':
      return abort(state, found)
    case 'Failed':
      return state.reason === STALLED ? goOn(state, found, before) : release(state, found)
    case 'Promoting':
      return { kind: 'wait', until: 'the accepted version serves on every pod' }
    default:
      return { kind: 'wait', until: 'it is back at the version that serves' }
  }
}

function abort(state: State, found: Found): Step {
  const { requests = [] } = state
  // A person shipped it, and that stays his decision; or it is aborted already.
  if (requests.some(({ command }) => command === 'promote')) {
    return { kind: 'wait', until: 'it is rolled out, as was asked for before' }
  }
  if (requests.some(({ command }) => command === 'abort')) {
    return { kind: 'wait', until: 'its release is aborted' }
  }
  // Nothing serves that could be protected: the controller lets it pass, since a fix must be able to ship.
  const serves = found.sets.some(set => (set.status?.availableReplicas ?? 0) > 0)
  if (state.phase === 'Pending' && !(serves && state.total > 0)) {
    return { kind: 'wait', until: 'it is rolled out, as no pod of a former version is available' }
  }
  return request('abort', state, found)
}

/** An accepted version whose rollout does not get on: once more, and then it is for a person to look. */
function goOn(state: State, found: Found, { retried }: Before): Step {
  if (state.requests?.length) return { kind: 'wait', until: 'its promotion is tried again' }
  if (!retried) return request('retry', state, found)
  const { name, namespace = 'default' } = found.deployment.metadata
  const said = state.message ?? 'the rollout of the accepted version stalled'
  return {
    kind: 'stuck',
    why: `${said}. It is paused, and everything that serves goes on serving`,
    command: `kubectl -n ${namespace} describe deployment/${name}`,
  }
}

/** Through the status, where no webhook is in the way: any controller carries it out, also one that comes later. */
function request(command: 'abort' | 'retry', state: State, { deployment }: Found): Step {
  const asked: Request = { command, by: UNINSTALL }
  const next = withFields(state, { requests: [asked] })
  const { resourceVersion } = deployment.metadata
  return {
    kind: 'patch',
    deed: command,
    to: 'status',
    body: { metadata: { resourceVersion, annotations: { [STATE]: printState(next) } } },
  }
}

/** A version that failed or was aborted: let go as soon as the former one has its full size again. */
function release(state: State, found: Found): Step {
  if (state.requests?.length) return { kind: 'wait', until: 'what was asked of its release is carried out' }
  if (found.hasSibling) {
    return {
      kind: 'wait',
      until: `the former version serves on all ${state.total} pods and the canary is gone`,
    }
  }
  const replicas = found.deployment.spec.replicas ?? 1
  if (state.stable !== undefined && replicas !== state.total) {
    return { kind: 'wait', until: `the former version has ${state.total} pods` }
  }
  return letGo(found, state.release)
}

/**
 * Back to its full size first, where what we cannot read lets us guess it: as long as it is paused, only what serves
 * grows.
 */
function giveUp(found: Found): Step {
  const { spec, metadata, status } = found.deployment
  if (!spec.paused) return letGo(found, '')
  const replicas = spec.replicas ?? 1
  const total = Math.max(replicas, totalOf(metadata.annotations) ?? replicas)
  if (total > replicas) {
    const { resourceVersion } = metadata
    const body = { metadata: { resourceVersion }, spec: { replicas: total } }
    return { kind: 'patch', deed: 'grow', to: 'main', body }
  }
  if (found.hasSibling && (status?.availableReplicas ?? 0) < total) {
    return { kind: 'wait', until: `the former version serves on all ${total} pods` }
  }
  return letGo(found, '')
}

/**
 * The template of the former version, un-paused and without a state, in one write: there is no moment in which it is
 * un-paused with the version that was rejected, nor one in which nobody knows why it is paused.
 */
function letGo({ deployment, sets, snapshots }: Found, rejected: string): Step {
  const { name, namespace = 'default', resourceVersion } = deployment.metadata
  const former = formerVersion(deployment, sets, snapshots, rejected)
  // With 0 replicas nothing can start.
  if (former.kind === 'unknown' && deployment.spec.paused && deployment.spec.replicas !== 0) {
    return {
      kind: 'stuck',
      why: 'it is paused, and neither a record nor a pod tells which version was accepted',
      command: `kubectl -n ${namespace} rollout resume deployment/${name}   # rolls out what its manifest says`,
    }
  }
  return {
    kind: 'patch',
    deed: 'let go',
    to: 'main',
    former,
    body: {
      metadata: { resourceVersion, annotations: { [STATE]: null } },
      spec: {
        paused: null,
        ...(former.kind === 'other' && { template: { $patch: 'replace', ...templateOf(former.set) } }),
      },
    },
  }
}

/** Paused, with the record of what serves and another template, and its state is gone: that pause was ours. */
function isHeldWithoutState({ deployment, sets, snapshots }: Found): boolean {
  if (!deployment.spec.paused || snapshots.length === 0) return false
  return formerVersion(deployment, sets, snapshots, '').kind === 'other'
}

/** No release: nothing of ours stays, and the record of what serves goes only when that is rolled out. */
function forget(found: Found, { letGo }: Before, now: number): Step {
  const { deployment, hasLeftovers, hasSibling } = found
  const isOver = isComplete(deployment) || deployment.spec.paused === true
  if ((letGo || hasLeftovers || hasSibling) && !isOver) {
    return { kind: 'wait', until: 'it is rolled out' }
  }
  if (hasLeftovers || hasSibling) return { kind: 'sweep' }
  const conditions = withoutConditions(deployment, now)
  if (conditions.length > 0) {
    return { kind: 'patch', deed: 'clear', to: 'status', body: { status: { conditions } } }
  }
  const body = withoutTraces(deployment)
  return body ? { kind: 'patch', deed: 'clear', to: 'main', body } : { kind: 'done' }
}

/** Every pod is of the stored template. That all of them are available is not for us to see to. */
function isComplete({ metadata, spec, status = {} }: KeptDeployment): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status
  const wanted = spec.replicas ?? 1
  return observedGeneration >= (metadata.generation ?? 0) && replicas === wanted && updatedReplicas === wanted
}
