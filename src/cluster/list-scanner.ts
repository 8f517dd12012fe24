/** What a List answer says of itself, without its items. */
export interface ListMetadata {
  readonly resourceVersion: string
  /** Where the next page begins; '' or left out on the last one. */
  readonly continue?: string
}

/**
 * Takes a List answer apart while it arrives, so that neither its text nor its objects are ever in memory all
 * at once, and no object waits for the last byte of its page.
 */
export interface ListScanner {
  /** The JSON texts of the items that these bytes complete. */
  write(chunk: Uint8Array): readonly string[]
  /**
   * What the list says of itself before its items.
   * @throws before an item has arrived
   */
  metadata(): ListMetadata
  /**
   * Call after the last byte: the whole of what the list says of itself, and the items that `write` kept back
   * because they came before it. A Kubernetes API server writes them so for custom kinds alone, whose lists it sorts
   * by field (k8s.io/apimachinery, unstructured.UnstructuredList).
   * @throws when the answer is not a complete list
   */
  end(): { readonly metadata: ListMetadata; readonly items: readonly string[] }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
/** Of open braces and brackets: the items are in an array at depth 2, they themselves at depth 3. */
const ITEM = 3

export function createListScanner(): ListScanner {
  let depth = 0
  let inText = false
  let escaped = false
  let inItems = false
  /** Everything but the items. */
  let envelope = ''
  /** From what came before the items. */
  let known: ListMetadata | undefined
  /** Items that came before it. */
  const early: string[] = []
  /** Of an item, or of the envelope: what earlier chunks held of it. */
  let pieces: Uint8Array[] = []

  /** The text from what was kept up to `end`. */
  function cut(chunk: Buffer, start: number, end: number): string {
    const last = chunk.subarray(start, end)
    if (pieces.length === 0) return last.toString('utf8')
    const whole = Buffer.concat([...pieces, last])
    pieces = []
    return whole.toString('utf8')
  }

  function metadataOf(text: string): ListMetadata | undefined {
    const { metadata } = JSON.parse(text) as { readonly metadata?: Partial<ListMetadata> }
    return metadata?.resourceVersion ? { ...metadata, resourceVersion: metadata.resourceVersion } : undefined
  }

  return {
    write(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const items: string[] = []
      let start = 0
      for (let place = 0; place < chunk.length; place += 1) {
        const byte = chunk[place]
        if (inText) {
          if (escaped) escaped = false
          else if (byte === BACKSLASH) escaped = true
          else if (byte === QUOTE) inText = false
        } else if (byte === QUOTE) {
          inText = true
        } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
          depth += 1
          if (depth === ITEM - 1 && byte === OPEN_BRACKET) {
            envelope += cut(chunk, start, place + 1)
            start = place + 1
            inItems = /"items"\s*:\s*\[$/.test(envelope)
            if (inItems) known = metadataOf(`${envelope}]}`)
          } else if (depth === ITEM && inItems) {
            // Between the items are only commas and white space.
            pieces = []
            start = place
          }
        } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          depth -= 1
          if (depth === ITEM - 1 && inItems) {
            const into = known ? items : early
            into.push(cut(chunk, start, place + 1))
            start = place + 1
          } else if (depth === ITEM - 2 && inItems) {
            inItems = false
            pieces = []
            start = place
          }
        }
      }
      if (start < chunk.length) pieces.push(Buffer.from(chunk.subarray(start)))
      return items
    },
    metadata() {
      if (!known) throw new Error('no item has arrived yet')
      return known
    },
    end() {
      if (depth !== 0 || inText || inItems) throw new Error('the answer ended before it was complete')
      const metadata = metadataOf(envelope + Buffer.concat(pieces).toString('utf8'))
      if (!metadata) throw new Error('the answer has no metadata.resourceVersion')
      return { metadata, items: early }
    },
  }
}
