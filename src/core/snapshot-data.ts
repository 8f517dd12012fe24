import type { ReplicaSet } from './kubernetes.ts'

/** What Go's encoding/json writes as an escape and JavaScript does not. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/g

/**
 * The data of a snapshot: the ReplicaSets as JSON in one string. A ControllerRevision's data may not change, by a
 * byte (ValidateControllerRevisionUpdate in k8s.io/kubernetes pkg/apis/apps/validation), and a strategic merge
 * patch writes them anew in Go's way: keys sorted, some characters escaped. The garbage collector sends such a
 * patch when the app is deleted and its objects are to stay, and would try for ever. One key and plain characters
 * are the same in both ways of writing.
 */
export function printSets(sets: readonly ReplicaSet[]): Readonly<Record<string, string>> {
  const text = JSON.stringify(sets).replace(
    ESCAPED_BY_GO,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return { replicaSets: text }
}

/** The ReplicaSets that the data of a snapshot hold; none when they are not what we write. */
export function readSets(data: unknown): readonly ReplicaSet[] {
  if (typeof data !== 'object' || data === null || !('replicaSets' in data)) return []
  const { replicaSets } = data
  if (typeof replicaSets !== 'string') return []
  // The caches keep an object as long as it does not change: its text is read once.
  const known = read.get(data)
  if (known) return known
  const sets = parse(replicaSets)
  read.set(data, sets)
  return sets
}

const read = new WeakMap<object, readonly ReplicaSet[]>()

function parse(text: string): readonly ReplicaSet[] {
  try {
    const sets: unknown = JSON.parse(text)
    return Array.isArray(sets) ? (sets as ReplicaSet[]) : []
  } catch {
    return []
  }
}
