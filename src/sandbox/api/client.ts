/** A small client of the sandbox's own API, for what is set up without kubectl. */
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { JsonObject } from './json.ts'
import type { Tokens, UserName } from './users.ts'

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown
  /** application/json when left out. */
  readonly contentType?: string
  readonly accept?: string
}

export interface ApiAnswer {
  readonly status: number
  /** The JSON of the answer; `{ text }` for one that is not JSON. */
  readonly body: JsonObject
  /** The texts of its Warning headers. */
  readonly warnings: readonly string[]
}

export class ApiClient {
  readonly #url: string
  readonly #tokens: Tokens
  readonly #agent: Agent

  constructor(url: string, ca: string, tokens: Tokens) {
    this.#url = url
    this.#tokens = tokens
    this.#agent = new Agent({ ca, keepAlive: true })
  }

  /** Any status is an answer; fails only when there is none. */
  async send(user: UserName, method: string, path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body)
    const headers = {
      Authorization: `Bearer ${this.#tokens.of(user)}`,
      Accept: options.accept ?? 'application/json',
      ...(body !== undefined && {
        'Content-Type': options.contentType ?? 'application/json',
        'Content-Length': Buffer.byteLength(body),
      }),
    }
    return await new Promise((resolve, reject) => {
      const outgoing = request(`${this.#url}${path}`, { method, headers, agent: this.#agent })
      outgoing.on('error', reject)
      outgoing.on('response', response => {
        const warnings = [response.headers.warning ?? []].flat().flatMap(readWarnings)
        text(response).then(
          answer => resolve({ status: response.statusCode ?? 0, body: parse(answer), warnings }),
          reject,
        )
      })
      outgoing.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function parse(answer: string): JsonObject {
  try {
    return JSON.parse(answer) as JsonObject
  } catch {
    return { text: answer }
  }
}

/** Node joins several Warning headers with commas. */
function readWarnings(header: string): string[] {
  const texts = [...header.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(match =>
    (match[1] ?? '').replace(/\\(.)/g, '$1'),
  )
  return texts.map(warning => Buffer.from(warning, 'latin1').toString())
}
