/** A certificate authority of our own and the serving certificates that it signs. PEM in, PEM out. */
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'
import { CanaryhookError } from '../core/errors.ts'
import type { KeyPair } from '../core/key-pair.ts'

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly days: number
}

export const DAY = 24 * 60 * 60 * 1000
/** Clocks of two machines may differ by this: certificates begin so long before they are made. */
export const SKEW = DAY
/** GeneralName types of RFC 5280, 4.2.1.6. */
const DNS_NAME = 2
const IP_ADDRESS = 7

/** Makes a certificate authority that may sign leaves and nothing else. */
export function createAuthority(commonName: string, validity: Validity): KeyPair {
  const { publicKey, privateKey } = createKeys()
  const certificate = blankCertificate(commonName, publicKey, validity)
  certificate.setIssuer(certificate.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ])
  return sign(certificate, privateKey, privateKey)
}

/**
 * Makes a serving certificate.
 * @param names DNS names and IP addresses that clients may use; at least one
 * @param validity cut where the authority's own ends
 * @throws CanaryhookError CERTS_INVALID without a name, or when the authority is over
 */
export function issueLeaf(authority: KeyPair, names: readonly string[], validity: Validity): KeyPair {
  const [first] = names
  if (first === undefined) throw new CanaryhookError('CERTS_INVALID', 'a certificate needs at least one name')
  const issuer = forge.pki.certificateFromPem(authority.cert)
  const end = issuer.validity.notAfter.getTime()
  if (end <= validity.now) {
    const ended = issuer.validity.notAfter.toISOString()
    throw new CanaryhookError('CERTS_INVALID', `the authority ended at ${ended}: make a new one`)
  }

  const { publicKey, privateKey } = createKeys()
  const certificate = blankCertificate(first, publicKey, validity)
  if (certificate.validity.notAfter.getTime() > end) certificate.validity.notAfter = new Date(end)
  certificate.setIssuer(issuer.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map(altName) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
  ])
  return sign(certificate, privateKey, authority.key)
}

/** When a certificate (the first of a PEM text) ends, in milliseconds since the epoch. */
export function endOf(cert: string): number {
  return new X509Certificate(cert).validToDate.getTime()
}

/** RSA 2048: what every client of a webhook understands. node:crypto is 50 times faster than forge here. */
function createKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

function blankCertificate(
  commonName: string,
  publicKey: string,
  { now, days }: Validity,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = serialNumber()
  certificate.validity.notBefore = new Date(now - SKEW)
  certificate.validity.notAfter = new Date(now + days * DAY)
  certificate.setSubject([
    // A common name has at most 64 characters (RFC 5280, ub-common-name); clients read the SANs.
    { name: 'commonName', value: commonName.slice(0, 64) },
    { name: 'organizationName', value: 'Canaryhook' },
  ])
  return certificate
}

/** Positive, at most 20 bytes and never the same twice (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

function altName(name: string): { type: number; value?: string; ip?: string } {
  return isIP(name) ? { type: IP_ADDRESS, ip: name } : { type: DNS_NAME, value: name }
}

function sign(certificate: forge.pki.Certificate, key: string, signingKey: string): KeyPair {
  certificate.sign(forge.pki.privateKeyFromPem(signingKey), forge.md.sha256.create())
  // forge writes CRLF; files are easier to compare and to read without.
  const cert = forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n')
  return { cert, key }
}
