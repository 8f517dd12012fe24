/**
 * The Ingress through which people look at the canary while a release runs. It leads to the canary's own Service,
 * at a host or a path that the users of the app do not have.
 */
import { byName } from './by-name.ts'
import { canaryServiceOf, servicesOf } from './canary-service.ts'
import type { Deployment, Ingress, IngressRule, IngressTls, Service } from './kubernetes.ts'
import { canaryName, labelsFor, serviceName } from './names.ts'
import { ownerReference } from './owner-reference.ts'
import type { Preview } from './preview.ts'

/** How the class of an Ingress was told before there was a field for it; some controllers still read it alone. */
export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

/**
 * Annotations of the app's Ingress are not copied, its class aside: they are orders to a controller (another
 * certificate, a rewrite of paths, a name in the DNS) and meant for the app's own addresses.
 *
 * @param deployment the user's, with the template that is released
 * @param services those of its namespace, the canary's among them
 * @param ingresses those of its namespace
 * @returns the Ingress; undefined as long as the canary has no Service of ours with a TCP port
 */
export function makePreviewIngress(
  deployment: Deployment,
  preview: Preview,
  services: readonly Service[],
  ingresses: readonly Ingress[],
): Ingress | undefined {
  const { name, namespace } = deployment.metadata
  const port = portOf(canaryServiceOf(deployment, services))
  if (port === undefined) return undefined
  const app = appIngress(deployment, services, ingresses)
  const hosts = hostsOf(preview, app)
  const tls = tlsFor(hosts, app)
  const service = { name: serviceName(name), port: { number: port } }
  const path = { path: preview.path ?? '/', pathType: 'Prefix', backend: { service } }
  const { annotations, ingressClassName } = classOf(preview, app)
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: canaryName(name),
      ...(namespace !== undefined && { namespace }),
      labels: labelsFor('canary', name),
      ...(annotations && { annotations }),
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      ...(ingressClassName !== undefined && { ingressClassName }),
      ...(tls.length > 0 && { tls }),
      rules: hosts.map(host => ({ ...(host !== '' && { host }), http: { paths: [path] } })),
    },
  }
}

/**
 * Why a preview must not be made, as a sentence: at its address another Ingress already answers, so users of the
 * app would meet the canary. Ingresses of different classes have different controllers and do not meet.
 */
export function previewConflict(
  deployment: Deployment,
  preview: Preview,
  services: readonly Service[],
  ingresses: readonly Ingress[],
): string | undefined {
  const ours = canaryName(deployment.metadata.name)
  const app = appIngress(deployment, services, ingresses)
  const wanted = new Set(hostsOf(preview, app).map(host => addressOf(host, preview.path)))
  const className = preview.class ?? classNameOf(app?.ingress)
  for (const ingress of byName(ingresses)) {
    const { name } = ingress.metadata
    const other = classNameOf(ingress)
    // Where one of them says no class, it is the cluster's default, which may be any.
    const meet = className === undefined || other === undefined || className === other
    if (name === ours || !meet) continue
    const taken = (ingress.spec.rules ?? []).flatMap(addressesOf).find(address => wanted.has(address))
    if (taken === undefined) continue
    return `Ingress ${name} already has ${taken}: users would meet the canary there; write another host or path`
  }
  return undefined
}

/** Where people look, for an Event: `https://canary.shop.example/`, or `/canary of any host`. */
export function describeAddresses({ spec }: Ingress): string {
  const secured = new Set((spec.tls ?? []).flatMap(({ hosts = [] }) => hosts))
  const addresses = (spec.rules ?? []).flatMap(({ host, http }) =>
    (http?.paths ?? []).map(({ path = '/' }) =>
      host === undefined ? `${path} of any host` : `${secured.has(host) ? 'https' : 'http'}://${host}${path}`,
    ),
  )
  return addresses.join(', ')
}

function portOf(service: Service | undefined): number | undefined {
  return service?.spec.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.port
}

/** The Ingress that serves the app, the first by name: one of its backends is a Service that selects the app's pods. */
interface AppIngress {
  readonly ingress: Ingress
  /** The Services that select the app. */
  readonly services: ReadonlySet<string>
}

function appIngress(
  { spec }: Deployment,
  services: readonly Service[],
  ingresses: readonly Ingress[],
): AppIngress | undefined {
  const serving = new Set(
    servicesOf(services, spec.template.metadata?.labels ?? {}).map(({ metadata }) => metadata.name),
  )
  const ingress = byName(ingresses).find(
    ({ spec }) =>
      serving.has(spec.defaultBackend?.service?.name ?? '') ||
      spec.rules?.some(rule => leadsTo(rule, serving)),
  )
  return ingress && { ingress, services: serving }
}

function leadsTo({ http }: IngressRule, services: ReadonlySet<string>): boolean {
  return http?.paths?.some(({ backend }) => services.has(backend.service?.name ?? '')) ?? false
}

/** '' is any host. */
function hostsOf(preview: Preview, app: AppIngress | undefined): readonly string[] {
  if (preview.host !== undefined) return [preview.host]
  const rules = app?.ingress.spec.rules?.filter(rule => leadsTo(rule, app.services)) ?? []
  const hosts = new Set(rules.map(({ host = '' }) => host))
  return hosts.size > 0 ? [...hosts] : ['']
}

type Class = { readonly annotations?: Readonly<Record<string, string>>; readonly ingressClassName?: string }

/** In the form that the app's Ingress has it: the API server takes one of the two. Without any, the cluster's default. */
function classOf(preview: Preview, app: AppIngress | undefined): Class {
  if (preview.class !== undefined) return { ingressClassName: preview.class }
  const { metadata, spec } = app?.ingress ?? {}
  if (spec?.ingressClassName !== undefined) return { ingressClassName: spec.ingressClassName }
  const annotated = metadata?.annotations?.[CLASS_ANNOTATION]
  return annotated === undefined ? {} : { annotations: { [CLASS_ANNOTATION]: annotated } }
}

function classNameOf(ingress: Ingress | undefined): string | undefined {
  return ingress?.spec.ingressClassName ?? ingress?.metadata.annotations?.[CLASS_ANNOTATION]
}

/** The certificates of the app's Ingress that are good for these hosts, for them alone. */
function tlsFor(hosts: readonly string[], app: AppIngress | undefined): readonly IngressTls[] {
  if (!app) return []
  const { rules = [], tls = [] } = app.ingress.spec
  const named = hosts.filter(host => host !== '')
  return tls.flatMap(({ secretName, hosts: certified = [] }) => {
    // Without hosts it is meant for all that the Ingress has.
    const covering = certified.length > 0 ? certified : rules.map(({ host = '' }) => host)
    const covered = named.filter(host => covering.some(cover => covers(cover, host)))
    if (covered.length === 0) return []
    return [{ hosts: covered, ...(secretName !== undefined && { secretName }) }]
  })
}

/** A star stands for one label: https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards */
function covers(cover: string, host: string): boolean {
  if (cover === host) return true
  return cover.startsWith('*.') && host.slice(host.indexOf('.')) === cover.slice(1)
}

function addressesOf({ host = '', http }: IngressRule): readonly string[] {
  return (http?.paths ?? []).map(({ path }) => addressOf(host, path))
}

/** A slash at the end does not count in a path of type Prefix. */
function addressOf(host: string, path = '/'): string {
  return `${host === '' ? '*' : host}${path === '/' ? path : path.replace(/\/$/, '')}`
}
