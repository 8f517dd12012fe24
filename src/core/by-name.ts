import type { KubernetesObject } from './kubernetes.ts'

/** The same objects, sorted by name, so that the first one of several is always the same. */
export function byName<T extends KubernetesObject>(objects: readonly T[]): readonly T[] {
  return [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
}
