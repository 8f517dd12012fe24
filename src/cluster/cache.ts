/**
 * The copy of some objects that a list and watch feeds, and the rules by which old news never replaces
 * newer. Pure state: no network, no clock.
 *
 * resourceVersions are compared as numbers: Kubernetes promises since 1.35 (KEP-5504) what etcd always did,
 * that they are decimal and rise with every change of any object of a kind.
 */
import type { KubernetesObject } from '../core/kubernetes.ts'
import type { Change, ObjectRef, WatchOptions } from './port.ts'

interface Entry<T> {
  readonly object: T
  readonly version: bigint
}

export interface Cache<T extends KubernetesObject> {
  get(ref: ObjectRef): T | undefined
  list(): readonly T[]

  /** A list begins. What it says is newer than every `forget` before it. */
  listBegins(): void
  /** An object of a page of the list. `version` is the list's own. */
  listed(object: T, version: string): void
  /** The list is complete: what it did not hold is gone, but for what is newer than the list. */
  listEnds(version: string): void

  /** ADDED or MODIFIED. */
  changed(object: T): void
  /** DELETED. */
  deleted(object: T): void
  /** BOOKMARK: everything up to this version has been seen. */
  reached(version: string): void

  /** The answer to a write of ours. */
  absorb(object: T): void
  forget(ref: ObjectRef): void
}

/** Versions of objects of foreign making may be missing: such an object counts as older than all. */
const UNKNOWN = -1n

/** @param onChange called for each difference, after the cache holds it; what it throws is passed on */
export function createCache<T extends KubernetesObject>(
  options: Pick<WatchOptions<T>, 'keep' | 'slim'>,
  onChange: (change: Change<T>) => void,
): Cache<T> {
  const entries = new Map<string, Entry<T>>()
  /** Objects that we know to be deleted while the watch may still tell of their past, by uid. */
  const forgotten = new Set<string>()
  /** Every change up to here has been seen: whatever is not newer has nothing to say. */
  let position = UNKNOWN
  let inList = new Set<string>()

  function advance(version: bigint): void {
    if (version > position) position = version
  }

  function take(object: T): void {
    const key = keyOf(object.metadata)
    const uid = object.metadata.uid ?? ''
    const version = versionOf(object.metadata.resourceVersion)
    if (forgotten.has(uid)) return
    const held = entries.get(key)
    if (held && isSame(held.object, object)) {
      entries.set(key, { object: held.object, version })
      return
    }
    if (held && version !== UNKNOWN && version <= held.version) return
    if (options.keep && !options.keep(object)) {
      drop(key)
      return
    }
    // The same name and another object: two changes, since nothing known of the first holds for the second.
    if (held && held.object.metadata.uid !== object.metadata.uid) drop(key)
    const previous = entries.get(key)?.object
    const slim = options.slim ? options.slim(object) : object
    entries.set(key, { object: slim, version })
    onChange({ type: 'set', object: slim, previous })
  }

  function drop(key: string): void {
    const held = entries.get(key)
    if (!held) return
    entries.delete(key)
    onChange({ type: 'gone', object: held.object })
  }

  /**
   * A list that is older than what we have seen means that the cluster came back from a backup: its
   * versions start over, so that all of ours count as old.
   */
  function noticeRestore(version: bigint): void {
    if (version === UNKNOWN || version >= position) return
    position = version
    for (const [key, entry] of entries) entries.set(key, { ...entry, version: UNKNOWN })
  }

  return {
    get: ref => entries.get(keyOf(ref))?.object,
    list: () => Array.from(entries.values(), entry => entry.object),

    listBegins() {
      forgotten.clear()
      inList = new Set()
    },
    listed(object, version) {
      noticeRestore(versionOf(version))
      if (!options.keep || options.keep(object)) inList.add(keyOf(object.metadata))
      take(object)
    },
    listEnds(version) {
      const listVersion = versionOf(version)
      noticeRestore(listVersion)
      for (const [key, entry] of [...entries]) {
        const known = listVersion === UNKNOWN || entry.version <= listVersion
        if (known && !inList.has(key)) drop(key)
      }
      inList = new Set()
      advance(listVersion)
    },

    changed(object) {
      advance(versionOf(object.metadata.resourceVersion))
      take(object)
    },
    deleted(object) {
      advance(versionOf(object.metadata.resourceVersion))
      const { uid = '' } = object.metadata
      forgotten.delete(uid)
      const key = keyOf(object.metadata)
      if (entries.get(key)?.object.metadata.uid === object.metadata.uid) drop(key)
    },
    reached(version) {
      advance(versionOf(version))
    },

    absorb(object) {
      if (versionOf(object.metadata.resourceVersion) > position) take(object)
    },
    forget(ref) {
      const key = keyOf(ref)
      const uid = entries.get(key)?.object.metadata.uid
      if (uid !== undefined) forgotten.add(uid)
      drop(key)
    },
  }
}

function isSame(one: KubernetesObject, other: KubernetesObject): boolean {
  const { uid, resourceVersion } = one.metadata
  return (
    resourceVersion !== undefined &&
    resourceVersion === other.metadata.resourceVersion &&
    uid === other.metadata.uid
  )
}

function keyOf(ref: { readonly namespace?: string; readonly name: string }): string {
  return `${ref.namespace ?? ''}/${ref.name}`
}

function versionOf(text: string | undefined): bigint {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : UNKNOWN
}
