import type { IncomingMessage } from 'node:http'

export type ReadBody =
  | { readonly type: 'whole'; readonly text: string }
  | { readonly type: 'too large' }
  /** The sender went away in the middle; nobody waits for an answer. */
  | { readonly type: 'aborted' }

/** How much of a body that is too large is still read and thrown away, so that its sender hears of it. */
const DISCARD_FACTOR = 8

/**
 * Reads a request's body as UTF-8 text.
 * @param limit in bytes. A larger body is read to its end but not kept: a sender that is still writing
 *   when the connection closes sees a reset, not the answer. One much larger is not read to its end.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<ReadBody> {
  return new Promise(resolve => {
    let chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) {
        chunks.push(chunk)
        return
      }
      chunks = []
      if (size > limit * DISCARD_FACTOR) {
        request.pause()
        resolve({ type: 'too large' })
      }
    })
    request.on('end', () => {
      resolve(
        size > limit
          ? { type: 'too large' }
          : { type: 'whole', text: Buffer.concat(chunks).toString('utf8') },
      )
    })
    request.on('error', () => resolve({ type: 'aborted' }))
    request.on('close', () => resolve({ type: 'aborted' }))
  })
}
