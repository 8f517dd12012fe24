/** wget as busybox has it: `-q`, `-O FILE`, `-S`, `-T SECONDS`, `--spider`, `--header`, `--post-data`. */
import { exchange, hostOf, portOf, toUrl } from './http-exchange.ts'
import type { Invocation } from './machine.ts'

interface Options {
  readonly quiet: boolean
  readonly spider: boolean
  readonly output: string | undefined
  readonly limit: number | undefined
  readonly headers: readonly (readonly [string, string])[]
  readonly data: string | undefined
  readonly url: string | undefined
}

/** @returns 0, or 1 for every failure: busybox has no other code */
export async function wget(invocation: Invocation): Promise<number> {
  const options = parseOptions(invocation.arguments)
  if (options.url === undefined) {
    invocation.stderr('wget: missing URL\n')
    return 1
  }
  const url = toUrl(options.url)
  const headers = [['User-Agent', 'Wget'] as const, ...options.headers]
  const question =
    options.data === undefined ? { method: 'GET', headers } : { method: 'POST', headers, body: options.data }
  const { answer, failure } = await exchange(invocation.machine, url, question, options.limit)
  if (failure !== undefined) return fail(invocation, explain(failure, url))
  if (answer.status < 200 || answer.status >= 300) {
    return fail(invocation, `server returned error: HTTP/1.1 ${answer.status}`)
  }
  if (options.spider) return 0
  const file = options.output ?? (new URL(url).pathname.split('/').at(-1) || 'index.html')
  if (file === '-') invocation.stdout(answer.body)
  else if (file !== '/dev/null') invocation.machine.writeFile(file, answer.body)
  if (!options.quiet && file !== '-') invocation.stderr(`'${file}' saved\n`)
  return 0
}

function explain(failure: 'lookup' | 'refused' | 'timeout' | 'broken', url: string): string {
  switch (failure) {
    case 'lookup':
      return `bad address '${hostOf(url)}'`
    case 'refused':
      return `can't connect to remote host (${hostOf(url)}:${portOf(url)}): Connection refused`
    case 'timeout':
      return 'download timed out'
    case 'broken':
      return 'error getting response: Connection reset by peer'
  }
}

function fail(invocation: Invocation, message: string): number {
  invocation.stderr(`wget: ${message}\n`)
  return 1
}

function parseOptions(args: readonly string[]): Options {
  const found = { quiet: false, spider: false, output: '', limit: '', data: '' }
  const headers: (readonly [string, string])[] = []
  let url: string | undefined
  const pending = [...args]
  for (let argument = pending.shift(); argument !== undefined; argument = pending.shift()) {
    const [, long, attached] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? []
    if (long === 'spider') found.spider = true
    else if (long === 'quiet') found.quiet = true
    else if (long === 'timeout') found.limit = attached ?? pending.shift() ?? ''
    else if (long === 'post-data') found.data = attached ?? pending.shift() ?? ''
    else if (long === 'output-document') found.output = attached ?? pending.shift() ?? ''
    else if (long === 'header') headers.push(parseHeader(attached ?? pending.shift() ?? ''))
    else if (long !== undefined) continue
    else if (!argument.startsWith('-')) url = argument
    else {
      const [, letters = '', taker, value] = /^-([a-zA-Z]*?)(?:([OT])(.*))?$/s.exec(argument) ?? []
      if (letters.includes('q')) found.quiet = true
      if (taker === 'O') found.output = value || (pending.shift() ?? '')
      if (taker === 'T') found.limit = value || (pending.shift() ?? '')
    }
  }
  return {
    quiet: found.quiet,
    spider: found.spider,
    output: found.output || undefined,
    limit: found.limit === '' ? undefined : Number(found.limit) * 1000,
    headers,
    data: found.data || undefined,
    url,
  }
}

function parseHeader(header: string): readonly [string, string] {
  const colon = header.indexOf(':')
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()]
}
