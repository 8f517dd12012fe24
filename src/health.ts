/** What the kubelet and Prometheus ask of every process of ours: /healthz, /readyz and /metrics. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export interface HealthSource {
  /** Why the process must not get requests yet or any more; '' when it is ready. */
  readonly notReady: () => string
  readonly register: Registry
}

export interface HealthAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** The paths that `answerHealth` knows. */
export const HEALTH_PATHS = ['/healthz', '/readyz', '/metrics'] as const

const TEXT = 'text/plain; charset=utf-8'

/**
 * Answers one health path; undefined for any other path. /healthz says only that the process answers at
 * all, since a restart by the kubelet mends nothing that makes /readyz fail.
 */
export async function answerHealth(path: string, source: HealthSource): Promise<HealthAnswer | undefined> {
  switch (path) {
    case '/healthz':
      return { status: 200, contentType: TEXT, body: 'ok\n' }
    case '/readyz': {
      const reason = source.notReady()
      return { status: reason ? 503 : 200, contentType: TEXT, body: `${reason || 'ok'}\n` }
    }
    case '/metrics':
      return {
        status: 200,
        contentType: source.register.contentType,
        body: await source.register.metrics(),
      }
    default:
      return undefined
  }
}

/**
 * Serves the health paths over plain HTTP, for a process that serves nothing else.
 * @param port 0 for any free port; the answer says which
 * @throws the listen error, for example EADDRINUSE
 */
export async function startHealthServer(
  port: number,
  source: HealthSource,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    answerHealth(path, source).then(
      answer => {
        const { status, contentType, body } = answer ?? {
          status: 404,
          contentType: TEXT,
          body: `not found; try ${HEALTH_PATHS.join(', ')}\n`,
        }
        response.writeHead(status, { 'content-type': contentType }).end(body)
      },
      (error: unknown) => {
        response.writeHead(500, { 'content-type': TEXT }).end(`${String(error)}\n`)
      },
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
