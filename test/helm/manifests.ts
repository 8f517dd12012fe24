/** The files of webhook-config/, made of what the chart renders: for an install without Helm. Pure. */
import { isMap, parseDocument } from 'yaml'

/** Name and content of a file. */
export type ManifestFiles = ReadonlyMap<string, string>

const HEADER = '# Generated from helm/canaryhook by "npm run manifests". Change it there.'

/** Run by hand before everything is deleted, so no part of the install. */
const UNINSTALL = 'uninstall.yaml'

const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: canaryhook
  labels:
    app.kubernetes.io/name: canaryhook
    pod-security.kubernetes.io/enforce: restricted
`

/** Only Helm reads them. */
const OF_HELM = ['helm.sh/', 'app.kubernetes.io/managed-by']

/**
 * @param rendered what `helm template canaryhook helm/canaryhook --namespace canaryhook` prints
 * @returns one file for each template that made something, the namespace, and the kustomization of all
 */
export function manifestFiles(rendered: string): ManifestFiles {
  const parts = new Map<string, string[]>()
  for (const document of rendered.split(/^---$/m)) {
    const template = /^# Source: \S+?\/templates\/(?<path>\S+)$/m.exec(document)?.groups?.path
    if (!template || template.startsWith('tests/')) continue
    parts.set(template, [...(parts.get(template) ?? []), withoutHelm(document)])
  }
  const files = new Map([...parts].map(([name, documents]) => [name, documents.join('---\n')]))
  files.set('namespace.yaml', NAMESPACE)
  const resources = [...files.keys()].filter(name => name !== UNINSTALL).sort(namespaceFirst)
  files.set('kustomization.yaml', kustomization(resources))
  return new Map([...files].map(([name, text]) => [name, `${HEADER}\n${text}`]))
}

/** The same object without what only Helm reads, comments kept. */
function withoutHelm(text: string): string {
  const document = parseDocument(text.replace(/^# Source: .*\n/m, '').trim())
  for (const path of [['metadata'], ['spec', 'template', 'metadata']]) {
    for (const field of ['labels', 'annotations']) {
      const map = document.getIn([...path, field])
      if (!isMap(map)) continue
      for (const { key } of [...map.items]) {
        if (OF_HELM.some(prefix => String(key).startsWith(prefix))) map.delete(key)
      }
      if (map.items.length === 0) document.deleteIn([...path, field])
    }
  }
  return document.toString({ lineWidth: 110, flowCollectionPadding: false })
}

function kustomization(resources: readonly string[]): string {
  const lines = ['apiVersion: kustomize.config.k8s.io/v1beta1', 'kind: Kustomization', 'resources:']
  return `${[...lines, ...resources.map(name => `  - ${name}`)].join('\n')}\n`
}

function namespaceFirst(a: string, b: string): number {
  const rank = (name: string) => (name === 'namespace.yaml' ? 0 : 1)
  return rank(a) - rank(b) || a.localeCompare(b)
}
