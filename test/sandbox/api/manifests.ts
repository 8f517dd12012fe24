/** Manifests that the tests of the API send. */
import type { JsonObject } from '../../../src/sandbox/api/json.ts'

export const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

/** A Deployment without pods, so that nothing happens that a test did not ask for. */
export function deployment(
  name: string,
  more: { spec?: JsonObject; metadata?: JsonObject } = {},
): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...more.metadata },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: `${name}:v1` }] },
      },
      ...more.spec,
    },
  }
}

export function configMap(name: string, more: { data?: JsonObject; metadata?: JsonObject } = {}): JsonObject {
  return { metadata: { name, ...more.metadata }, data: more.data ?? {} }
}

export const MERGE = 'application/merge-patch+json'
export const STRATEGIC = 'application/strategic-merge-patch+json'
export const JSON_PATCH = 'application/json-patch+json'
