import { createPrivateKey, X509Certificate } from 'node:crypto'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  /** The certificate itself first, then what leads to its authority. */
  readonly cert: string
  readonly key: string
}

/**
 * What is wrong with a pair; '' when they are PEM and belong together.
 * @param name of the two in a Secret or a directory: `tls` for tls.crt and tls.key
 */
export function pairProblem({ cert, key }: KeyPair, name: string): string {
  const missing = [!cert && `${name}.crt`, !key && `${name}.key`].filter(text => text !== false)
  if (missing.length > 0) return `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`
  try {
    const certificate = new X509Certificate(cert)
    if (certificate.checkPrivateKey(createPrivateKey(key))) return ''
    return `${name}.key is not the key of ${name}.crt`
  } catch (error) {
    return `${name}.crt or ${name}.key is not PEM: ${(error as Error).message}`
  }
}
