import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** The room for what is packed of a block; a block of usual size needs one such piece. */
const DEFLATE = { level: 4, chunkSize: 4 * 1024 } as const
const INFLATE = { chunkSize: 32 * 1024 } as const

/**
 * Lines of text that are packed together, outside of JavaScript's heap: what they have in common is kept once
 * (docs/decisions/0012).
 */
export class Block {
  /** Until it is packed; then those that went are kept on, and nobody asks for them. */
  #lines: string[] = []
  #packed: Uint8Array | undefined
  #count = 0
  #living = 0
  #length = 0

  /** How many lines it was given. */
  get count(): number {
    return this.#count
  }

  /** How many of them are still wanted. */
  get living(): number {
    return this.#living
  }

  /** Characters of the lines that are wanted, as long as it is not packed. */
  get length(): number {
    return this.#length
  }

  /** Bytes; 0 as long as it is not packed. */
  get size(): number {
    return this.#packed?.length ?? 0
  }

  get isPacked(): boolean {
    return this.#packed !== undefined
  }

  /** @returns the line's number in this block. Not for a packed one. */
  add(line: string): number {
    this.#living += 1
    this.#length += line.length
    this.#lines.push(line)
    return this.#count++
  }

  /** Not for a packed one. */
  replace(index: number, line: string): void {
    this.#length += line.length - (this.#lines[index] ?? '').length
    this.#lines[index] = line
  }

  remove(index: number): void {
    this.#living -= 1
    if (!this.#packed) this.replace(index, '')
  }

  pack(): void {
    const packed = deflateRawSync(this.#lines.join('\n'), DEFLATE)
    // A copy of just that length: what zlib gives is part of a larger piece.
    this.#packed = Buffer.allocUnsafeSlow(packed.length)
    this.#packed.set(packed)
    this.#lines = []
  }

  /** All lines by their numbers, also those that are not wanted any more; of a packed block they are unpacked. */
  lines(): readonly string[] {
    return this.#packed ? inflateRawSync(this.#packed, INFLATE).toString('utf8').split('\n') : this.#lines
  }
}
