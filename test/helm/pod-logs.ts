/** The part of a kubelet that answers for logs: the API server asks it when somebody asks for a pod's. */
import { createServer } from 'node:https'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import type { Api } from '../controlplane/api.ts'

export interface PodLogs {
  /** A container begins to write. @returns takes in what it writes */
  open(namespace: string, pod: string, container: string): (chunk: Buffer | string) => void
  /** What one of a pod's containers wrote so far, or all of them. */
  textOf(namespace: string, pod: string, container?: string): string
  /** The pods that have a log: `namespace/name`. */
  readonly pods: readonly string[]
  stop(): Promise<void>
}

/**
 * Answers for the logs of every node: kwok's nodes are all on this machine, and name no port of their own.
 * @throws Error when the nodes cannot be told to
 */
export async function startPodLogs(api: Api): Promise<PodLogs> {
  const texts = new Map<string, string>()
  const validity = { now: Date.now(), days: 1 }
  // The API server does not ask for the authority of kubelets unless it is told one.
  const { cert, key } = issueLeaf(
    createAuthority('canaryhook test kubelet', validity),
    ['127.0.0.1'],
    validity,
  )
  const server = createServer({ cert, key }, (request, response) => {
    const [, about = ''] = /^\/containerLogs\/([^?]+)/.exec(request.url ?? '') ?? []
    const text = texts.get(about)
    response.writeHead(text === undefined ? 404 : 200, { 'Content-Type': 'text/plain' })
    response.end(text ?? `there is no log of ${about}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const Port = typeof address === 'object' && address ? address.port : 0
  await tellNodes(api, {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port } },
  })
  return {
    open(namespace, pod, container) {
      const key = `${namespace}/${pod}/${container}`
      texts.set(key, '')
      return chunk => void texts.set(key, `${texts.get(key)}${chunk}`)
    },
    textOf: (namespace, pod, container = '') =>
      [...texts]
        .filter(([key]) => key.startsWith(`${namespace}/${pod}/${container}`))
        .map(([, text]) => text)
        .join(''),
    get pods() {
      return [...new Set([...texts.keys()].map(key => key.split('/').slice(0, 2).join('/')))]
    },
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await tellNodes(api, { daemonEndpoints: null })
    },
  }
}

async function tellNodes(api: Api, nodeStatus: unknown): Promise<void> {
  const { body } = await api.request('GET', '/api/v1/nodes')
  for (const { metadata } of (body as { items: { metadata: { name: string } }[] }).items) {
    const path = `/api/v1/nodes/${metadata.name}/status`
    const answer = await api.request('PATCH', path, { status: nodeStatus }, 'application/merge-patch+json')
    if (answer.status >= 300)
      throw new Error(`node ${metadata.name}: ${answer.status} ${answer.body.message}`)
  }
}
