/** From texts to what can be decided on: which certificates there are, and what is wrong with the rest. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type KeyPair, pairProblem } from '../core/key-pair.ts'
import { SKEW } from './certificates.ts'
import type { Content } from './content.ts'
import type { Certificate, Facts } from './rotation.ts'

export interface Found {
  /** What the Secret holds; undefined when there is none. */
  readonly content: Content | undefined
  /** The caBundle of each webhook in the registration, PEM; undefined when there is no registration. */
  readonly bundles: readonly string[] | undefined
  /** Since how many milliseconds a certificate (PEM) has been seen in all of them. */
  readonly age: (pem: string) => number
  /** What the leaf must be valid for: DNS names and IP addresses. */
  readonly names: readonly string[]
  /** The latest time that the API server wrote on one of the objects, in milliseconds since the epoch. */
  readonly written: number
}

export interface Judged {
  readonly facts: Facts
  /** What is damaged, or not for us, in the Secret: it counts as missing. */
  readonly problems: readonly string[]
}

/** Never throws. The ids of certificates are their PEM, always in the same form. */
export function factsOf({ content, bundles, age, names, written }: Found): Judged {
  const authority = judgeAuthority(content?.authority, 'ca')
  const next = judgeAuthority(content?.next, 'next-ca')
  const signers = [authority, next].flatMap(({ cert }) => cert ?? [])
  const leaf = judgeLeaf(content?.leaf, signers, names)
  const registered = bundles && allOf(bundles).map(cert => ({ ...cert, age: ageIn(bundles, cert.id, age) }))
  return {
    facts: {
      ...(authority.cert && { authority: describe(authority.cert) }),
      ...(next.cert && { next: describe(next.cert) }),
      ...(leaf.cert && {
        leaf: { ...describe(leaf.cert), issuer: issuerOf(leaf.cert, signers)?.toString() ?? '' },
      }),
      bundle: allOf([content?.bundle ?? '']),
      ...(registered && { registered }),
      written,
    },
    problems: [authority, next, leaf].flatMap(({ problem }) => problem || []),
  }
}

/**
 * Why what the Secret says the webhook should serve is not to be served; '' when it is. One that no authority of
 * the same Secret signed is trusted by nobody.
 */
export function servingProblem({ leaf, bundle }: Content): string {
  const problem = pairProblem(leaf, 'tls')
  if (problem) return problem
  const issuer = issuerOf(new X509Certificate(leaf.cert), certificatesIn(bundle))
  return issuer ? '' : 'tls.crt is signed by no authority in ca-bundle.crt'
}

/** Every certificate in a text, leniently: what is not one is passed over. */
export function certificatesIn(text: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap(block => {
    try {
      return new X509Certificate(block)
    } catch {
      return []
    }
  })
}

interface Verdict {
  /** Only when it is sound. */
  readonly cert?: X509Certificate
  /** '' also for what is not there at all. */
  readonly problem: string
}

function judgeAuthority(pair: KeyPair | undefined, name: string): Verdict {
  if (!pair || (pair.cert === '' && pair.key === '')) return { problem: '' }
  const problem = pairProblem(pair, name)
  if (problem) return { problem }
  const cert = new X509Certificate(pair.cert)
  if (!cert.ca) return { problem: `${name}.crt is not an authority: it may not sign others` }
  const type = createPrivateKey(pair.key).asymmetricKeyType
  return type === 'rsa' ? { cert, problem: '' } : { problem: `${name}.key is of type ${type}, expected rsa` }
}

function judgeLeaf(
  pair: KeyPair | undefined,
  signers: readonly X509Certificate[],
  names: readonly string[],
): Verdict {
  if (!pair || (pair.cert === '' && pair.key === '')) return { problem: '' }
  const problem = pairProblem(pair, 'tls')
  if (problem) return { problem }
  const cert = new X509Certificate(pair.cert)
  const missing = names.filter(name => !(isIP(name) ? cert.checkIP(name) : cert.checkHost(name)))
  if (missing.length > 0) return { problem: `tls.crt is not for ${missing.join(', ')}` }
  // Without any authority it is the authority that is missing, not the leaf that is wrong.
  if (signers.length > 0 && !issuerOf(cert, signers)) {
    return { cert, problem: 'tls.crt is not signed by the authority in ca.crt' }
  }
  return { cert, problem: '' }
}

function issuerOf(cert: X509Certificate, signers: readonly X509Certificate[]): X509Certificate | undefined {
  return signers.find(signer => cert.checkIssued(signer) && cert.verify(signer.publicKey))
}

function allOf(bundles: readonly string[]): readonly Certificate[] {
  const all = bundles.flatMap(certificatesIn).map(describe)
  return [...new Map(all.map(cert => [cert.id, cert])).values()]
}

/** -1 when it is missing somewhere. */
function ageIn(bundles: readonly string[], id: string, age: (pem: string) => number): number {
  return bundles.every(bundle => allOf([bundle]).some(cert => cert.id === id)) ? age(id) : -1
}

function describe(cert: X509Certificate): Certificate {
  const made = cert.validFromDate.getTime() + SKEW
  return { id: cert.toString(), made, end: cert.validToDate.getTime() }
}
