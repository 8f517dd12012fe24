/**
 * The Service that reaches the canary's pods and no others, ready or not: tests and previews use it while no
 * user's request gets there.
 */
import { GATE } from './gate.ts'
import type { Container, Deployment, PodTemplate, Service, ServicePort } from './kubernetes.ts'
import { nameHash, OF_LABEL, TRACK_LABEL } from './names.ts'
import { ownerReference } from './objects.ts'

type Labels = Readonly<Record<string, string>>

const LONGEST_NAME = 63

/**
 * `<name>-canary`, as a Service may be called: RFC 1035, so without dots and not beginning with a digit. A name
 * that had to be changed or cut gets a hash, so that no two apps share one.
 */
export function serviceName(name: string): string {
  const label = name.replaceAll('.', '-')
  const base = /^\d/.test(label) ? `s-${label}` : label
  const whole = `${base}-canary`
  if (base === name && whole.length <= LONGEST_NAME) return whole
  const tail = `-${nameHash(name)}-canary`
  return `${base.slice(0, LONGEST_NAME - tail.length).replace(/-+$/, '')}${tail}`
}

/** Whether a Service sends requests to pods with these labels. One without a selector has its endpoints from elsewhere. */
export function selectsPods({ spec }: Service, labels: Labels): boolean {
  const wanted = Object.entries(spec.selector ?? {})
  return (
    spec.type !== 'ExternalName' && wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
  )
}

/** The Services whose selector matches these pods, by name, so that the first one is always the same. */
export function servicesOf(services: readonly Service[], podLabels: Labels): readonly Service[] {
  return services
    .filter(service => selectsPods(service, podLabels))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
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
  const ours = { [TRACK_LABEL]: 'canary', [OF_LABEL]: nameHash(name) }
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

/** `http://shop-canary.default:80`, by its first TCP port; undefined when it has none. */
export function urlOf({ metadata, spec }: Service): string | undefined {
  const port = spec.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')
  if (!port) return undefined
  const isSecure = port.port === 443 || port.name === 'https' || port.appProtocol === 'https'
  return `${isSecure ? 'https' : 'http'}://${metadata.name}.${metadata.namespace ?? 'default'}:${port.port}`
}

/**
 * Why isolation would be a lie, as a sentence: a Service that sends users' requests to pods of this template.
 * With the gate, only those that ask for pods which are not ready; without it (isolated by a label that is left
 * out), all that select them. Who selects by our label means canaries, and is none of these.
 */
export function leakOf(services: readonly Service[], template: PodTemplate): string | undefined {
  const isGated = template.spec?.readinessGates?.some(({ conditionType }) => conditionType === GATE) ?? false
  const leak = servicesOf(services, template.metadata?.labels ?? {}).find(
    ({ spec }) =>
      !Object.hasOwn(spec.selector ?? {}, TRACK_LABEL) && (!isGated || spec.publishNotReadyAddresses),
  )
  if (!leak) return undefined
  const { name } = leak.metadata
  return isGated
    ? `Service ${name} has publishNotReadyAddresses: true and selects the canary's pods: they would get requests of users before they are tested`
    : `Service ${name} selects the canary's pods without the label that was left out: they would get requests of users before they are tested`
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
