/**
 * Bytes kept outside of JavaScript's heap: many small pieces in a few large buffers, so that the garbage
 * collector never looks at them and none of them costs an object of its own.
 */

export interface Arena {
  /** Keeps a copy of the bytes. @returns a number by which they are found again */
  store(bytes: Uint8Array): number
  /** The bytes themselves, not a copy: to be read before anything else is stored or freed. */
  read(handle: number): Uint8Array
  free(handle: number): void
  /** Bytes of all buffers. */
  readonly size: number
  /** Bytes of what is kept. Much less than `size` after many pieces of other sizes went: time for a new arena. */
  readonly used: number
}

/** Pieces begin at multiples of this; the whole of a handle then is a small integer up to 32 GB. */
const UNIT = 16
/** Bytes of a buffer. What is larger than a quarter of it gets a buffer of its own. */
const SLAB = 256 * 1024
const LARGE = SLAB / 4
const UNITS = SLAB / UNIT
/** Each piece begins with its length. */
const HEADER = 4

export function createArena(): Arena {
  const slabs: (Buffer | undefined)[] = []
  /** Free pieces by their size in units. */
  const free = new Map<number, number[]>()
  /** Numbers of slabs that went. */
  const gone: number[] = []
  let size = 0
  let used = 0
  /** The piece at the end of the newest slab that was never used. */
  let rest = { handle: 0, units: 0 }

  function slab(bytes: number): number {
    const number = gone.pop() ?? slabs.length
    slabs[number] = Buffer.allocUnsafeSlow(bytes)
    size += bytes
    return number
  }

  function release(handle: number, units: number): void {
    if (units === 0) return
    const same = free.get(units)
    if (same) same.push(handle)
    else free.set(units, [handle])
  }

  /** A free piece of just this size, else the beginning of the rest, else of a new slab. */
  function claim(units: number): number {
    const exact = free.get(units)?.pop()
    if (exact !== undefined) return exact
    if (rest.units < units) {
      release(rest.handle, rest.units)
      rest = { handle: slab(SLAB) * UNITS, units: UNITS }
    }
    const { handle } = rest
    rest = { handle: handle + units, units: rest.units - units }
    return handle
  }

  function find(handle: number): {
    readonly buffer: Buffer
    readonly offset: number
    readonly length: number
  } {
    const buffer = slabs[Math.floor(handle / UNITS)]
    if (!buffer) throw new RangeError(`nothing is kept as ${handle}`)
    const offset = (handle % UNITS) * UNIT
    return { buffer, offset, length: buffer.readUInt32LE(offset) }
  }

  return {
    store(bytes) {
      const whole = HEADER + bytes.length
      used += whole
      const handle = whole > LARGE ? slab(whole) * UNITS : claim(Math.ceil(whole / UNIT))
      const { buffer, offset } = find(handle)
      buffer.writeUInt32LE(bytes.length, offset)
      buffer.set(bytes, offset + HEADER)
      return handle
    },
    read(handle) {
      const { buffer, offset, length } = find(handle)
      return buffer.subarray(offset + HEADER, offset + HEADER + length)
    },
    free(handle) {
      const { buffer, length } = find(handle)
      const whole = HEADER + length
      used -= whole
      if (whole <= LARGE) return release(handle, Math.ceil(whole / UNIT))
      const number = Math.floor(handle / UNITS)
      slabs[number] = undefined
      gone.push(number)
      size -= buffer.length
    },
    get size() {
      return size
    },
    get used() {
      return used
    },
  }
}
