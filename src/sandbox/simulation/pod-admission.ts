/** What the API server of a real cluster does to a pod before it stores it: a name, a uid, a status, the quota. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Cluster, V1Pod } from '@ngrok/webernetes'
import { guardClients } from './api-clients.ts'
import { type ResourceQuota, refusalOf } from './pod-quota.ts'

/** The ResourceQuotas of a namespace, as they are now. */
export type QuotasOf = (namespace: string) => readonly ResourceQuota[]

/** kubernetes/apimachinery/pkg/util/rand: no vowels, nothing that looks like another. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const NAME_SUFFIX_LENGTH = 5

/** 403 as the API server answers it; `message` is what controllers copy into conditions and Events. */
export class PodForbidden extends Error {
  override readonly name = 'Forbidden'
  readonly code = 403
  readonly body: object

  constructor(message: string) {
    super(message)
    this.body = {
      apiVersion: 'v1',
      kind: 'Status',
      status: 'Failure',
      message,
      reason: 'Forbidden',
      details: { kind: 'pods' },
      code: 403,
    }
  }

  /** Controllers put the error as it prints into their Events. */
  override toString(): string {
    return this.message
  }
}

/** Puts the admission in front of every client of this cluster, those of its controllers included. */
export function admitPods(cluster: Cluster, quotasOf: QuotasOf): void {
  const lanes = new Map<string, Promise<unknown>>()

  /** One create at a time per namespace that has a quota: two must not both take the last place. */
  const inTurn = <T>(namespace: string, work: () => Promise<T>): Promise<T> => {
    const turn = (lanes.get(namespace) ?? Promise.resolve()).then(work, work)
    lanes.set(namespace, turn)
    return turn
  }

  const guard = (api: Cluster['api']['corev1']) => {
    const create = api.createNamespacedPod.bind(api)
    api.createNamespacedPod = async request => {
      const { namespace } = request
      const body = prepared(request.body)
      const quotas = quotasOf(namespace)
      if (quotas.length === 0) return create({ ...request, body })
      return inTurn(namespace, async () => {
        const existing = (await cluster.api.corev1.listNamespacedPod({ namespace })).items
        const refusal = refusalOf(body.metadata?.name ?? '', quotas, existing)
        if (refusal !== undefined) throw new PodForbidden(refusal)
        return create({ ...request, body })
      })
    }
  }

  guardClients(cluster, { core: guard })
}

function prepared(pod: V1Pod): V1Pod {
  const { generateName, name, uid } = pod.metadata ?? {}
  const given = name ?? (generateName === undefined ? undefined : generateName + randomSuffix())
  return {
    ...pod,
    // What a client says about the status of a new pod counts for nothing.
    status: { phase: 'Pending' },
    metadata: {
      ...pod.metadata,
      uid: uid ?? randomUUID(),
      ...(given === undefined ? {} : { name: given }),
    },
  }
}

function randomSuffix(): string {
  return Array.from(
    { length: NAME_SUFFIX_LENGTH },
    () => NAME_ALPHABET[randomInt(NAME_ALPHABET.length)],
  ).join('')
}
