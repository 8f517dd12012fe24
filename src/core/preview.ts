/**
 * Where the canary can be looked at while a release runs, as the annotation `canaryhook.dev/preview` says it: a
 * host, a path, or both.
 */
import { quote } from './quote.ts'
import { suggest } from './suggest.ts'

/** At least a host or a path. */
export interface Preview {
  readonly host?: string
  readonly path?: string
  /** The IngressClass, where it shall not be that of the app. */
  readonly class?: string
}

const KEYS = ['host', 'path', 'class'] as const
type Key = (typeof KEYS)[number]

/** The text is kept in the state annotation, which is to stay small. */
const LONGEST_PREVIEW = 1000

const EXAMPLES = 'write host=canary.shop.example, path=/canary, or both'

/**
 * Reads the value of the annotation: `host=…`, `path=…` and `class=…`, with spaces or commas between.
 *
 * @returns the preview and its canonical text, which reads back to the same; or one text with everything that is
 * wrong, which may have indented lines of its own
 */
export function readPreview(
  value: string,
): { readonly preview: Preview; readonly text: string } | { readonly problem: string } {
  if (value.length > LONGEST_PREVIEW) {
    return { problem: `${value.length} characters are too many (at most ${LONGEST_PREVIEW} are read)` }
  }
  const problems: string[] = []
  const pairs = new Map<Key, string>()
  for (const word of wordsOf(value)) {
    const reading = readPair(word)
    if ('problem' in reading) problems.push(reading.problem)
    else if (pairs.has(reading.key)) problems.push(`${reading.key} is there twice (one preview has one)`)
    else pairs.set(reading.key, reading.text)
  }
  const preview: Preview = Object.fromEntries(pairs)
  if (problems.length === 0) problems.push(...senseless(preview))
  if (problems.length > 0) return { problem: told(value, problems) }
  return { preview, text: printPreview(preview) }
}

/** The one text of a preview: two that mean the same have the same. */
export function printPreview(preview: Preview): string {
  return KEYS.flatMap(key => (preview[key] === undefined ? [] : `${key}=${preview[key]}`)).join(' ')
}

function wordsOf(value: string): readonly string[] {
  return value
    .replace(/\s*=\s*/g, '=')
    .split(/[\s,]+/)
    .filter(word => word !== '')
}

type Pair = { readonly key: Key; readonly text: string } | { readonly problem: string }

function readPair(word: string): Pair {
  const equals = word.indexOf('=')
  if (equals < 0) return { problem: `${quote(word)} is not a pair${pairHint(word)}` }
  const name = word.slice(0, equals).toLowerCase()
  const text = word.slice(equals + 1)
  switch (name) {
    case 'host':
      return readHost(text)
    case 'path':
      return readPath(text)
    case 'class':
      return readClass(text)
  }
  const meant = suggest(name, KEYS)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  return { problem: `${quote(name)} is not one of: ${KEYS.join(', ')}${hint}` }
}

function pairHint(word: string): string {
  if (word.startsWith('/')) return ` (write path=${word})`
  const host = word.toLowerCase().replace(/^https?:\/\//, '')
  return isHost(host) && host.includes('.') ? ` (write host=${host})` : ` (${EXAMPLES})`
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LONGEST_SUBDOMAIN = 253

function isSubdomain(text: string): boolean {
  return text.length <= LONGEST_SUBDOMAIN && SUBDOMAIN.test(text)
}

/** Source: k8s.io/kubernetes pkg/apis/networking/validation ValidateIngressRules: RFC 1123, `*.` may go before it. */
function isHost(text: string): boolean {
  return text.length <= LONGEST_SUBDOMAIN && isSubdomain(text.replace(/^\*\./, '')) && !isAddress(text)
}

/** IPv4, or IPv6, which is the only thing with several colons. */
function isAddress(text: string): boolean {
  const isFour = /^\d+(\.\d+){3}$/.test(text) && text.split('.').every(part => Number(part) <= 255)
  return isFour || text.split(':').length > 2
}

/** Case does not count in names of hosts, and Kubernetes takes them in small letters only. */
function readHost(text: string): Pair {
  const host = text.toLowerCase()
  if (isHost(host)) return { key: 'host', text: host }
  const bare = host.replace(/^[a-z]+:\/\//, '').replace(/[:/].*$/, '')
  if (isAddress(host) || isAddress(bare)) {
    return { problem: `host ${quote(text)} is an IP address (an Ingress takes names only)` }
  }
  const hint = bare !== host && isHost(bare) ? `write host=${bare}` : 'such as canary.shop.example'
  return { problem: `host ${quote(text)} is not the name of a host (${hint})` }
}

/**
 * Source: k8s.io/kubernetes pkg/apis/networking/validation validateHTTPIngressPath, for paths of type Prefix.
 * What comes after `?` or `#` in an address is no part of a path.
 */
function readPath(path: string): Pair {
  if (!path.startsWith('/')) {
    const hint = path === '' ? 'such as /canary' : `write path=/${path}`
    return { problem: `path ${quote(path)} does not begin with / (${hint})` }
  }
  const forbidden = ['//', '/./', '/../', '%2f', '%2F'].find(part => path.includes(part))
  const end = ['/..', '/.'].find(part => path.endsWith(part))
  if (forbidden !== undefined) return { problem: `path ${quote(path)} must not contain ${forbidden}` }
  if (end !== undefined) return { problem: `path ${quote(path)} must not end with ${end}` }
  if (/[?#]/.test(path)) return { problem: `path ${quote(path)} must not contain ? or #` }
  return { key: 'path', text: path }
}

/** Source: k8s.io/kubernetes pkg/apis/networking/validation ValidateIngressClassName. */
function readClass(text: string): Pair {
  if (isSubdomain(text)) return { key: 'class', text }
  return { problem: `class ${quote(text)} is not the name of an IngressClass (such as nginx)` }
}

/** What can be read and means nothing, or the addresses of users. */
function senseless({ host, path }: Preview): readonly string[] {
  if (host === undefined && path === undefined) return [`neither a host nor a path is given (${EXAMPLES})`]
  if (host === undefined && path === '/') {
    return ['path / without a host is where the users of the app go (write path=/canary, or a host)']
  }
  return []
}

/** One is told by itself; of several, each on a line of its own. */
function told(value: string, problems: readonly string[]): string {
  if (problems.length === 1) return problems.join()
  return [`${quote(value, 80)}: ${problems.length} errors`, ...problems.map(problem => `  ${problem}`)].join(
    '\n',
  )
}
