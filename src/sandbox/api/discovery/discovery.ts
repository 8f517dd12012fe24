/** What the server says about the kinds it serves: the aggregated document of kubectl 1.26 and later, and the older lists. */
import type { Catalogue } from '../catalogue.ts'
import type { JsonObject } from '../json.ts'
import { apiVersionOf, type Resource } from '../resources.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/**
 * The version of apidiscovery.k8s.io in which a client wants all kinds of /api or /apis at once: kubectl asks for
 * v2beta1 up to 1.29. Undefined when it wants the older lists.
 */
export function aggregatedVersion(accept: string): 'v2' | 'v2beta1' | undefined {
  const asked = [...accept.matchAll(/g=apidiscovery\.k8s\.io;v=(v2beta1|v2)\b/g)].map(match => match[1])
  if (asked.includes('v2')) return 'v2'
  return asked.includes('v2beta1') ? 'v2beta1' : undefined
}

/** /api or /apis with Accept …;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList. */
export function aggregatedDiscovery(catalogue: Catalogue, root: 'api' | 'apis', version: string): JsonObject {
  const items = groupsOf(catalogue, root).map(([group, versions]) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versions.map(served => ({
      version: served,
      resources: resourcesOf(catalogue, group, served).map(aggregatedResource),
      freshness: 'Current',
    })),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items }
}

/** The content type of that answer. */
export function aggregatedType(version: string): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
}

function aggregatedResource(resource: Resource): JsonObject {
  const { plural, kind, singular, namespaced, shortNames, categories } = resource
  return {
    resource: plural,
    responseKind: { group: resource.group, version: resource.version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: VERBS,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(resource.subresources.length > 0 && {
      subresources: resource.subresources.map(name => ({
        subresource: name,
        responseKind: responseKind(resource, name),
        verbs: name === 'log' ? ['get'] : ['get', 'patch', 'update'],
      })),
    }),
  }
}

function responseKind({ group, version, kind }: Resource, subresource: string): JsonObject {
  if (subresource === 'scale') return { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  return { group, version, kind }
}

/** GET /api for older clients. */
export function coreVersions(): JsonObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
}

/** GET /apis for older clients. */
export function groupList(catalogue: Catalogue): JsonObject {
  const groups = groupsOf(catalogue, 'apis').map(([group, versions]) => groupEntry(group, versions))
  return { kind: 'APIGroupList', apiVersion: 'v1', groups }
}

/** GET /apis/GROUP; undefined when it is not served. */
export function groupDocument(catalogue: Catalogue, group: string): JsonObject | undefined {
  const found = groupsOf(catalogue, 'apis').find(([name]) => name === group)
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(...found) }
}

function groupEntry(name: string, versions: readonly string[]): JsonObject {
  const entries = versions.map(version => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

/** GET /api/v1 or /apis/GROUP/VERSION; undefined when it is not served. */
export function resourceList(catalogue: Catalogue, group: string, version: string): JsonObject | undefined {
  const served = resourcesOf(catalogue, group, version)
  if (served.length === 0) return undefined
  const resources = served.flatMap(resource => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: VERBS,
      ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
      ...(resource.categories.length > 0 && { categories: resource.categories }),
    },
    ...resource.subresources.map(name => ({
      name: `${resource.plural}/${name}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...responseKind(resource, name),
      verbs: name === 'log' ? ['get'] : ['get', 'patch', 'update'],
    })),
  ])
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources,
  }
}

function resourcesOf(catalogue: Catalogue, group: string, version: string): readonly Resource[] {
  return catalogue.all().filter(resource => resource.group === group && resource.version === version)
}

/** The groups under a root with their versions, in the order of the catalogue. */
export function groupsOf(catalogue: Catalogue, root: 'api' | 'apis'): [group: string, versions: string[]][] {
  const groups = new Map<string, Set<string>>()
  for (const { group, version } of catalogue.all()) {
    if ((group === '') === (root === 'api')) groups.set(group, (groups.get(group) ?? new Set()).add(version))
  }
  return [...groups].map(([group, versions]) => [group, [...versions]])
}
