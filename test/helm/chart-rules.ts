/** What every object of a chart has to be, as linters of manifests have it, and how they must fit together. Pure. */
import type { Rendered } from './helm.ts'
import { at, type Container, type Json, type PodTemplate, podsOf, titleOf } from './rendered.ts'

/** What is wrong with one object, seen together with all others; nothing when it is right. */
type Rule = (object: Rendered, all: readonly Rendered[], namespace: string) => readonly string[]

const CLUSTER_KINDS = ['ClusterRole', 'ClusterRoleBinding', 'MutatingWebhookConfiguration', 'Namespace']
const LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/version']

/** @returns a sentence for everything that is wrong */
export function problemsOf(objects: readonly Rendered[], namespace: string): readonly string[] {
  return objects.flatMap(object =>
    RULES.flatMap(rule => rule(object, objects, namespace)).map(problem => `${titleOf(object)}: ${problem}`),
  )
}

const RULES: readonly Rule[] = [
  hasLabels,
  isInPlace,
  hasSafePods,
  hasModestContainers,
  isWatched,
  mountsWhatThereIs,
  bindsWhatThereIs,
  selectsItsPods,
  isServed,
]

function hasLabels({ metadata }: Rendered): readonly string[] {
  return LABELS.filter(label => !metadata.labels?.[label]).map(label => `has no label ${label}`)
}

/** Nothing may land in the namespace that somebody happens to be in. */
function isInPlace(
  { kind, metadata }: Rendered,
  all: readonly Rendered[],
  namespace: string,
): readonly string[] {
  const made = all.filter(object => object.kind === 'Namespace').map(object => object.metadata.name)
  if (CLUSTER_KINDS.includes(kind))
    return metadata.namespace ? ['has a namespace, but its kind has none'] : []
  const isRight = [namespace, ...made].includes(metadata.namespace ?? '')
  return isRight ? [] : [`is in the namespace ${metadata.namespace ?? 'of whoever applies it'}`]
}

/** Pod security "restricted", no token that is not asked for, no variables of other Services. */
function hasSafePods(object: Rendered): readonly string[] {
  const spec = podsOf(object)?.spec
  if (!spec) return []
  const wanted: readonly (readonly [string, unknown])[] = [
    ['securityContext.runAsNonRoot', true],
    ['securityContext.seccompProfile.type', 'RuntimeDefault'],
    ['automountServiceAccountToken', false],
    ['enableServiceLinks', false],
    ...spec.containers.flatMap((_, index) => [
      [`containers.${index}.securityContext.allowPrivilegeEscalation`, false] as const,
      [`containers.${index}.securityContext.readOnlyRootFilesystem`, true] as const,
      [`containers.${index}.securityContext.capabilities.drop.0`, 'ALL'] as const,
    ]),
  ]
  return wanted
    .filter(([path, value]) => at(spec, path) !== value)
    .map(([path, value]) => `${path} is not ${value}`)
}

function hasModestContainers(object: Rendered): readonly string[] {
  return eachContainer(object, container => {
    const isPinned = /:(?!latest$)[\w.-]+$|@sha256:/.test(container.image)
    const needed = ['requests.cpu', 'requests.memory', 'limits.memory']
    return [
      ...(isPinned ? [] : [`its image ${container.image} has no version`]),
      ...needed.filter(path => !at(container.resources, path)).map(path => `resources.${path} is missing`),
    ]
  })
}

/** What runs for ever is probed, at ports that it has. */
function isWatched(object: Rendered): readonly string[] {
  if (object.kind !== 'Deployment') return []
  const replicas = Number(at(object, 'spec.replicas')) >= 2 ? [] : ['has less than two replicas']
  const probes = eachContainer(object, container =>
    ['startupProbe', 'livenessProbe', 'readinessProbe'].flatMap(probe => {
      const port = at(container, `${probe}.httpGet.port`)
      if (port === undefined) return [`has no ${probe}`]
      return container.ports?.some(({ name }) => name === port)
        ? []
        : [`its ${probe} asks port ${port}, which it lacks`]
    }),
  )
  return [...replicas, ...probes]
}

function mountsWhatThereIs(object: Rendered): readonly string[] {
  const volumes = podsOf(object)?.spec.volumes?.map(({ name }) => name) ?? []
  const mounted = podsOf(object)?.spec.containers.flatMap(({ volumeMounts = [] }) =>
    volumeMounts.map(({ name }) => name),
  )
  const lacking = (mounted ?? [])
    .filter(name => !volumes.includes(name))
    .map(name => `there is no volume ${name}`)
  return [
    ...lacking,
    ...volumes.filter(name => !mounted?.includes(name)).map(name => `nobody mounts ${name}`),
  ]
}

/** Roles and accounts that are named are in the chart too. */
function bindsWhatThereIs(object: Rendered, all: readonly Rendered[]): readonly string[] {
  const account = podsOf(object)?.spec.serviceAccountName
  const wanted = account === undefined ? [] : [{ kind: 'ServiceAccount', name: account }]
  if (object.kind.endsWith('RoleBinding')) {
    wanted.push(at(object, 'roleRef') as never, ...(at(object, 'subjects') as never[]))
  }
  return wanted
    .filter(({ kind, name }) => !all.some(other => other.kind === kind && other.metadata.name === name))
    .map(({ kind, name }) => `there is no ${kind} ${name}`)
}

/** What selects pods finds those of the Deployment, and none that work once. */
function selectsItsPods(object: Rendered, all: readonly Rendered[]): readonly string[] {
  const selector = selectorOf(object)
  if (!selector) return []
  const found = all.filter(other => isSelected(podsOf(other), selector))
  const wrong = found.filter(({ kind }) => kind !== 'Deployment').map(other => `it selects ${titleOf(other)}`)
  const ports = found
    .flatMap(other => podsOf(other)?.spec.containers ?? [])
    .flatMap(({ ports = [] }) => ports)
  const targets = object.kind === 'Service' ? (at(object, 'spec.ports') as readonly Json[]) : []
  const missing = targets
    .filter(({ targetPort }) => !ports.some(({ name }) => name === targetPort))
    .map(({ targetPort }) => `its pods have no port ${targetPort}`)
  return [...(found.length === 0 ? ['it selects no pods'] : []), ...wrong, ...missing]
}

/** The API server finds the webhook. */
function isServed(object: Rendered, all: readonly Rendered[]): readonly string[] {
  if (object.kind !== 'MutatingWebhookConfiguration') return []
  return (at(object, 'webhooks') as readonly Json[]).flatMap(webhook => {
    const wanted = at(webhook, 'clientConfig.service') as Json | undefined
    if (!wanted) return []
    const service = all.find(({ kind, metadata }) => kind === 'Service' && metadata.name === wanted.name)
    const ports = (at(service, 'spec.ports') ?? []) as readonly Json[]
    const isThere =
      service?.metadata.namespace === wanted.namespace && ports.some(({ port }) => port === wanted.port)
    return isThere ? [] : [`there is no Service ${wanted.namespace}/${wanted.name} with port ${wanted.port}`]
  })
}

function eachContainer(
  object: Rendered,
  look: (container: Container) => readonly string[],
): readonly string[] {
  return (podsOf(object)?.spec.containers ?? []).flatMap(container =>
    look(container).map(problem => `container ${container.name}: ${problem}`),
  )
}

function selectorOf(object: Rendered): Json | undefined {
  const path = object.kind === 'Service' ? 'spec.selector' : 'spec.selector.matchLabels'
  const kinds = ['Service', 'PodDisruptionBudget', 'Deployment']
  return kinds.includes(object.kind) ? (at(object, path) as Json) : undefined
}

function isSelected(pods: PodTemplate | undefined, selector: Json): boolean {
  const labels = pods?.metadata.labels
  return labels !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value)
}
