/**
 * Owner references between kinds of which the simulated cluster knows at most one side. (It collects for
 * Deployments, ReplicaSets, Pods, Services and EndpointSlices itself.) Also empties the namespaces being deleted
 * of the kinds that only the API keeps.
 */
import type { Cluster } from '@ngrok/webernetes'
import type { Catalogue } from './catalogue.ts'
import { type ApiObject, type OwnerReference, timestamp } from './object.ts'
import type { Resource } from './resources.ts'
import type { Store, StoreEvent } from './store.ts'

export class GarbageCollector {
  readonly #store: Store
  readonly #catalogue: Catalogue
  readonly #cluster: Cluster
  readonly #orphaning = new Set<string>()
  #work: Promise<void> = Promise.resolve()

  constructor(store: Store, catalogue: Catalogue, cluster: Cluster) {
    this.#store = store
    this.#catalogue = catalogue
    this.#cluster = cluster
  }

  /** Starts following changes. Returns a function that ends it. */
  start(): () => void {
    return this.#store.listen(event => this.#look(event))
  }

  #look({ type, key, object }: StoreEvent): void {
    const { uid = '', finalizers = [], deletionTimestamp } = object.metadata
    if (type === 'DELETED') {
      this.#later(() => this.#ownerGone(uid))
    } else {
      if (deletionTimestamp !== undefined && finalizers.includes('orphan')) this.#orphaning.add(uid)
      if (deletionTimestamp !== undefined && finalizers.length > 0)
        this.#later(() => this.#deleteDependentsFirst(key))
      if (deletionTimestamp !== undefined && object.kind === 'Namespace')
        this.#later(() => this.#emptyNamespace(object.metadata.name))
      if (type === 'ADDED' && object.metadata.ownerReferences?.length) this.#later(() => this.#check(key))
    }
  }

  /** One thing at a time, after the write that caused it has been answered. */
  #later(task: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => new Promise(resolve => setImmediate(resolve)))
      .then(task)
      .catch(() => {})
  }

  async #ownerGone(uid: string): Promise<void> {
    for (const { key, object } of this.#dependentsOf(uid)) {
      if (this.#orphaning.has(uid)) await this.#release(key, object, uid)
      else await this.#check(key)
    }
    this.#orphaning.delete(uid)
  }

  #dependentsOf(uid: string): readonly { key: string; object: ApiObject }[] {
    const all = this.#store.list('/registry/')
    return all.filter(({ object }) => object.metadata.ownerReferences?.some(owner => owner.uid === uid))
  }

  /** Deletes an object none of whose owners is left. */
  async #check(key: string): Promise<void> {
    const object = this.#store.get(key)
    const resource = this.#catalogue.ofKey(key)
    const owners = object?.metadata.ownerReferences ?? []
    if (object === undefined || resource === undefined || owners.length === 0) return
    if (!this.#isOurs(resource, owners)) return
    if (owners.some(owner => this.#isThere(owner))) return
    await this.#delete(key, object)
  }

  #isOurs(resource: Resource, owners: readonly OwnerReference[]): boolean {
    return (
      !resource.simulated ||
      owners.some(owner => !this.#catalogue.ofKind(owner.apiVersion, owner.kind)?.simulated)
    )
  }

  #isThere(owner: OwnerReference): boolean {
    const found = this.#store.byUid(owner.uid)
    if (found === undefined) return false
    const { deletionTimestamp, finalizers } = found.object.metadata
    return !(deletionTimestamp !== undefined && finalizers?.includes('foregroundDeletion'))
  }

  async #release(key: string, object: ApiObject, uid: string): Promise<void> {
    const owners = object.metadata.ownerReferences?.filter(owner => owner.uid !== uid) ?? []
    const { ownerReferences: _, ...metadata } = object.metadata
    const released = {
      ...object,
      metadata: { ...metadata, ...(owners.length > 0 && { ownerReferences: owners }) },
    }
    await this.#store.put(key, released, object)
  }

  /** Foreground and orphan deletion of an owner that the simulation does not know. */
  async #deleteDependentsFirst(key: string): Promise<void> {
    const object = this.#store.get(key)
    const uid = object?.metadata.uid
    if (object === undefined || uid === undefined) return
    const orphan = object.metadata.finalizers?.includes('orphan') === true
    for (const dependent of this.#dependentsOf(uid)) {
      if (orphan) await this.#release(dependent.key, dependent.object, uid)
      else await this.#check(dependent.key)
    }
    if (this.#catalogue.ofKey(key)?.simulated === true) return
    const finalizers =
      object.metadata.finalizers?.filter(name => name !== 'orphan' && name !== 'foregroundDeletion') ?? []
    if (finalizers.length === object.metadata.finalizers?.length) return
    if (finalizers.length === 0) await this.#store.remove(key, object)
    else await this.#store.put(key, { ...object, metadata: { ...object.metadata, finalizers } }, object)
  }

  async #emptyNamespace(namespace: string): Promise<void> {
    for (const resource of this.#catalogue.all()) {
      if (resource.simulated || !resource.namespaced) continue
      for (const { key, object } of this.#store.list(`${resource.prefix}${namespace}/`))
        await this.#delete(key, object)
    }
  }

  async #delete(key: string, object: ApiObject): Promise<void> {
    if (object.kind === 'Pod') {
      const { namespace = 'default', name } = object.metadata
      await this.#cluster.api.corev1.deleteNamespacedPod({ namespace, name })
    } else if (!object.metadata.finalizers?.length) {
      await this.#store.remove(key, object)
    } else if (object.metadata.deletionTimestamp === undefined) {
      const deletionTimestamp = timestamp(Date.now())
      await this.#store.put(key, { ...object, metadata: { ...object.metadata, deletionTimestamp } }, object)
    }
  }
}
