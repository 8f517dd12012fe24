/** Every path that is not about objects: discovery, OpenAPI, version and health. */
import type { Catalogue } from '../catalogue.ts'
import type { JsonObject } from '../json.ts'
import {
  aggregatedDiscovery,
  aggregatedType,
  aggregatedVersion,
  coreVersions,
  groupDocument,
  groupList,
  resourceList,
} from './discovery.ts'
import { openApiDocument, openApiIndex } from './openapi.ts'

export interface Document {
  readonly type: string
  readonly body: JsonObject | string
}

/** The document at a path, undefined when the path is not one of these. */
export function documentAt(path: string, accept: string, catalogue: Catalogue): Document | undefined {
  const parts = path.split('/').filter(part => part !== '')
  const [root, second = '', third = ''] = parts
  switch (root) {
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { type: 'text/plain', body: 'ok' }
    case 'version':
      return json(version())
    case 'openapi':
      return second === 'v3' ? json(openApi(parts.slice(2), catalogue)) : undefined
    case 'api':
      if (parts.length === 1) return rootDocument('api', accept, catalogue)
      return parts.length === 2 ? json(resourceList(catalogue, '', second)) : undefined
    case 'apis':
      if (parts.length === 1) return rootDocument('apis', accept, catalogue)
      if (parts.length === 2) return json(groupDocument(catalogue, second))
      return parts.length === 3 ? json(resourceList(catalogue, second, third)) : undefined
    case undefined:
      return json({ paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v3', '/readyz', '/version'] })
    default:
      return undefined
  }
}

function rootDocument(root: 'api' | 'apis', accept: string, catalogue: Catalogue): Document | undefined {
  const version = aggregatedVersion(accept)
  if (version !== undefined) {
    return { type: aggregatedType(version), body: aggregatedDiscovery(catalogue, root, version) }
  }
  return json(root === 'api' ? coreVersions() : groupList(catalogue))
}

function openApi(parts: readonly string[], catalogue: Catalogue): JsonObject | undefined {
  const [root, ...rest] = parts
  if (root === undefined) return openApiIndex(catalogue)
  const [group = '', version = ''] = root === 'api' ? ['', ...rest] : rest
  return openApiDocument(catalogue, group, version)
}

function json(body: JsonObject | undefined): Document | undefined {
  return body && { type: 'application/json', body }
}

function version(): JsonObject {
  return {
    major: '1',
    minor: '33',
    gitVersion: 'v1.33.0+canaryhook-sandbox',
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: 'sandbox',
  }
}
