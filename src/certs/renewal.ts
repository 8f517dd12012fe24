/** What a move makes of the content of the Secret: new keys and certificates. */
import { X509Certificate } from 'node:crypto'
import type { KeyPair } from '../core/key-pair.ts'
import { createAuthority, DAY, issueLeaf } from './certificates.ts'
import { type Content, MISSING } from './content.ts'
import type { Facts, Lives, Plan } from './rotation.ts'

export interface RenewalOptions {
  /** DNS names and IP addresses that the leaf is valid for; at least one. */
  readonly names: readonly string[]
  readonly lives: Lives
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * The content after a move. Of what was found damaged nothing is left in it.
 * @param facts on which the plan was made, for which the ids of certificates are their PEM
 */
export function renewed(
  { move, trusted }: Plan,
  content: Content,
  facts: Facts,
  { names, lives, now }: RenewalOptions,
): Content {
  const authority = () => {
    const name = `canaryhook webhook ${new Date(now).toISOString()}`
    return createAuthority(name, { now, days: lives.authority / DAY })
  }
  const leafFrom = (signer: KeyPair) => issueLeaf(signer, names, { now, days: lives.leaf / DAY })
  const kept: Content = {
    authority: facts.authority ? content.authority : MISSING,
    next: facts.next ? content.next : MISSING,
    leaf: facts.leaf ? content.leaf : MISSING,
    bundle: trusted.join(''),
  }
  switch (move.type) {
    case 'begin': {
      const first = authority()
      return { ...kept, authority: first, leaf: leafFrom(first), bundle: bundleOf(first, trusted) }
    }
    case 'prepare': {
      const next = authority()
      return { ...kept, next, bundle: bundleOf(next, trusted) }
    }
    case 'switch':
      return { ...kept, authority: kept.next, next: MISSING, leaf: leafFrom(kept.next) }
    case 'renew':
      return { ...kept, leaf: leafFrom(kept.authority) }
    case 'trust':
      return kept
    case 'register':
    case 'wait':
      return content
  }
}

function bundleOf(first: KeyPair, others: readonly string[]): string {
  return [new X509Certificate(first.cert).toString(), ...others].join('')
}
