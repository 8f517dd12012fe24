/**
 * The Service that reaches the canary's pods and no others, ready or not: tests and previews use it while no
 * user's request gets there.
 */
import { byName } from './by-name.ts'
import { GATE } from './gate.ts'
import type {
  Container,
  Deployment,
  KubernetesObject,
  PodTemplate,
  Service,
  ServicePort,
  TargetGroupBinding,
} from './kubernetes.ts'
import { labelsFor, serviceName, TRACK_LABEL } from './names.ts'
import { isControlledBy, ownerReference } from './owner-reference.ts'

type Labels = Readonly<Record<string, string>>

/** Whether a Service sends requests to pods with these labels. One without a selector has its endpoints from elsewhere. */
export function selectsPods({ spec }: Service, labels: Labels): boolean {
  const wanted = Object.entries(spec.selector ?? {})
  return (
    spec.type !== 'ExternalName' && wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
  )
}

/** The Services whose selector matches these pods, by name. */
export function servicesOf(services: readonly Service[], podLabels: Labels): readonly Service[] {
  return byName(services.filter(service => selectsPods(service, podLabels)))
}

/**
 * @param deployment the user's, with the template to try
 * @param services those of its namespace; the ones that do not select its pods are left out here
 * @returns the Service, or undefined when neither those Services nor the containers name a port
 */
export function makeCanaryService(deployment: Deployment, services: readonly Service[]): Service | undefined {
  const { name, namespace } = deployment.metadata
  const { template } = deployment.spec
  const serving = servicesOf(services, template.metadata?.labels ?? {})
  const ports = union(serving.length > 0 ? serving.flatMap(portsOf) : containerPorts(template))
  if (ports.length === 0) return undefined
  const ours = labelsFor('canary', name)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName(name),
      ...(namespace !== undefined && { namespace }),
      labels: ours,
      ownerReferences: [ownerReference(deployment)],
    },
    spec: { type: 'ClusterIP', publishNotReadyAddresses: true, selector: ours, ports },
  }
}

/** The one that leads to the canary; undefined where there is none, or what has its name is another's. */
export function canaryServiceOf(
  deployment: KubernetesObject,
  services: readonly Service[],
): Service | undefined {
  const name = serviceName(deployment.metadata.name)
  return services.find(service => service.metadata.name === name && isControlledBy(service, deployment))
}

/** `http://shop-canary.default:80`, by its first TCP port; undefined when it has none. */
export function urlOf({ metadata, spec }: Service): string | undefined {
  const port = spec.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')
  if (!port) return undefined
  const isSecure = port.port === 443 || port.name === 'https' || port.appProtocol === 'https'
  return `${isSecure ? 'https' : 'http'}://${metadata.name}.${metadata.namespace ?? 'default'}:${port.port}`
}

/**
 * Why isolation would be a lie, as a sentence: something that sends users' requests to pods of this template. With
 * the gate, a Service that asks for pods which are not ready, or a load balancer that does not ask; without the gate
 * (isolated by a label that is left out), every Service that selects them. Who selects by our label means canaries,
 * and is none of these.
 *
 * @param bindings all of the namespace
 */
export function leakOf(
  services: readonly Service[],
  bindings: readonly TargetGroupBinding[],
  template: PodTemplate,
): string | undefined {
  const isGated = template.spec?.readinessGates?.some(({ conditionType }) => conditionType === GATE) ?? false
  const serving = servicesOf(services, template.metadata?.labels ?? {}).filter(
    ({ spec }) => !Object.hasOwn(spec.selector ?? {}, TRACK_LABEL),
  )
  if (!isGated) {
    const [leak] = serving
    return (
      leak &&
      `Service ${leak.metadata.name} selects the canary's pods without the label that was left out${MET}`
    )
  }
  const open = serving.find(({ spec }) => spec.publishNotReadyAddresses)
  if (open) {
    return `Service ${open.metadata.name} has publishNotReadyAddresses: true and selects the canary's pods${MET}`
  }
  const names = new Set(serving.map(({ metadata }) => metadata.name))
  const bound = byName(bindings).find(({ spec }) => bindsPods(spec) && names.has(spec.serviceRef?.name ?? ''))
  return (
    bound &&
    `TargetGroupBinding ${bound.metadata.name} takes the pods of Service ${bound.spec.serviceRef?.name} as soon as their containers are ready, whatever their gates say${MET}; isolate by a label instead (canaryhook.dev/isolate)`
  )
}

const MET = ': they would get requests of users before they are tested'

/** Source: aws-load-balancer-controller, docs/guide/targetgroupbinding: without a type it is found out, and may be ip. */
function bindsPods({ targetType }: TargetGroupBinding['spec']): boolean {
  return targetType !== 'instance'
}

/**
 * Why a test must not run: a Service would send users' requests to its pods, which serve nobody.
 * @param pods the pod template of the test's Job
 */
export function testLeakOf(services: readonly Service[], pods: PodTemplate): string | undefined {
  const [leak] = servicesOf(services, pods.metadata?.labels ?? {})
  if (!leak) return undefined
  const labels = Object.entries(leak.spec.selector ?? {}).map(([key, value]) => `${key}=${value}`)
  return `Service ${leak.metadata.name} would send requests of users to the test's pods, which have its labels (${labels.join(', ')}); give the test's template labels of its own`
}

/** What is the same in the cluster: a node's port is given once, and defaults are written out. */
function portsOf({ spec }: Service): readonly ServicePort[] {
  return (spec.ports ?? []).map(({ name, port, targetPort, protocol, appProtocol }) => ({
    ...(name !== undefined && name !== '' && { name }),
    port,
    targetPort: targetPort ?? port,
    protocol: protocol ?? 'TCP',
    ...(appProtocol !== undefined && { appProtocol }),
  }))
}

function containerPorts({ spec }: PodTemplate): readonly ServicePort[] {
  return (spec?.containers ?? []).flatMap(container =>
    declared(container).map(({ name, containerPort: port, protocol = 'TCP' }) => ({
      ...(name !== undefined && { name }),
      port,
      targetPort: port,
      protocol,
    })),
  )
}

interface ContainerPort {
  readonly name?: string
  readonly containerPort: number
  readonly protocol?: string
}

function declared({ ports }: Container): readonly ContainerPort[] {
  return Array.isArray(ports) ? (ports as readonly ContainerPort[]) : []
}

/** Each port and protocol once, the first one counts; each name once, and none without a name among several. */
function union(ports: readonly ServicePort[]): readonly ServicePort[] {
  const distinct = new Map<string, ServicePort>()
  for (const port of ports) {
    const key = keyOf(port)
    if (!distinct.has(key)) distinct.set(key, port)
  }
  if (distinct.size === 1) return [...distinct.values()]
  const named = new Map<string, ServicePort>()
  for (const [key, port] of distinct) {
    const name = port.name !== undefined && !named.has(port.name) ? port.name : key
    named.set(name, { ...port, name })
  }
  return [...named.values()]
}

/** Also a name that no other port has: `tcp-80`. */
function keyOf({ port, protocol = 'TCP' }: ServicePort): string {
  return `${protocol.toLowerCase()}-${port}`
}
