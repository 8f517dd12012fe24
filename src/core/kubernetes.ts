/**
 * The parts of Kubernetes objects that Canaryhook reads or writes, exactly as they travel in JSON.
 * Everything we do not name is kept: a pod template is copied whole, never rebuilt from these fields.
 */

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ManagedFields {
  readonly manager?: string
  readonly operation?: string
  readonly subresource?: string
  readonly fieldsV1?: Readonly<Record<string, unknown>>
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string | null
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly managedFields?: readonly ManagedFields[]
}

/** Any Kubernetes object. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

export interface LabelSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelSelectorRequirement[]
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly [field: string]: unknown
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly [field: string]: unknown
  }
  readonly spec?: {
    readonly containers?: readonly Container[]
    readonly initContainers?: readonly Container[]
    readonly readinessGates?: readonly { readonly conditionType: string }[]
    readonly [field: string]: unknown
  }
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
  readonly lastUpdateTime?: string
}

/** A number of pods or a percentage, as in maxSurge: 3 or "25%". */
export type IntOrPercent = number | string

export interface DeploymentSpec {
  readonly replicas?: number
  readonly paused?: boolean
  readonly selector: LabelSelector
  readonly template: PodTemplate
  readonly minReadySeconds?: number
  readonly progressDeadlineSeconds?: number
  readonly revisionHistoryLimit?: number
  readonly strategy?: {
    readonly type?: string
    readonly rollingUpdate?: {
      readonly maxSurge?: IntOrPercent
      readonly maxUnavailable?: IntOrPercent
    }
  }
}

export interface Deployment extends KubernetesObject {
  readonly spec: DeploymentSpec
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly unavailableReplicas?: number
    readonly conditions?: readonly Condition[]
  }
}

export interface ReplicaSet extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number
    readonly selector: LabelSelector
    readonly template: PodTemplate
    readonly minReadySeconds?: number
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly conditions?: readonly Condition[]
  }
}

/** autoscaling/v2, of which only what it scales is kept. */
export interface HorizontalPodAutoscaler extends KubernetesObject {
  readonly spec: {
    readonly scaleTargetRef: {
      readonly apiVersion?: string
      readonly kind: string
      readonly name: string
    }
  }
}

export interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort?: IntOrPercent
  readonly protocol?: string
  readonly appProtocol?: string
}

export interface Service extends KubernetesObject {
  readonly spec: {
    readonly type?: string
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly ServicePort[]
    readonly publishNotReadyAddresses?: boolean
  }
}

export interface IngressBackend {
  readonly service?: {
    readonly name: string
    readonly port?: { readonly number?: number; readonly name?: string }
  }
}

export interface IngressRule {
  /** Any host when left out. */
  readonly host?: string
  readonly http?: {
    readonly paths: readonly {
      readonly path?: string
      readonly pathType?: string
      readonly backend: IngressBackend
    }[]
  }
}

export interface IngressTls {
  readonly hosts?: readonly string[]
  readonly secretName?: string
}

/** networking.k8s.io/v1. */
export interface Ingress extends KubernetesObject {
  readonly spec: {
    readonly ingressClassName?: string
    readonly defaultBackend?: IngressBackend
    readonly tls?: readonly IngressTls[]
    readonly rules?: readonly IngressRule[]
  }
}

export interface JobTemplate {
  readonly metadata?: PodTemplate['metadata']
  readonly spec: {
    readonly template: PodTemplate
    readonly activeDeadlineSeconds?: number
    readonly backoffLimit?: number
    readonly [field: string]: unknown
  }
}

export interface CronJob extends KubernetesObject {
  readonly spec: { readonly jobTemplate: JobTemplate }
}

export interface Job extends KubernetesObject {
  readonly spec: JobTemplate['spec']
  readonly status?: {
    readonly startTime?: string
    readonly failed?: number
    readonly succeeded?: number
    readonly conditions?: readonly Condition[]
  }
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly running?: { readonly startedAt?: string }
  readonly terminated?: {
    readonly exitCode: number
    readonly reason?: string
    readonly message?: string
    readonly signal?: number
  }
}

export interface ContainerStatus {
  readonly name: string
  readonly image?: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}

export interface Pod extends KubernetesObject {
  readonly spec?: { readonly containers?: readonly Container[]; readonly nodeName?: string }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly conditions?: readonly Condition[]
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
}

export interface ControllerRevision extends KubernetesObject {
  readonly revision: number
  readonly data?: unknown
}

/** core/v1 Event, the kind that `kubectl describe` prints. */
export interface KubernetesEvent extends KubernetesObject {
  readonly involvedObject: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace: string
    readonly name: string
    readonly uid: string
  }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly count?: number
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly source?: { readonly component?: string }
}

/** coordination.k8s.io/v1. Times are MicroTime: always six digits after the second. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/**
 * elbv2.k8s.aws/v1beta1, of the AWS Load Balancer Controller: what makes the pods of a Service targets of a load
 * balancer, past the Service itself.
 */
export interface TargetGroupBinding extends KubernetesObject {
  readonly spec: {
    readonly serviceRef?: { readonly name?: string }
    /** `instance` means nodes, from where requests go on through the Service; `ip`, and none, means pods. */
    readonly targetType?: string
  }
}

/** Of type Opaque; what it holds is base64. */
export interface Secret extends KubernetesObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

/** admissionregistration.k8s.io/v1, of which only whom the API server trusts, and for how long it waits, is read. */
export interface MutatingWebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly name: string
    /** caBundle is base64. */
    readonly clientConfig: { readonly caBundle?: string }
    readonly timeoutSeconds?: number
  }[]
}

/** What the API server sends to a mutating webhook (admission.k8s.io/v1), as far as we read it. */
export interface AdmissionRequest<T extends KubernetesObject = KubernetesObject> {
  readonly uid: string
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string }
  readonly namespace?: string
  readonly name?: string
  readonly userInfo: { readonly username?: string; readonly groups?: readonly string[] }
  readonly object: T | null
  readonly oldObject: T | null
  readonly dryRun?: boolean
}

/** One operation of a JSON Patch (RFC 6902), as far as we write them. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** What admission says about one request; `message` is there exactly when it is denied. */
export type AdmissionAnswer =
  | {
      readonly allowed: true
      readonly patch: readonly PatchOperation[]
      readonly warnings: readonly string[]
    }
  | { readonly allowed: false; readonly message: string; readonly warnings: readonly string[] }
