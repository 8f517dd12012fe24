/** What the Secret with the certificates holds: texts in, texts out. */
import type { KeyPair } from '../core/key-pair.ts'

/** '' where something is missing. */
export interface Content {
  readonly authority: KeyPair
  /** It signs nothing until it is trusted everywhere. */
  readonly next: KeyPair
  /** What the webhook serves. */
  readonly leaf: KeyPair
  /** Every authority that is to be trusted, PEM, newest first. */
  readonly bundle: string
}

/** The data of a Secret: base64 by key. */
export type SecretData = Readonly<Record<string, string>>

export const MISSING: KeyPair = { cert: '', key: '' }
export const EMPTY: Content = { authority: MISSING, next: MISSING, leaf: MISSING, bundle: '' }

/** Never throws: what is not base64 comes out as nonsense, and is found out later. */
export function readContent(data: SecretData = {}): Content {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8')
  const pair = (name: string): KeyPair => ({ cert: text(`${name}.crt`), key: text(`${name}.key`) })
  return { authority: pair('ca'), next: pair('next-ca'), leaf: pair('tls'), bundle: text('ca-bundle.crt') }
}

/** The data of a Secret with this content. */
export function printContent({ authority, next, leaf, bundle }: Content): SecretData {
  const texts = {
    'ca.crt': authority.cert,
    'ca.key': authority.key,
    'next-ca.crt': next.cert,
    'next-ca.key': next.key,
    'tls.crt': leaf.cert,
    'tls.key': leaf.key,
    'ca-bundle.crt': bundle,
  }
  const present = Object.entries(texts).filter(([, text]) => text !== '')
  return Object.fromEntries(present.map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
}

/** What a merge patch says to get from one content to another: keys that are not ours stay as they are. */
export function contentPatch(before: Content, after: Content): Readonly<Record<string, string | null>> {
  const [old, wanted] = [printContent(before), printContent(after)]
  const gone = Object.keys(old).filter(key => !(key in wanted))
  const changed = Object.entries(wanted).filter(([key, text]) => old[key] !== text)
  return Object.fromEntries([...gone.map(key => [key, null]), ...changed])
}
