/**
 * All objects of the sandbox, in memory: a mirror of the simulated cluster's key-value store. The controllers
 * and kubelets of the simulation read and write the same keys, so both sides always see one truth with one
 * sequence of resource versions.
 */
import type { Cluster } from '@ngrok/webernetes'
import type { Catalogue } from './catalogue.ts'
import { isObject, type JsonObject } from './json.ts'
import type { ApiObject } from './object.ts'
import { asShown } from './shown.ts'
import { installStorageRules, type Stored } from './storage-rules.ts'

export interface StoreEvent {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  /** The object after the change; for DELETED its last state with the revision of the deletion. */
  readonly object: ApiObject
  readonly previous: ApiObject | undefined
}

interface KeyValue {
  readonly key: { toString(): string }
  readonly value: { toString(): string }
  readonly mod_revision: string
}

/** Keys under which the simulation keeps allocations and locks, not objects. */
const RANGES = '/registry/ranges/'

/** So many changes are kept for watches that resume; an older resource version is answered with 410. */
const HISTORY = 10_000

export class Store {
  readonly #cluster: Cluster
  readonly #catalogue: Catalogue
  readonly #objects = new Map<string, ApiObject>()
  /** The same objects as they lie in storage: with the simulation's finer times, without resource versions. */
  readonly #stored = new Map<string, Stored>()
  readonly #keysByUid = new Map<string, string>()
  readonly #listeners = new Set<(event: StoreEvent) => void>()
  #history: StoreEvent[] = []
  #forgotten = 0
  #revision = 0
  #stopWatching = async () => {}

  constructor(cluster: Cluster, catalogue: Catalogue) {
    this.#cluster = cluster
    this.#catalogue = catalogue
  }

  /** Starts mirroring. Call once, before anything else. */
  async open(): Promise<void> {
    installStorageRules(this.#cluster.etcd, this.#catalogue, key => this.#stored.get(key))
    const watcher = this.#cluster.etcd.watch().prefix('/registry/').withPreviousKV().watcher()
    watcher.on('put', kv => this.#take(kv, 'put'))
    watcher.on('delete', kv => this.#take(kv, 'delete'))
    await new Promise<void>(resolve => watcher.on('connected', () => resolve()))
    const all = await this.#cluster.etcd.getAll().prefix('/registry/').exec()
    for (const kv of all.kvs) {
      if (!this.#objects.has(kv.key.toString())) this.#take(kv, 'put')
    }
    this.#revision = Math.max(this.#revision, Number(all.header.revision))
    this.#stopWatching = () => watcher.cancel()
  }

  close(): Promise<void> {
    this.#listeners.clear()
    return this.#stopWatching()
  }

  /** The resource version of the newest change. */
  get revision(): number {
    return this.#revision
  }

  /** Changes up to this revision are forgotten. */
  get forgotten(): number {
    return this.#forgotten
  }

  get(key: string): ApiObject | undefined {
    return this.#objects.get(key)
  }

  byUid(uid: string): { key: string; object: ApiObject } | undefined {
    const key = this.#keysByUid.get(uid)
    const object = key === undefined ? undefined : this.#objects.get(key)
    return key === undefined || object === undefined ? undefined : { key, object }
  }

  /** Every object whose key starts with `prefix`, in the order of keys. */
  list(prefix: string): readonly { key: string; object: ApiObject }[] {
    const found: { key: string; object: ApiObject }[] = []
    for (const [key, object] of this.#objects) {
      if (key.startsWith(prefix)) found.push({ key, object })
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /**
   * Stores an object if nothing was stored at the key since `expected` (undefined: if there is none).
   * @returns the object as stored, or undefined when somebody else was faster
   */
  async put(key: string, object: ApiObject, expected: ApiObject | undefined): Promise<ApiObject | undefined> {
    const { etcd } = this.#cluster
    const value = JSON.stringify(withoutResourceVersion(object))
    const written = await etcd
      .if(key, 'Mod', '==', Number(expected?.metadata.resourceVersion ?? 0))
      .then(etcd.put(key).value(value))
      .commit()
    return written.succeeded ? this.#objects.get(key) : undefined
  }

  /** Removes an object if it is still the one expected. Returns whether it did. */
  async remove(key: string, expected: ApiObject): Promise<boolean> {
    const { etcd } = this.#cluster
    const removed = await etcd
      .if(key, 'Mod', '==', Number(expected.metadata.resourceVersion))
      .then(etcd.delete().key(key))
      .commit()
    return removed.succeeded
  }

  /** Calls `listener` for every change, within the write itself. Returns a function that ends it. */
  listen(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The kept changes after `revision`, oldest first. */
  since(revision: number): readonly StoreEvent[] {
    return this.#history.filter(event => event.revision > revision)
  }

  /** Forgets all past changes, as etcd does when it is compacted: watches that start before now get 410. */
  compact(): void {
    this.#history = []
    this.#forgotten = this.#revision
  }

  #take(kv: KeyValue, change: 'put' | 'delete'): void {
    const key = kv.key.toString()
    const revision = Number(kv.mod_revision)
    this.#revision = Math.max(this.#revision, revision)
    if (key.startsWith(RANGES)) return
    const resource = this.#catalogue.ofKey(key)
    const parsed: unknown = JSON.parse(kv.value.toString())
    if (resource === undefined || !isObject(parsed)) return
    const object = asShown(resource, structuredClone(parsed), kv.mod_revision)
    const previous = this.#objects.get(key)
    if (change === 'put') {
      this.#objects.set(key, object)
      this.#stored.set(key, { object: parsed as ApiObject, revision })
      if (object.metadata.uid) this.#keysByUid.set(object.metadata.uid, key)
      this.#tell({ revision, type: previous ? 'MODIFIED' : 'ADDED', key, object, previous })
    } else {
      this.#objects.delete(key)
      this.#stored.delete(key)
      if (object.metadata.uid) this.#keysByUid.delete(object.metadata.uid)
      this.#tell({ revision, type: 'DELETED', key, object, previous })
    }
  }

  #tell(event: StoreEvent): void {
    this.#history.push(event)
    if (this.#history.length > HISTORY * 1.2) {
      const dropped = this.#history.splice(0, this.#history.length - HISTORY)
      this.#forgotten = dropped.at(-1)?.revision ?? this.#forgotten
    }
    for (const listener of this.#listeners) listener(event)
  }
}

function withoutResourceVersion(object: ApiObject): JsonObject {
  const { resourceVersion: _, ...metadata } = object.metadata
  return { ...object, metadata }
}
