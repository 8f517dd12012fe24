/**
 * The copy of some objects that a list and watch feeds, and the rules by which old news never replaces
 * newer. Pure state: no network, no clock.
 *
 * resourceVersions are compared as numbers: Kubernetes promises since 1.35 (KEP-5504) what etcd always did,
 * that they are decimal and rise with every change of any object of a kind.
 */
import type { KubernetesObject } from '../../core/kubernetes.ts'
import { controllerOf } from '../../core/owner-reference.ts'
import type { Change, ObjectRef, WatchOptions } from '../port.ts'
import { createOwnerIndex } from './owner-index.ts'
import { createPackedMap, type Store } from './packed-map.ts'

export interface Cache<T extends KubernetesObject> {
  get(ref: ObjectRef): T | undefined
  list(): readonly T[]
  ownedBy(uid: string): readonly T[]

  /** A list begins. What it says is newer than every `forget` before it. */
  listBegins(): void
  /** An object of a page of the list. `version` is the list's own. */
  listed(object: T, version: string): void
  /** The list is complete: what it did not hold is gone, but for what is newer than the list. */
  listEnds(version: string): void

  /**
   * ADDED or MODIFIED. For this and `deleted`: never an event that was told before, since a cache does not know
   * what is gone; the reflector leaves those out.
   */
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
  options: Pick<WatchOptions<T>, 'keep' | 'slim' | 'packed'>,
  onChange: (change: Change<T>) => void,
): Cache<T> {
  const objects: Store<T> = options.packed ? createPackedMap<T>() : new Map<string, T>()
  const owners = createOwnerIndex()
  /** Objects that we know to be deleted while the watch may still tell of their past, by uid. */
  const forgotten = new Set<string>()
  /** Every change up to here has been seen: whatever is not newer has nothing to say. */
  let position = UNKNOWN
  /** While a list runs: what is in the cache and the list has not told of yet. */
  let unlisted: Set<string> | undefined
  /** From before the cluster came back from a backup: whatever is said of them now is newer. */
  const outdated = new Set<string>()

  function advance(version: bigint): void {
    if (version > position) position = version
  }

  function take(object: T): void {
    const key = keyOf(object.metadata)
    const { uid = '' } = object.metadata
    if (forgotten.has(uid)) return
    const held = objects.get(key)
    if (held && isSame(held, object)) {
      outdated.delete(key)
      return
    }
    const version = versionOf(object.metadata.resourceVersion)
    if (held && version !== UNKNOWN && version <= heldVersion(key, held)) return
    if (options.keep && !options.keep(object)) {
      drop(key)
      return
    }
    // The same name and another object: two changes, since nothing known of the first holds for the second.
    const isAnother = held !== undefined && held.metadata.uid !== object.metadata.uid
    if (isAnother) drop(key)
    put(key, options.slim ? options.slim(object) : object, isAnother ? undefined : held)
  }

  function put(key: string, object: T, previous: T | undefined): void {
    objects.set(key, object)
    outdated.delete(key)
    const owner = controllerOf(object)?.uid
    const before = previous && controllerOf(previous)?.uid
    if (before !== undefined && before !== owner) owners.remove(before, key)
    if (owner !== undefined && before !== owner) owners.add(owner, key)
    onChange({ type: 'set', object, previous })
  }

  function drop(key: string): void {
    const held = objects.get(key)
    if (!held) return
    objects.delete(key)
    outdated.delete(key)
    const owner = controllerOf(held)?.uid
    if (owner !== undefined) owners.remove(owner, key)
    onChange({ type: 'gone', object: held })
  }

  function heldVersion(key: string, held: T): bigint {
    return outdated.has(key) ? UNKNOWN : versionOf(held.metadata.resourceVersion)
  }

  /**
   * A list that is older than what we have seen means that the cluster came back from a backup: its
   * versions start over, so that all of ours count as old.
   */
  function noticeRestore(version: bigint): void {
    if (version === UNKNOWN || version >= position) return
    position = version
    for (const key of objects.keys()) outdated.add(key)
  }

  return {
    get: ref => objects.get(keyOf(ref)),
    list: () => [...objects.keys()].flatMap(key => objects.get(key) ?? []),
    ownedBy: uid => owners.keys(uid).flatMap(key => objects.get(key) ?? []),

    listBegins() {
      forgotten.clear()
      unlisted = new Set(objects.keys())
    },
    listed(object, version) {
      noticeRestore(versionOf(version))
      if (!options.keep || options.keep(object)) unlisted?.delete(keyOf(object.metadata))
      take(object)
    },
    listEnds(version) {
      const listVersion = versionOf(version)
      noticeRestore(listVersion)
      for (const key of unlisted ?? []) {
        const held = objects.get(key)
        if (held && (listVersion === UNKNOWN || heldVersion(key, held) <= listVersion)) drop(key)
      }
      unlisted = undefined
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
      if (objects.get(key)?.metadata.uid === object.metadata.uid) drop(key)
    },
    reached(version) {
      advance(versionOf(version))
    },

    absorb(object) {
      if (versionOf(object.metadata.resourceVersion) <= position) return
      const key = keyOf(object.metadata)
      if (!objects.has(key)) unlisted?.add(key)
      take(object)
    },
    forget(ref) {
      const key = keyOf(ref)
      const uid = objects.get(key)?.metadata.uid
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

/** -1 for what is no version of Kubernetes. */
export function versionOf(text: string | undefined): bigint {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : UNKNOWN
}
