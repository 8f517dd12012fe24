/**
 * How a call is sent that may take effect only while a permit lasts. A process can stand still anywhere (a
 * stopped container, a paused machine, a long garbage collection), and what it finds first when it goes on is
 * an open connection, not a timer: so the clock is read once more right before the bytes are handed over.
 */
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Permit } from './port.ts'

/**
 * Sends the body when the connection stands, and destroys the request when its time is over or the permit
 * ends, whichever comes first.
 * @param limit milliseconds from now, from `permit.limit()`
 */
export function sendUnderPermit(
  request: ClientRequest,
  body: string | undefined,
  permit: Permit,
  limit: number,
): void {
  const start = performance.now()
  const giveUp = () => request.destroy(new Error(`nothing within ${Math.round(limit)} ms`))
  const withdraw = () => request.destroy(permit.signal.reason)
  const timer = setTimeout(giveUp, limit)
  permit.signal.addEventListener('abort', withdraw, { once: true })
  request.once('close', () => {
    clearTimeout(timer)
    permit.signal.removeEventListener('abort', withdraw)
  })
  request.once('socket', socket => {
    whenOpen(socket, () => {
      if (performance.now() - start >= limit) giveUp()
      else request.end(body)
    })
  })
}

/** Calls back at once for a connection that is used again. */
function whenOpen(socket: Socket, then: () => void): void {
  // A TLS connection is no longer `connecting` when its handshake has yet to come; Node does not type it.
  const handshaking = (socket as { secureConnecting?: boolean }).secureConnecting === true
  if (!socket.connecting && !handshaking) then()
  else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', then)
}
