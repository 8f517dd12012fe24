/** The API server's audit log: who asked for what, and what authorization said to it. */
import { readFile } from 'node:fs/promises'

/** A request that was answered; of a watch, that it began. */
export interface Audited {
  readonly user: string
  readonly verb: string
  readonly group: string
  /** With its subresource: `deployments/scale`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly status: number
  /** `forbid`: a permission is missing. A quota or an admission plugin refuses what authorization allowed. */
  readonly decision: 'allow' | 'forbid' | ''
}

interface Entry {
  readonly stage: string
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly annotations?: Readonly<Record<string, string>>
}

/** The requests of one user, oldest first; those that are not about an object of the API are left out. */
export async function requestsOf(user: string, file: string): Promise<readonly Audited[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  // The last one may be half written.
  lines.pop()
  return lines
    .flatMap(line => readEntry(JSON.parse(line) as Entry) ?? [])
    .filter(request => request.user === user)
}

function readEntry({
  stage,
  verb,
  user,
  objectRef,
  responseStatus,
  annotations,
}: Entry): Audited | undefined {
  // A watch is told of twice: when it begins and when it ends. One that is refused only ends.
  const status = responseStatus?.code ?? 0
  const told = verb === 'watch' && status < 400 ? 'ResponseStarted' : 'ResponseComplete'
  if (stage !== told || !objectRef?.resource) return undefined
  const { resource, subresource } = objectRef
  const decision = annotations?.['authorization.k8s.io/decision']
  return {
    user: user.username,
    verb,
    group: objectRef.apiGroup ?? '',
    resource: subresource ? `${resource}/${subresource}` : resource,
    namespace: objectRef.namespace ?? '',
    name: objectRef.name ?? '',
    status,
    decision: decision === 'allow' || decision === 'forbid' ? decision : '',
  }
}
