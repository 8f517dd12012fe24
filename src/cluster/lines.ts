import { StringDecoder } from 'node:string_decoder'

/**
 * The complete lines of a stream of bytes. A last line without an end is left out: it is what remains of
 * an event when a connection breaks, and the event will be sent again.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  // Pieces of an unfinished line, joined once: a long line in small chunks must not cost its square.
  let pieces: string[] = []
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.write(Buffer.from(chunk)).split('\n')
    pieces.push(first)
    for (const next of others) {
      const line = pieces.join('')
      pieces = [next]
      if (line !== '') yield line
    }
  }
}
