/** Ways into what a chart renders, for tests. Pure. */
import type { Rendered } from './helm.ts'

export interface Json {
  readonly [field: string]: unknown
}

export interface Container extends Json {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

export interface PodSpec extends Json {
  readonly serviceAccountName?: string
  readonly containers: readonly Container[]
  readonly volumes?: readonly ({ readonly name: string } & Json)[]
}

export interface PodTemplate {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly spec: PodSpec
}

/** `Deployment canaryhook`. */
export function titleOf({ kind, metadata }: Rendered): string {
  return `${kind} ${metadata.name}`
}

/** What stands at a path such as `spec.template.spec.containers.0.image`; undefined where there is nothing. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, field) => (isJson(inner) ? inner[field] : undefined), value)
}

/** The pods that an object makes; undefined for one that makes none. */
export function podsOf(object: Rendered): PodTemplate | undefined {
  if (object.kind === 'Pod') return object as unknown as PodTemplate
  return at(object, 'spec.template') as PodTemplate | undefined
}

/** @throws when there is not exactly one */
export function oneOf(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter(
    object => object.kind === kind && (name === undefined || object.metadata.name === name),
  )
  const [first] = found
  if (!first || found.length > 1) {
    throw new Error(`${found.length} of ${kind} ${name ?? ''} among ${objects.map(titleOf).join(', ')}`)
  }
  return first
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
