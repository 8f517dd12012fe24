/** The kinds that the sandbox serves, and how each behaves. */

/** When metadata.generation goes up: with the spec, with anything but metadata and status, or never. */
export type GenerationRule = 'spec' | 'content' | 'never'

export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly subresources: readonly ('status' | 'scale' | 'log')[]
  readonly generation: GenerationRule
  /** Whether the simulated cluster acts on this kind, or it is only kept. */
  readonly simulated: boolean
  /** Where the objects are in storage; ends with a slash. */
  readonly prefix: string
  /** A kind made by a CustomResourceDefinition. */
  readonly custom: boolean
}

interface Row {
  readonly kind: string
  readonly plural?: string
  readonly short?: readonly string[]
  readonly categories?: readonly string[]
  readonly sub?: Resource['subresources']
  readonly generation?: GenerationRule
  readonly cluster?: true
  readonly simulated?: true
  readonly prefix?: string
}

/** `deployments.apps`, or `pods` for the core group. */
export function qualifiedName(resource: Resource): string {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version
}

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  v1: [
    { kind: 'Namespace', short: ['ns'], cluster: true, simulated: true, sub: ['status'] },
    { kind: 'Node', short: ['no'], cluster: true, simulated: true, sub: ['status'] },
    { kind: 'Pod', short: ['po'], categories: ['all'], simulated: true, sub: ['status', 'log'] },
    { kind: 'Service', short: ['svc'], categories: ['all'], simulated: true, sub: ['status'] },
    { kind: 'Event', short: ['ev'], simulated: true },
    { kind: 'ConfigMap', short: ['cm'] },
    { kind: 'Secret' },
    { kind: 'ServiceAccount', short: ['sa'] },
    { kind: 'Endpoints', plural: 'endpoints', short: ['ep'] },
    { kind: 'ResourceQuota', short: ['quota'], sub: ['status'] },
    { kind: 'LimitRange', short: ['limits'] },
    { kind: 'PersistentVolumeClaim', short: ['pvc'], sub: ['status'] },
  ],
  'apps/v1': [
    {
      kind: 'Deployment',
      short: ['deploy'],
      categories: ['all'],
      simulated: true,
      sub: ['status', 'scale'],
      generation: 'spec',
    },
    {
      kind: 'ReplicaSet',
      short: ['rs'],
      categories: ['all'],
      simulated: true,
      sub: ['status', 'scale'],
      generation: 'spec',
    },
    {
      kind: 'StatefulSet',
      short: ['sts'],
      categories: ['all'],
      sub: ['status', 'scale'],
      generation: 'spec',
    },
    { kind: 'DaemonSet', short: ['ds'], categories: ['all'], sub: ['status'], generation: 'spec' },
    { kind: 'ControllerRevision' },
  ],
  'discovery.k8s.io/v1': [
    { kind: 'EndpointSlice', simulated: true, prefix: '/registry/discovery.k8s.io/endpointslices/' },
  ],
  'batch/v1': [
    { kind: 'Job', categories: ['all'], sub: ['status'], generation: 'spec' },
    { kind: 'CronJob', short: ['cj'], categories: ['all'], sub: ['status'], generation: 'spec' },
  ],
  'coordination.k8s.io/v1': [{ kind: 'Lease' }],
  'autoscaling/v2': [
    { kind: 'HorizontalPodAutoscaler', short: ['hpa'], categories: ['all'], sub: ['status'] },
  ],
  // The same objects (versions.ts); the first of a group is the one that clients prefer, and that is stored.
  'autoscaling/v1': [
    { kind: 'HorizontalPodAutoscaler', short: ['hpa'], categories: ['all'], sub: ['status'] },
  ],
  'policy/v1': [{ kind: 'PodDisruptionBudget', short: ['pdb'], sub: ['status'], generation: 'spec' }],
  'networking.k8s.io/v1': [
    { kind: 'Ingress', plural: 'ingresses', short: ['ing'], sub: ['status'], generation: 'spec' },
    { kind: 'IngressClass', plural: 'ingressclasses', cluster: true, generation: 'spec' },
    { kind: 'NetworkPolicy', plural: 'networkpolicies', short: ['netpol'], generation: 'spec' },
  ],
  'gateway.networking.k8s.io/v1': [
    { kind: 'Gateway', short: ['gtw'], sub: ['status'], generation: 'spec' },
    {
      kind: 'GatewayClass',
      plural: 'gatewayclasses',
      short: ['gc'],
      cluster: true,
      sub: ['status'],
      generation: 'spec',
    },
    { kind: 'HTTPRoute', sub: ['status'], generation: 'spec' },
  ],
  'rbac.authorization.k8s.io/v1': [
    { kind: 'Role' },
    { kind: 'RoleBinding' },
    { kind: 'ClusterRole', cluster: true },
    { kind: 'ClusterRoleBinding', cluster: true },
  ],
  'admissionregistration.k8s.io/v1': [
    { kind: 'MutatingWebhookConfiguration', cluster: true, generation: 'content' },
    { kind: 'ValidatingWebhookConfiguration', cluster: true, generation: 'content' },
  ],
  'apiextensions.k8s.io/v1': [
    {
      kind: 'CustomResourceDefinition',
      short: ['crd', 'crds'],
      cluster: true,
      sub: ['status'],
      generation: 'spec',
    },
  ],
}

function builtIn(groupVersion: string, row: Row): Resource {
  const [group, version] = groupVersion.includes('/')
    ? [groupVersion.slice(0, groupVersion.indexOf('/')), groupVersion.slice(groupVersion.indexOf('/') + 1)]
    : ['', groupVersion]
  const singular = row.kind.toLowerCase()
  const plural = row.plural ?? `${singular}s`
  return {
    group,
    version,
    plural,
    singular,
    kind: row.kind,
    namespaced: row.cluster !== true,
    shortNames: row.short ?? [],
    categories: row.categories ?? [],
    subresources: row.sub ?? [],
    generation: row.generation ?? 'never',
    simulated: row.simulated === true,
    prefix:
      row.prefix ??
      (group === '' || row.simulated ? `/registry/${plural}/` : `/registry/${group}/${plural}/`),
    custom: false,
  }
}

/** Every kind that is served without a CustomResourceDefinition. */
export const builtInResources: readonly Resource[] = Object.entries(TABLE).flatMap(([groupVersion, rows]) =>
  rows.map(row => builtIn(groupVersion, row)),
)

/** The storage key of an object; for a namespaced kind without a name, the prefix of its namespace. */
export function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return resource.namespaced
    ? `${resource.prefix}${namespace ?? 'default'}/${name}`
    : `${resource.prefix}${name}`
}
