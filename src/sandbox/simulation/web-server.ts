/** The HTTP server that every simulated image without a command of its own is. */
import {
  getClock,
  type HttpHandler,
  type HttpHeader,
  type HttpRequest,
  type HttpResponse,
  type ProcessContext,
} from '@ngrok/webernetes'
import type { Behaviour } from './behaviour.ts'
import { parseImageReference } from './image-reference.ts'

const DEFAULT_PORT = 8080
const PROBE_USER_AGENT = /^kube-probe\//

/**
 * Listens on every containerPort (8080 when the container names none) and answers the image's tag.
 * @throws Error when a port that the container names is taken in its pod
 */
export function serve(context: ProcessContext, behaviour: Behaviour): readonly number[] {
  const handler = answerTag(context, behaviour)
  const named = context.container.ports
    .filter(port => port.protocol !== 'UDP')
    .map(port => port.containerPort)
  if (named.length > 0) {
    for (const port of new Set(named)) context.listenHttp(port, handler)
    return named
  }
  try {
    context.listenHttp(DEFAULT_PORT, handler)
    return [DEFAULT_PORT]
  } catch {
    // A sidecar that names no port, beside a container that has the default one: it just runs.
    return []
  }
}

function answerTag(context: ProcessContext, behaviour: Behaviour): HttpHandler {
  const { version } = parseImageReference(context.container.imageRef)
  const about = {
    version,
    image: context.container.imageRef,
    pod: context.pod.name,
    namespace: context.pod.namespace,
  }
  const header: HttpHeader = { 'X-Pod': [about.pod], 'X-Version': [version] }
  const clock = getClock(context)
  const startedAt = clock.nowMs()
  const fails = everySoOften(behaviour.errorRate)

  return async (_request, request) => {
    if (!isReady(behaviour, clock.nowMs() - startedAt)) return plain(503, header, `${version} is not ready\n`)
    if (isProbe(request)) return plain(200, header, 'ok\n')
    if (behaviour.latency > 0) await context.sleep(behaviour.latency)
    if (fails()) return plain(500, header, `${version} failed\n`)
    if (wantsJson(request)) {
      const body = `${JSON.stringify(about)}\n`
      return { status: 200, header: { ...header, 'Content-Type': ['application/json'] }, body }
    }
    return plain(200, header, `${version}\n`)
  }
}

function isReady(behaviour: Behaviour, runningFor: number): boolean {
  return behaviour.readyAfter !== 'never' && runningFor >= behaviour.readyAfter
}

/**
 * Says yes for the given share of its calls, spread evenly, so that a measured rate is the given one after
 * few requests. Where in its round it starts is left to chance: ten pods must not fail in step.
 */
export function everySoOften(share: number, start: number = Math.random()): () => boolean {
  let due = start
  return () => {
    due += share
    if (due < 1) return false
    due -= 1
    return true
  }
}

function plain(status: number, header: HttpHeader, body: string): HttpResponse {
  return { status, header: { ...header, 'Content-Type': ['text/plain; charset=utf-8'] }, body }
}

function isProbe(request: HttpRequest): boolean {
  return PROBE_USER_AGENT.test(headerOf(request, 'user-agent'))
}

function wantsJson(request: HttpRequest): boolean {
  return headerOf(request, 'accept').includes('application/json')
}

function headerOf(request: HttpRequest, name: string): string {
  const entry = Object.entries(request.header).find(([key]) => key.toLowerCase() === name)
  return entry?.[1][0] ?? ''
}
