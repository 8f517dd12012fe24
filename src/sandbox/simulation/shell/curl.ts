/** curl, with the options of a smoke test. Exit codes as in its manual page. */
import { exchange, hostOf, portOf, toUrl } from './http-exchange.ts'
import type { HttpAnswer, Invocation } from './machine.ts'

const EXIT = { usage: 2, lookup: 6, refused: 7, http: 22, timeout: 28, broken: 52 } as const
/** Options that take a value, long names given their short ones. */
const WITH_VALUE = 'XHdowmAuT'
const LONG: Readonly<Record<string, string>> = {
  request: 'X',
  header: 'H',
  data: 'd',
  'data-raw': 'd',
  output: 'o',
  'write-out': 'w',
  'max-time': 'm',
  'connect-timeout': 'm',
  'user-agent': 'A',
  fail: 'f',
  'fail-with-body': 'F',
  silent: 's',
  'show-error': 'S',
  location: 'L',
  include: 'i',
  head: 'I',
  verbose: 'v',
  insecure: 'k',
  retry: 'R',
  'retry-delay': 'D',
  'retry-connrefused': 'C',
  'retry-all-errors': 'C',
}

interface Options {
  readonly flags: ReadonlySet<string>
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly urls: readonly string[]
}

/** Runs curl; the exit code is that of the last URL, as curl's own is. */
export async function curl(invocation: Invocation): Promise<number> {
  const options = parseOptions(invocation.arguments)
  if (typeof options === 'string') {
    invocation.stderr(`curl: option ${options}: is unknown to the sandbox\n`)
    return EXIT.usage
  }
  if (options.urls.length === 0) {
    invocation.stderr('curl: no URL specified\n')
    return EXIT.usage
  }
  let status = 0
  for (const url of options.urls) status = await transferWithRetries(invocation, options, toUrl(url))
  return status
}

async function transferWithRetries(invocation: Invocation, options: Options, url: string): Promise<number> {
  const retries = Number(last(options, 'R') ?? 0)
  const delay = Number(last(options, 'D') ?? 1) * 1000
  for (let attempt = 0; ; attempt += 1) {
    const status = await transfer(invocation, options, url)
    if (status === 0 || attempt >= retries) return status
    await invocation.machine.sleep(delay)
  }
}

async function transfer(invocation: Invocation, options: Options, url: string): Promise<number> {
  const data = options.values.get('d')?.join('&')
  const method = last(options, 'X') ?? (options.flags.has('I') ? 'HEAD' : data === undefined ? 'GET' : 'POST')
  const headers = [
    ['User-Agent', last(options, 'A') ?? 'curl/8.5.0'] as const,
    ['Accept', '*/*'] as const,
    ...(options.values.get('H') ?? []).map(parseHeader),
  ]
  const limit = last(options, 'm')
  const question = data === undefined ? { method, headers } : { method, headers, body: data }
  const { answer, failure } = await exchange(
    invocation.machine,
    url,
    question,
    limit === undefined ? undefined : Number(limit) * 1000,
  )
  if (failure !== undefined) {
    writeOut(invocation, options, undefined)
    return fail(invocation, options, EXIT[failure], explain(failure, url, limit))
  }
  return report(invocation, options, answer)
}

function report(invocation: Invocation, options: Options, answer: HttpAnswer): number {
  const refused = answer.status >= 400 && (options.flags.has('f') || options.flags.has('F'))
  if (!refused || options.flags.has('F')) deliver(invocation, options, answer)
  writeOut(invocation, options, answer)
  if (!refused) return 0
  return fail(invocation, options, EXIT.http, `The requested URL returned error: ${answer.status}`)
}

function deliver(invocation: Invocation, options: Options, answer: HttpAnswer): void {
  const file = last(options, 'o')
  const withHead = options.flags.has('i') || options.flags.has('I')
  const lines = Object.entries(answer.header ?? {}).flatMap(([name, values]) =>
    values.map(v => `${name}: ${v}\r\n`),
  )
  const head = withHead ? `HTTP/1.1 ${answer.status}\r\n${lines.join('')}\r\n` : ''
  const text = head + (options.flags.has('I') ? '' : answer.body)
  if (file === undefined || file === '-') invocation.stdout(text)
  else if (file !== '/dev/null') invocation.machine.writeFile(file, text)
}

function writeOut(invocation: Invocation, options: Options, answer: HttpAnswer | undefined): void {
  const format = last(options, 'w')
  if (format === undefined) return
  const code = String(answer?.status ?? 0).padStart(3, '0')
  const text = format.replaceAll('%{http_code}', code).replaceAll('%{response_code}', code)
  invocation.stdout(text.replaceAll('\\n', '\n'))
}

function explain(failure: 'lookup' | 'refused' | 'timeout' | 'broken', url: string, limit?: string): string {
  switch (failure) {
    case 'lookup':
      return `Could not resolve host: ${hostOf(url)}`
    case 'refused':
      return `Failed to connect to ${hostOf(url)} port ${portOf(url)}: Connection refused`
    case 'timeout':
      return `Operation timed out after ${Number(limit) * 1000} milliseconds with 0 bytes received`
    case 'broken':
      return 'Empty reply from server'
  }
}

function fail(invocation: Invocation, options: Options, code: number, message: string): number {
  const quiet = options.flags.has('s') && !options.flags.has('S')
  if (!quiet) invocation.stderr(`curl: (${code}) ${message}\n`)
  return code
}

function parseHeader(header: string): readonly [string, string] {
  const colon = header.indexOf(':')
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()]
}

function last(options: Options, letter: string): string | undefined {
  return options.values.get(letter)?.at(-1)
}

/** @returns the option that nobody knows, when there is one */
function parseOptions(args: readonly string[]): Options | string {
  const flags = new Set<string>()
  const values = new Map<string, string[]>()
  const urls: string[] = []
  const pending = [...args]
  for (let argument = pending.shift(); argument !== undefined; argument = pending.shift()) {
    if (!argument.startsWith('-') || argument === '-') {
      urls.push(argument)
      continue
    }
    const letters = argument.startsWith('--') ? LONG[argument.slice(2)] : argument.slice(1)
    if (letters === undefined) return argument
    for (const [index, letter] of [...letters].entries()) {
      if (!`${WITH_VALUE}RD`.includes(letter)) {
        flags.add(letter)
        continue
      }
      const attached = letters.slice(index + 1)
      values.set(letter, [...(values.get(letter) ?? []), attached || (pending.shift() ?? '')])
      break
    }
  }
  return { flags, values, urls }
}
