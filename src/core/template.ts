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
  const hash = digest('sha256', canonical(template), 'hex').slice(0, 10)
  hashes.set(template, hash)
  return hash
}

/** Whether two templates are the same version. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return canonical(a) === canonical(b)
}

/** Whether the templates are the same version but somebody asked for its pods to be restarted. */
export function onlyRestarted(before: PodTemplate, after: PodTemplate): boolean {
  const asked = (template: PodTemplate) => template.metadata?.annotations?.[RESTARTED_AT]
  return asked(before) !== asked(after) && sameTemplate(before, after)
}

/** JSON that is the same for templates that mean the same. */
function canonical(template: PodTemplate): string {
  const { labels, annotations, creationTimestamp: _, ...rest } = template.metadata ?? {}
  return textOf({
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

/** Straight to text: at the start there are very many templates, and what they are copied to would be garbage. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = value as Readonly<Record<string, unknown>>
  let text = ''
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key]
    if (field === null || field === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${textOf(field)}`
  }
  return `{${text}}`
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
