import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { type Arena, createArena } from './arena.ts'
import { USUAL_JSON } from './usual-json.ts'

/** Where a cache keeps its objects: the part of a Map that it needs. */
export type Store<T> = Pick<Map<string, T>, 'get' | 'has' | 'delete' | 'keys'> & {
  set(key: string, object: T): void
}

/** A small window and little memory for each call: the objects are small, and there are many. */
const DEFLATE = { dictionary: USUAL_JSON, windowBits: 13, memLevel: 4, level: 4, chunkSize: 2048 } as const
const INFLATE = { dictionary: USUAL_JSON, windowBits: 13, chunkSize: 8192 } as const

export interface PackedMap<T> extends Store<T> {
  /** Bytes that the objects take, with the room between them. */
  readonly size: number
}

/** Below this, room that is not used is not worth the work. */
const SMALL = 4 * 1024 * 1024

/**
 * A map whose objects are kept as packed JSON outside of the heap. Of an object only its key is left there;
 * whoever asks for it gets a new copy, which costs some 10 microseconds. For kinds with very many objects, of
 * which few are looked at.
 */
export function createPackedMap<T>(): PackedMap<T> {
  let arena = createArena()
  const handles = new Map<string, number>()

  function release(key: string): boolean {
    const handle = handles.get(key)
    if (handle === undefined) return false
    arena.free(handle)
    return true
  }

  /** What stays moves together when more than half of the room is lost between pieces. */
  function compact(): void {
    if (arena.size < SMALL || arena.used > arena.size / 2) return
    const before: Arena = arena
    arena = createArena()
    for (const [key, handle] of handles) handles.set(key, arena.store(before.read(handle)))
  }

  return {
    get(key) {
      const handle = handles.get(key)
      if (handle === undefined) return undefined
      return JSON.parse(inflateRawSync(arena.read(handle), INFLATE).toString('utf8')) as T
    },
    has: key => handles.has(key),
    set(key, object) {
      const packed = deflateRawSync(JSON.stringify(object), DEFLATE)
      release(key)
      handles.set(key, arena.store(packed))
      compact()
    },
    delete: key => release(key) && handles.delete(key),
    keys: () => handles.keys(),
    get size() {
      return arena.size
    },
  }
}
