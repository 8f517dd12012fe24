/** One address before several webhooks, as a Service is one: each new connection goes to the next of them. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export class Balancer {
  readonly port: number
  /** How many connections each port was given. */
  readonly connections = new Map<number, number>()
  readonly #ports: Set<number>
  readonly #stop: () => Promise<void>
  #turn = 0

  private constructor(port: number, ports: Set<number>, stop: () => Promise<void>) {
    this.port = port
    this.#ports = ports
    this.#stop = stop
  }

  static async start(): Promise<Balancer> {
    const sockets = new Set<Socket>()
    const ports = new Set<number>()
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const stop = () => {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>(resolve => server.close(() => resolve()))
    }
    const balancer = new Balancer((server.address() as AddressInfo).port, ports, stop)
    server.on('connection', socket => {
      const behind = connect({ host: '127.0.0.1', port: balancer.#next() })
      for (const side of [socket, behind]) {
        sockets.add(side)
        side.on('close', () => sockets.delete(side))
      }
      // What one side says, and how it ends, the other one is told; a Service changes nothing either.
      socket.pipe(behind).pipe(socket)
      socket.on('error', () => behind.destroy())
      behind.on('error', () => socket.destroy())
    })
    return balancer
  }

  /** New connections go there too. */
  add(port: number): void {
    this.#ports.add(port)
  }

  /** No new connection goes there; those that are open stay. */
  remove(port: number): void {
    this.#ports.delete(port)
  }

  stop(): Promise<void> {
    return this.#stop()
  }

  #next(): number {
    const ports = [...this.#ports]
    this.#turn += 1
    const port = ports[this.#turn % ports.length] ?? 0
    this.connections.set(port, (this.connections.get(port) ?? 0) + 1)
    return port
  }
}
