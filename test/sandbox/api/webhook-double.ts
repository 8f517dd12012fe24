/** An admission webhook for tests: answers what the test says and remembers what it was asked. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { createAuthority, issueLeaf } from '../../../src/certs/certificates.ts'
import type { JsonObject } from '../../../src/sandbox/api/json.ts'

export interface Reply {
  readonly allowed?: boolean
  readonly patch?: readonly unknown[]
  readonly warnings?: readonly string[]
  readonly status?: JsonObject
  /** Sent instead of an AdmissionReview. */
  readonly raw?: { readonly status: number; readonly body: string }
  /** Milliseconds before the answer. */
  readonly after?: number
}

export class WebhookDouble {
  reply: (request: JsonObject) => Reply = () => ({})
  readonly asked: JsonObject[] = []
  connections = 0
  readonly #server: Server
  readonly #ca: string

  private constructor(server: Server, ca: string) {
    this.#server = server
    this.#ca = ca
  }

  static async start(): Promise<WebhookDouble> {
    const validity = { now: Date.now(), days: 1 }
    const authority = createAuthority('test', validity)
    const server = createServer(issueLeaf(authority, ['127.0.0.1'], validity))
    const double = new WebhookDouble(server, authority.cert)
    server.on('secureConnection', () => {
      double.connections += 1
    })
    server.on('request', async (incoming, response) => {
      const { request } = (await json(incoming)) as { request: JsonObject }
      double.asked.push(request)
      const { allowed = true, patch, warnings, status, raw, after = 0 } = double.reply(request)
      await new Promise(resolve => setTimeout(resolve, after))
      if (raw) return response.writeHead(raw.status).end(raw.body)
      const patched = patch && {
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      }
      const answer = {
        uid: request.uid,
        allowed,
        ...patched,
        ...(warnings && { warnings }),
        ...(status && { status }),
      }
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      )
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return double
  }

  get clientConfig(): JsonObject {
    const { port } = this.#server.address() as AddressInfo
    return { url: `https://127.0.0.1:${port}/mutate`, caBundle: Buffer.from(this.#ca).toString('base64') }
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
