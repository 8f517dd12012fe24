/**
 * Pod templates are compared by what they mean: nulls, the order of keys, empty labels, the label that the
 * Deployment controller adds to a ReplicaSet's copy, and `kubectl rollout restart`'s annotation do not make
 * another version.
 */
import { hash as digest } from 'node:crypto'
import { isName, type TemplateName } from './kept.ts'
import type { PodTemplate } from './kubernetes.ts'

/** kubectl rollout restart sets it: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt'
const TEMPLATE_HASH_LABEL = 'pod-template-hash'

/** Objects of the caches are never changed, only replaced: a template is hashed once. */
const hashes = new WeakMap<PodTemplate, string>()

/** Ten hexadecimal digits that name a version: the same for templates that mean the same. */
export function templateHash(template: PodTemplate | TemplateName): string {
  if (isName(template)) return template.hash
  const known = hashes.get(template)
  if (known !== undefined) return known
  const text = JSON.stringify(canonical(template))
  const hash = digest('sha256', text, 'hex').slice(0, 10)
  hashes.set(template, hash)
  return hash
}

/** Whether two templates are the same version. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
}

/** Whether the templates are the same version but somebody asked for its pods to be restarted. */
export function onlyRestarted(before: PodTemplate, after: PodTemplate): boolean {
  const asked = (template: PodTemplate) => template.metadata?.annotations?.[RESTARTED_AT]
  return asked(before) !== asked(after) && sameTemplate(before, after)
}

function canonical(template: PodTemplate): unknown {
  const { labels, annotations, creationTimestamp: _, ...rest } = template.metadata ?? {}
  return sorted({
    ...template,
    metadata: {
      ...rest,
      labels: without(labels, TEMPLATE_HASH_LABEL),
      annotations: without(annotations, RESTARTED_AT),
    },
  })
}

function without(
  map: Readonly<Record<string, string>> | undefined,
  key: string,
): Record<string, string> | null {
  const entries = Object.entries(map ?? {}).filter(([name]) => name !== key)
  return entries.length === 0 ? null : Object.fromEntries(entries)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, field]) => [key, sorted(field)]))
}

/**
 * The ConfigMaps and Secrets that a template names, as sorted `ConfigMap/name` and `Secret/name`. GitOps
 * tools give such objects a new name for each content and prune the old one, after which a pod of the old
 * template can no longer start.
 */
export function references(template: PodTemplate): readonly string[] {
  const found = new Set<string>()
  const visit = (value: unknown, key: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, key)
      return
    }
    if (typeof value !== 'object' || value === null) return
    const name = 'name' in value ? value.name : 'secretName' in value ? value.secretName : undefined
    if (typeof name === 'string' && CONFIG_MAP_KEYS.has(key)) found.add(`ConfigMap/${name}`)
    if (typeof name === 'string' && SECRET_KEYS.has(key)) found.add(`Secret/${name}`)
    for (const [inner, field] of Object.entries(value)) visit(field, inner)
  }
  visit(template.spec, 'spec')
  return [...found].sort()
}

/** Where a PodSpec names them: env and envFrom, volumes (projected and CSI ones too), imagePullSecrets. */
const CONFIG_MAP_KEYS = new Set(['configMap', 'configMapRef', 'configMapKeyRef'])
const SECRET_KEYS = new Set([
  'secret',
  'secretRef',
  'secretKeyRef',
  'nodePublishSecretRef',
  'imagePullSecrets',
])
