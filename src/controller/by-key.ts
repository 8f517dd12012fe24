import type { Change } from '../cluster/port.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'

/** Objects of a watch, found by keys that they name themselves. */
export class ByKey<T extends KubernetesObject> {
  readonly #keys: (object: T) => readonly string[]
  readonly #objects = new Map<string, Map<string, T>>()

  constructor(keys: (object: T) => readonly string[]) {
    this.#keys = keys
  }

  get(key: string): readonly T[] {
    return [...(this.#objects.get(key)?.values() ?? [])]
  }

  take(change: Change<T>): void {
    const before = change.type === 'set' ? change.previous : change.object
    for (const key of before ? this.#keys(before) : []) this.#remove(key, before?.metadata.uid ?? '')
    if (change.type === 'gone') return
    for (const key of this.#keys(change.object)) {
      const objects = this.#objects.get(key) ?? new Map<string, T>()
      this.#objects.set(key, objects.set(change.object.metadata.uid ?? '', change.object))
    }
  }

  #remove(key: string, uid: string): void {
    const objects = this.#objects.get(key)
    objects?.delete(uid)
    if (objects?.size === 0) this.#objects.delete(key)
  }
}
