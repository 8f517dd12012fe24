import { Block } from './block.ts'

/** Where a cache keeps its objects: the part of a Map that it needs. */
export type Store<T> = Pick<Map<string, T>, 'get' | 'has' | 'delete' | 'keys'> & {
  set(key: string, object: T): void
}

export interface PackedMap<T> extends Store<T> {
  /** Bytes that the packed objects take. */
  readonly size: number
}

/** Characters of a block. With larger ones all together takes less room, and to look at one object takes longer. */
const LENGTH = 32 * 1024
/** Objects of a block, at most: a place is a small integer then. */
const MOST = 64

/**
 * A map whose objects are kept as JSON, packed some dozens at a time, outside of the heap. Of an object only its key
 * and its place are left there. Whoever asks for one gets a new copy, which costs some 100 microseconds, and some 10
 * when it is beside the one before. For kinds with very many objects, of which few are looked at; those that change
 * again and again are in the last block, which is not packed yet.
 */
export function createPackedMap<T>(): PackedMap<T> {
  const blocks = new Map<number, Block>()
  /** Of each object, the number of its block times `MOST` plus its number in there. */
  const places = new Map<string, number>()
  let size = 0
  let last = 0
  /** The packed block that was looked into most recently. */
  let seen: { readonly number: number; readonly lines: readonly string[] } | undefined

  function blockOf(number: number): Block {
    let block = blocks.get(number)
    if (!block) {
      block = new Block()
      blocks.set(number, block)
    }
    return block
  }

  function linesOf(number: number): readonly string[] {
    const block = blockOf(number)
    if (!block.isPacked) return block.lines()
    if (seen?.number !== number) seen = { number, lines: block.lines() }
    return seen.lines
  }

  function add(key: string, line: string): void {
    const number = last
    const block = blockOf(number)
    places.set(key, number * MOST + block.add(line))
    if (block.length < LENGTH && block.count < MOST) return
    last += 1
    if (isLoose(block)) dissolve(number)
    else {
      block.pack()
      size += block.size
    }
  }

  function release(place: number): void {
    const number = Math.floor(place / MOST)
    const block = blockOf(number)
    block.remove(place % MOST)
    if (block.isPacked && isLoose(block)) dissolve(number)
  }

  /** What is still wanted of a block goes into the last one. */
  function dissolve(number: number): void {
    const lines = linesOf(number)
    size -= blockOf(number).size
    blocks.delete(number)
    if (seen?.number === number) seen = undefined
    for (const [index, line] of lines.entries()) {
      if (line === '') continue
      const [key] = JSON.parse(line) as [string]
      if (places.get(key) === number * MOST + index) add(key, line)
    }
  }

  return {
    get(key) {
      const place = places.get(key)
      if (place === undefined) return undefined
      const line = linesOf(Math.floor(place / MOST))[place % MOST] ?? ''
      return (JSON.parse(line) as [string, T])[1]
    },
    has: key => places.has(key),
    set(key, object) {
      const line = JSON.stringify([key, object])
      const place = places.get(key)
      if (place === undefined) return add(key, line)
      if (Math.floor(place / MOST) === last) return blockOf(last).replace(place % MOST, line)
      add(key, line)
      release(place)
    },
    delete(key) {
      const place = places.get(key)
      if (place === undefined) return false
      places.delete(key)
      release(place)
      return true
    },
    keys: () => places.keys(),
    get size() {
      return size
    },
  }
}

/** More of it is lost than kept. */
function isLoose(block: Block): boolean {
  return 2 * block.living < block.count
}
