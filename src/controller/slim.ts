/**
 * What the caches keep of an object: the fields that decisions and writes read (core/observe.ts,
 * core/objects.ts, core/writes.ts, core/health.ts, core/test-job.ts,
 * core/canary-service.ts, core/preview-ingress.ts), and nothing else. In a cluster with ten thousand
 * Deployments this is the memory of the controller.
 */
import { PREFIX } from '../core/annotations.ts'
import { isName, type KeptDeployment, type KeptReplicaSet } from '../core/kept.ts'
import type {
  Condition,
  CronJob,
  Ingress,
  Job,
  KubernetesObject,
  ObjectMeta,
  Pod,
  Service,
  TargetGroupBinding,
} from '../core/kubernetes.ts'
import { TRACK_LABEL } from '../core/names.ts'
import { ownsSpec } from '../core/ownership.ts'
import { CLASS_ANNOTATION } from '../core/preview-ingress.ts'
import { isLive, readState } from '../core/state.ts'
import { templateHash } from '../core/template.ts'

/**
 * A Deployment: whole but for its ballast while its release lives (or who knows: its state cannot be read),
 * since a canary is made from it. When a release starts, that is a change of the Deployment, so it comes anew
 * and whole.
 */
export function slimDeployment(deployment: KeptDeployment): KeptDeployment {
  const { metadata, spec, status } = deployment
  if (isName(spec.template)) return deployment
  const read = readState(metadata.annotations)
  // Hardly ever, and then to be given up (core/ownership.ts). Canaries have no state: all of them is ours.
  const { managedFields } = metadata
  const owned = read.kind !== 'none' && managedFields && ownsSpec(deployment) ? { managedFields } : {}
  const isAtRest = read.kind === 'none' || (read.kind === 'ok' && !isLive(read.state))
  if (!isAtRest) {
    const slim = withoutBallast(deployment)
    return { ...slim, metadata: { ...slim.metadata, ...owned } }
  }
  const annotations = ours(metadata.annotations)
  return {
    metadata: { ...identityOf(metadata), ...(annotations && { annotations }), ...owned },
    spec: {
      ...(spec.replicas !== undefined && { replicas: spec.replicas }),
      ...(spec.paused !== undefined && { paused: spec.paused }),
      ...(spec.strategy && { strategy: spec.strategy }),
      template: { hash: templateHash(spec.template) },
    },
    ...(status && { status: { ...status, conditions: (status.conditions ?? []).filter(isNews) } }),
  }
}

/**
 * A ReplicaSet: one with pods whole but for its ballast, since it may have to be made again from a snapshot;
 * one without, which is what nearly all old revisions are, as a name and a count.
 */
export function slimReplicaSet(set: KeptReplicaSet): KeptReplicaSet {
  const { metadata, spec, status } = set
  if (isName(spec.template) || (spec.replicas ?? 1) > 0 || (status?.replicas ?? 0) > 0) {
    return withoutBallast(set)
  }
  return {
    metadata: identityOf(metadata),
    spec: { replicas: 0, template: { hash: templateHash(spec.template) } },
    ...(status?.observedGeneration !== undefined && {
      status: { observedGeneration: status.observedGeneration },
    }),
  }
}

/** A canary's or a test's pod: whose it is and how it fares. */
export function slimPod({ metadata, status }: Pod): Pod {
  // Of several pods of one test the newest tells most.
  const { creationTimestamp } = metadata
  const isTest = metadata.labels?.[TRACK_LABEL] === 'test'
  const slim = { ...identityOf(metadata), ...(isTest && creationTimestamp && { creationTimestamp }) }
  if (!status) return { metadata: slim }
  const { conditions, containerStatuses, initContainerStatuses, reason, message } = status
  return {
    metadata: slim,
    status: {
      ...(isTest && reason !== undefined && { reason }),
      ...(isTest && message !== undefined && { message }),
      ...(conditions && { conditions }),
      ...(containerStatuses && { containerStatuses }),
      ...(initContainerStatuses && { initContainerStatuses }),
    },
  }
}

/** A test's Job: which test, and what has become of it. What it was made of is of no interest any more. */
export function slimJob({ metadata, status }: Job): Job {
  const { conditions } = status ?? {}
  return {
    metadata: identityOf(metadata),
    spec: { template: {} },
    ...(conditions && { status: { conditions } }),
  }
}

/** What Jobs are made of, without when. */
export function slimCronJob({ metadata, spec }: CronJob): CronJob {
  return { metadata: identityOf(metadata), spec: { jobTemplate: spec.jobTemplate } }
}

/** Whose pods it sends requests to, and on which ports. */
export function slimService({ metadata, spec }: Service): Service {
  const { type, selector, ports, publishNotReadyAddresses } = spec
  return {
    metadata: identityOf(metadata),
    spec: {
      ...(type !== undefined && { type }),
      ...(selector && { selector }),
      ...(ports && { ports }),
      ...(publishNotReadyAddresses && { publishNotReadyAddresses }),
    },
  }
}

/** Which Service's pods, or nodes, it takes. */
export function slimBinding({ metadata, spec }: TargetGroupBinding): TargetGroupBinding {
  const { serviceRef, targetType } = spec
  return {
    metadata: identityOf(metadata),
    spec: { ...(serviceRef && { serviceRef }), ...(targetType !== undefined && { targetType }) },
  }
}

/** Whose requests it takes, where they go, and by which controller. */
export function slimIngress({ metadata, spec }: Ingress): Ingress {
  const { ingressClassName, defaultBackend, tls, rules } = spec
  const annotated = metadata.annotations?.[CLASS_ANNOTATION]
  return {
    metadata: {
      ...identityOf(metadata),
      ...(annotated !== undefined && { annotations: { [CLASS_ANNOTATION]: annotated } }),
    },
    spec: {
      ...(ingressClassName !== undefined && { ingressClassName }),
      ...(defaultBackend && { defaultBackend }),
      ...(tls && { tls }),
      ...(rules && { rules }),
    },
  }
}

/** Any object without what nobody of us reads; it is half of its size. */
export function withoutBallast<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, annotations, ...metadata } = object.metadata
  const { 'kubectl.kubernetes.io/last-applied-configuration': __, ...kept } = annotations ?? {}
  return { ...object, metadata: { ...metadata, ...(annotations && { annotations: kept }) } }
}

/** The Deployment controller says of every healthy Deployment that it progresses and is available. */
function isNews({ type, status }: Condition): boolean {
  return status !== 'True' || (type !== 'Progressing' && type !== 'Available')
}

/** Who it is, whose, how new, and our labels. */
export function identityOf(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation, deletionTimestamp } = metadata
  const labels = ours(metadata.labels)
  const owners = metadata.ownerReferences?.filter(({ controller }) => controller)
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(generation !== undefined && { generation }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(labels && { labels }),
    ...(owners && owners.length > 0 && { ownerReferences: owners }),
  }
}

function ours(map: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  const entries = Object.entries(map ?? {}).filter(([key]) => key.startsWith(PREFIX))
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}
