/**
 * Chance that can be had again: the n-th throw about a thing depends on the seed, the thing's name and n alone.
 * So what is decided about one thing stays the same when, on another day, something else happens in between.
 */
export interface Dice {
  /** From 0 up to 1. */
  throw(about: string): number
  /** True in this share of the throws. */
  chance(about: string, share: number): boolean
  /** A whole number from `low` to `high`, both included. */
  between(about: string, low: number, high: number): number
  /** @throws Error when there is nothing to pick from */
  pick<T>(about: string, from: readonly T[]): T
  /** Dice of their own for a part of the run; what is thrown with them takes nothing from these. */
  for(part: string): Dice
}

/** @param seed the same seed gives the same throws */
export function dice(seed: number | string): Dice {
  const thrown = new Map<string, number>()

  function one(about: string): number {
    const count = thrown.get(about) ?? 0
    thrown.set(about, count + 1)
    return hash(`${seed}/${about}/${count}`) / 2 ** 32
  }

  return {
    throw: one,
    chance: (about, share) => one(about) < share,
    between: (about, low, high) => low + Math.floor(one(about) * (high - low + 1)),
    pick(about, from) {
      const picked = from[Math.floor(one(about) * from.length)]
      if (picked === undefined) throw new Error(`nothing to pick from: ${about}`)
      return picked
    },
    for: part => dice(`${seed}/${part}`),
  }
}

/** FNV-1a over the text, then the finalizer of MurmurHash3, so that texts that differ little give unlike numbers. */
function hash(text: string): number {
  let bits = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(index), 0x01000193)
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
