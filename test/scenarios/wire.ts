/** A piece of network between a client and a server on this machine, which can be cut and mended. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * `refused`: every connection is reset, new ones too. `silent`: nothing is reset, but no byte comes through
 * in either direction, as when a switch dies: the client learns nothing until its own patience ends.
 */
export type CutKind = 'refused' | 'silent'

export interface Wire {
  readonly port: number
  /** Does nothing when it is cut already. */
  cut(kind: CutKind): void
  /** What was held by a silent cut goes on its way, late, as TCP delivers what it had to send again. */
  mend(): void
  stop(): Promise<void>
}

/** One connection of a client; the server's end is there once it was let through. */
interface Link {
  readonly client: Socket
  server: Socket | undefined
}

/** Listens on a free port of 127.0.0.1 and carries every connection to `target`, a port there. */
export async function startWire(target: number): Promise<Wire> {
  const links = new Set<Link>()
  let cut: CutKind | undefined

  const drop = (link: Link) => {
    links.delete(link)
    link.client.destroy()
    link.server?.destroy()
  }
  const connected = (link: Link): Socket => {
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    server.on('error', () => drop(link))
    server.on('close', () => isOver(link) && drop(link))
    return server
  }
  const flow = (link: Link) => {
    link.server ??= connected(link)
    link.client.pipe(link.server)
    link.server.pipe(link.client)
  }
  const hold = ({ client, server }: Link) => {
    if (!server) return
    for (const socket of [client, server]) socket.unpipe().pause()
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, client => {
    if (cut === 'refused') {
      client.resetAndDestroy()
      return
    }
    const link: Link = { client, server: undefined }
    links.add(link)
    client.on('error', () => drop(link))
    client.on('close', () => isOver(link) && drop(link))
    if (cut === undefined) flow(link)
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, '127.0.0.1', resolve)
  })

  return {
    port: (listener.address() as AddressInfo).port,
    cut(kind) {
      if (cut !== undefined) return
      cut = kind
      for (const link of links) {
        if (kind === 'silent') hold(link)
        else {
          link.client.resetAndDestroy()
          drop(link)
        }
      }
    },
    mend() {
      if (cut === undefined) return
      cut = undefined
      for (const link of links) flow(link)
    },
    async stop() {
      const closed = new Promise<void>(resolve => listener.close(() => resolve()))
      for (const link of links) drop(link)
      await closed
    },
  }
}

/** Both ends have closed: one alone may still have something to say. */
function isOver({ client, server }: Link): boolean {
  return client.destroyed && (server === undefined || server.destroyed)
}
