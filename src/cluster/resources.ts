/** The kinds that the controller reads and writes. */
import type {
  ControllerRevision,
  CronJob,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  KubernetesEvent,
  Lease,
  MutatingWebhookConfiguration,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  TargetGroupBinding,
} from '../core/kubernetes.ts'
import type { Resource } from './port.ts'

export const deployments: Resource<Deployment> = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
}

export const replicaSets: Resource<ReplicaSet> = {
  group: 'apps',
  version: 'v1',
  plural: 'replicasets',
  kind: 'ReplicaSet',
}

export const controllerRevisions: Resource<ControllerRevision> = {
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
}

export const pods: Resource<Pod> = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' }

export const services: Resource<Service> = { group: '', version: 'v1', plural: 'services', kind: 'Service' }

export const ingresses: Resource<Ingress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingresses',
  kind: 'Ingress',
}

export const jobs: Resource<Job> = { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job' }

export const cronJobs: Resource<CronJob> = {
  group: 'batch',
  version: 'v1',
  plural: 'cronjobs',
  kind: 'CronJob',
}

export const events: Resource<KubernetesEvent> = { group: '', version: 'v1', plural: 'events', kind: 'Event' }

export const horizontalPodAutoscalers: Resource<HorizontalPodAutoscaler> = {
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
}

export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
}

/** A custom kind, which a cluster need not have. */
export const targetGroupBindings: Resource<TargetGroupBinding> = {
  group: 'elbv2.k8s.aws',
  version: 'v1beta1',
  plural: 'targetgroupbindings',
  kind: 'TargetGroupBinding',
}

export const secrets: Resource<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' }

export const mutatingWebhookConfigurations: Resource<MutatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
}
