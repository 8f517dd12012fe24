/**
 * Two rules of the real API server's storage that the simulation's own does not have, for every writer, the
 * simulated controllers included: metadata.generation is kept, and a write that changes nothing is not one
 * (etcd3/store.go GuaranteedUpdate). Controllers that write on every difference would else wake themselves
 * for ever.
 */
import type { Cluster } from '@ngrok/webernetes'
import type { Catalogue } from './catalogue.ts'
import { generationOf } from './generation.ts'
import { jsonEqual } from './json.ts'
import type { ApiObject } from './object.ts'

type Etcd = Cluster['etcd']

/** An object as it lies in storage. */
export interface Stored {
  readonly object: ApiObject
  readonly revision: number
}

/**
 * Puts the rules between the storage and all who write to it.
 * @param current what is stored at a key right now
 */
export function installStorageRules(
  etcd: Etcd,
  catalogue: Catalogue,
  current: (key: string) => Stored | undefined,
): void {
  const values = new WeakMap<object, string>()

  const originalPut = etcd.put.bind(etcd)
  etcd.put = key => {
    const builder = originalPut(key)
    const originalValue = builder.value.bind(builder)
    builder.value = value => {
      const kept = typeof value === 'string' ? withGeneration(key.toString(), value) : value
      if (typeof kept === 'string') values.set(builder, kept)
      return originalValue(kept)
    }
    return builder
  }

  const originalIf = etcd.if.bind(etcd)
  etcd.if = (key, column, comparator, expected) => {
    const transaction = originalIf(key, column, comparator, expected)
    const originalThen = transaction.then.bind(transaction)
    const originalCommit = transaction.commit.bind(transaction)
    let value: string | undefined
    // biome-ignore lint/suspicious/noThenProperty: the transaction of the library is not a promise
    transaction.then = (...operations) => {
      const [only] = operations
      value = operations.length === 1 && only !== undefined ? values.get(only) : undefined
      return originalThen(...operations)
    }
    transaction.commit = async () => {
      const stored = column === 'Mod' ? current(key.toString()) : undefined
      const changesNothing =
        stored !== undefined &&
        value !== undefined &&
        stored.revision === Number(expected) &&
        jsonEqual(JSON.parse(value), stored.object)
      if (!changesNothing) return await originalCommit()
      const header = { cluster_id: '0', member_id: '0', raft_term: '0', revision: String(stored.revision) }
      return { header, succeeded: true, responses: [] }
    }
    return transaction
  }

  function withGeneration(key: string, value: string): string {
    const resource = catalogue.ofKey(key)
    if (resource === undefined || resource.generation === 'never') return value
    const object = JSON.parse(value) as ApiObject
    const generation = generationOf(resource.generation, object, current(key)?.object)
    if (generation === undefined) return value
    return JSON.stringify({ ...object, metadata: { ...object.metadata, generation } })
  }
}
