/** Which keys belong to an owner: a few each, and very many owners, so that each costs as little as possible. */
export interface OwnerIndex {
  add(owner: string, key: string): void
  remove(owner: string, key: string): void
  /** In no particular order. */
  keys(owner: string): readonly string[]
}

export function createOwnerIndex(): OwnerIndex {
  const owned = new Map<string, readonly string[]>()
  const keys = (owner: string) => owned.get(owner) ?? []
  return {
    add(owner, key) {
      // A new array of just that length: one that grows has room for a dozen more.
      owned.set(owner, [...keys(owner).filter(known => known !== key), key])
    },
    remove(owner, key) {
      const left = keys(owner).filter(known => known !== key)
      if (left.length === 0) owned.delete(owner)
      else owned.set(owner, left)
    },
    keys,
  }
}
