/**
 * Deployments and ReplicaSets as the controller's caches keep them. The pod template is the largest part of
 * such an object and hardly ever needed: whole while a release of the Deployment lives or the ReplicaSet has
 * pods, else only by the hash that names its version. What is whole can stand wherever something kept can.
 */
import { CanaryhookError } from './errors.ts'
import type { Deployment, DeploymentSpec, LabelSelector, PodTemplate, ReplicaSet } from './kubernetes.ts'

/** What is left of a template that nobody needs whole; see templateHash. */
export interface TemplateName {
  readonly hash: string
}

export interface KeptDeployment extends Omit<Deployment, 'spec'> {
  readonly spec: Omit<DeploymentSpec, 'template' | 'selector'> & Kept
}

export interface KeptReplicaSet extends Omit<ReplicaSet, 'spec'> {
  readonly spec: Omit<ReplicaSet['spec'], 'template' | 'selector'> & Kept
}

interface Kept {
  readonly selector?: LabelSelector
  readonly template: PodTemplate | TemplateName
}

/** Whether a template is there only by its name. */
export function isName(template: PodTemplate | TemplateName): template is TemplateName {
  return 'hash' in template
}

/**
 * The object with its template, for whoever makes something of it: a canary, a snapshot.
 * @throws CanaryhookError TEMPLATE_NOT_KEPT, which is a mistake of ours: decisions ask this only of a
 *   Deployment whose release lives and of ReplicaSets with pods
 */
export function whole(kept: KeptDeployment): Deployment
export function whole(kept: KeptReplicaSet): ReplicaSet
export function whole(kept: KeptDeployment | KeptReplicaSet): KeptDeployment | KeptReplicaSet {
  if (!isName(kept.spec.template)) return kept
  const { kind = 'object', metadata } = kept
  throw new CanaryhookError(
    'TEMPLATE_NOT_KEPT',
    `the pod template of ${kind} ${metadata.namespace}/${metadata.name} is needed and only its hash is kept`,
  )
}
