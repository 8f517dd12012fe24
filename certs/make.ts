/**
 * Makes development certificates: `npx node certs/make.ts [directory] [name or address ...]`
 * writes ca.crt, tls.crt and tls.key. Never for a cluster that matters: the authority's key is thrown away.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueLeaf } from '../src/certs/certificates.ts'

const [directory = import.meta.dirname, ...given] = process.argv.slice(2)
const names =
  given.length > 0 ? given : ['localhost', '127.0.0.1', '::1', 'canaryhook-webhook.canaryhook.svc']
const validity = { now: Date.now(), days: 365 }
const authority = createAuthority('canaryhook development', validity)
const leaf = issueLeaf(authority, names, validity)

await mkdir(directory, { recursive: true })
await writeFile(join(directory, 'ca.crt'), authority.cert)
await writeFile(join(directory, 'tls.crt'), leaf.cert)
await writeFile(join(directory, 'tls.key'), leaf.key, { mode: 0o600 })
process.stdout.write(`ca.crt, tls.crt and tls.key for ${names.join(', ')} are in ${directory}\n`)
