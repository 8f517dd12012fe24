/**
 * The OpenAPI v3 documents that kubectl asks for. It reads three things from them: whether a PATCH takes
 * dryRun and fieldValidation, which patch types it takes, and (explain) the schema. The strategic merge type is
 * left out on purpose: kubectl then uses the merge keys that are built into it, where a listed type would make
 * it look for merge keys in a schema that the sandbox does not have.
 */
import type { Catalogue } from '../catalogue.ts'
import type { JsonObject } from '../json.ts'
import { apiVersionOf, type Resource } from '../resources.ts'
import { groupsOf } from './discovery.ts'

/** GET /openapi/v3: where the document of each group and version is. */
export function openApiIndex(catalogue: Catalogue): JsonObject {
  const paths: JsonObject = {}
  for (const root of ['api', 'apis'] as const) {
    for (const [group, versions] of groupsOf(catalogue, root)) {
      for (const version of versions) {
        const path = root === 'api' ? `api/${version}` : `apis/${group}/${version}`
        // The hash makes kubectl fetch a group again when a CustomResourceDefinition changed it.
        const kinds = catalogue.all().filter(r => r.group === group && r.version === version).length
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${kinds}` }
      }
    }
  }
  return { paths }
}

/** GET /openapi/v3/api/v1 or /openapi/v3/apis/GROUP/VERSION; undefined when it is not served. */
export function openApiDocument(
  catalogue: Catalogue,
  group: string,
  version: string,
): JsonObject | undefined {
  const served = catalogue.all().filter(r => r.group === group && r.version === version)
  if (served.length === 0) return undefined
  return {
    openapi: '3.0.0',
    info: { title: 'Canaryhook sandbox', version: 'v1.36.0' },
    paths: Object.fromEntries(served.map(resource => [objectPath(resource), operations(resource)])),
    components: {
      schemas: Object.fromEntries(served.map(resource => [schemaName(resource), schema(resource)])),
    },
  }
}

function objectPath(resource: Resource): string {
  const root = resource.group === '' ? '/api' : '/apis'
  const namespace = resource.namespaced ? '/namespaces/{namespace}' : ''
  return `${root}/${apiVersionOf(resource)}${namespace}/${resource.plural}/{name}`
}

function groupVersionKind({ group, version, kind }: Resource): JsonObject {
  return { group, version, kind }
}

function operations(resource: Resource): JsonObject {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(name => ({
    name,
    in: 'query',
    schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
  }))
  const body = { schema: { type: 'object' } }
  const patchTypes = ['application/json-patch+json', 'application/merge-patch+json']
  return {
    get: { 'x-kubernetes-action': 'get', 'x-kubernetes-group-version-kind': groupVersionKind(resource) },
    patch: {
      parameters,
      requestBody: { content: Object.fromEntries(patchTypes.map(type => [type, body])) },
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': groupVersionKind(resource),
    },
  }
}

function schemaName({ group, version, kind }: Resource): string {
  return `sandbox.${group || 'core'}.${version}.${kind}`
}

function schema(resource: Resource): JsonObject {
  const anything = (description: string) => ({ type: 'object', description })
  return {
    type: 'object',
    description: `${resource.kind}, as the sandbox keeps it. The sandbox does not describe its fields: see the Kubernetes reference.`,
    properties: {
      apiVersion: { type: 'string', description: 'The versioned schema of this object.' },
      kind: { type: 'string', description: 'The kind of this object.' },
      metadata: anything('Standard metadata of objects.'),
      spec: anything('What is wanted.'),
      status: anything('What was observed.'),
    },
    'x-kubernetes-group-version-kind': [groupVersionKind(resource)],
  }
}
