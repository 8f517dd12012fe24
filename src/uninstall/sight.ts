/** What there is of Canaryhook in the cluster: its watches, and the way from their objects to a Deployment. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster, ObjectRef, Resource, Watching } from '../cluster/port.ts'
import {
  controllerRevisions,
  deployments,
  ingresses,
  jobs,
  replicaSets,
  services,
} from '../cluster/resources.ts'
import { slimReplicaSet, withoutBallast } from '../controller/slim.ts'
import type { KeptDeployment, KeptReplicaSet } from '../core/kept.ts'
import type { KubernetesObject } from '../core/kubernetes.ts'
import { nameHash, OF_LABEL, TRACK_LABEL } from '../core/names.ts'
import { controllerOf } from '../core/owner-reference.ts'
import type { Found } from '../core/uninstall/next-step.ts'
import { isOurConcern } from '../core/uninstall/traces.ts'
import { slimDeployment } from './slim.ts'

/** An object of ours that stands beside a Deployment. */
export interface Leftover {
  readonly resource: Resource<KubernetesObject>
  readonly ref: ObjectRef
  readonly uid: string
  /** A canary or a baseline: it has pods that may serve. */
  readonly hasPods: boolean
}

export interface Sight {
  readonly synced: Promise<void>
  /** The users' Deployments that are our concern. */
  list(): readonly KeptDeployment[]
  /** Everything about one of them. */
  of(deployment: KeptDeployment): Found
  leftoversOf(deployment: KeptDeployment): readonly Leftover[]
  /** What is left of Deployments that are gone or no longer our concern. */
  orphans(): readonly Leftover[]
  /** The answer to a write of ours. */
  absorb(deployment: KeptDeployment): void
  forget(leftover: Leftover): void
  stop(): void
}

/** What a person reads when the first lists do not come. */
export const NOT_LISTED =
  '✖ The API server did not list everything in time. May this account list Deployments, ReplicaSets and the rest?'

/** Whether work is over within so many milliseconds. */
export async function isIn(work: Promise<unknown>, limit: number): Promise<boolean> {
  return Promise.race([work.then(() => true), sleep(limit, false, { ref: false })])
}

/** What stands beside a Deployment has our label; what makes of it pods is only a Deployment's. */
const BESIDE = [services, ingresses, jobs] as readonly Resource<KubernetesObject>[]

/**
 * @param isMeant which namespaces count
 * @param onChange called for every change that may matter
 */
export function openSight(
  cluster: Cluster,
  isMeant: (namespace: string) => boolean,
  onChange: () => void,
): Sight {
  const users = cluster.watch<KeptDeployment>(
    deployments,
    {
      keep: object => isInNamespace(object, isMeant) && !isSibling(object) && isOurConcern(object),
      slim: slimDeployment,
    },
    onChange,
  )
  const siblings = cluster.watch<KeptDeployment>(
    deployments,
    {
      labelSelector: OF_LABEL,
      keep: object => isInNamespace(object, isMeant) && isSibling(object) && isOfDeployment(object),
      slim: withoutBallast,
    },
    onChange,
  )
  const sets = cluster.watch<KeptReplicaSet>(
    replicaSets,
    { keep: object => isInNamespace(object, isMeant), slim: slimReplicaSet, packed: true },
    onChange,
  )
  const watchBeside = <T extends KubernetesObject>(resource: Resource<T>) => ({
    resource: resource as Resource<KubernetesObject>,
    watching: cluster.watch<T>(
      resource,
      {
        labelSelector: OF_LABEL,
        keep: object => isInNamespace(object, isMeant) && hasTrack(object) && isOfDeployment(object),
        slim: withoutBallast,
      },
      onChange,
    ),
  })
  const records = watchBeside(controllerRevisions)
  const beside = [records, ...BESIDE.map(watchBeside)]
  const all = [users, siblings, sets, ...beside.map(({ watching }) => watching)]

  const leftovers = (): readonly (Leftover & { readonly release: string })[] => [
    ...siblings.list().map(object => leftover(deployments as Resource<KubernetesObject>, object, true)),
    ...beside.flatMap(({ resource, watching }) =>
      watching.list().map(object => leftover(resource, object, false)),
    ),
  ]
  const watchingOf = ({ resource, hasPods }: Leftover): Pick<Watching<never>, 'forget'> | undefined =>
    hasPods ? siblings : beside.find(other => other.resource === resource)?.watching
  return {
    synced: Promise.all(all.map(({ synced }) => synced)).then(() => undefined),
    list: () => users.list(),
    of(deployment) {
      const release = releaseOf(deployment)
      const own = leftovers().filter(one => one.release === release)
      return {
        deployment,
        // Unpacked when somebody looks at them: most Deployments are at rest, and nobody does.
        get sets() {
          return sets.ownedBy(deployment.metadata.uid ?? '')
        },
        snapshots: records.watching.list().filter(object => labelledRelease(object) === release),
        hasSibling: own.some(({ hasPods }) => hasPods),
        hasLeftovers: own.some(({ hasPods }) => !hasPods),
      }
    },
    leftoversOf: deployment => leftovers().filter(({ release }) => release === releaseOf(deployment)),
    orphans() {
      const known = new Set(users.list().map(releaseOf))
      return leftovers().filter(({ release }) => !known.has(release))
    },
    absorb: deployment => users.absorb(deployment),
    forget: one => watchingOf(one)?.forget(one.ref),
    stop() {
      for (const watching of all) watching.stop()
    },
  }
}

function leftover(resource: Resource<KubernetesObject>, object: KubernetesObject, hasPods: boolean) {
  const { namespace = 'default', name, uid = '' } = object.metadata
  return { resource, ref: { namespace, name }, uid, hasPods, release: labelledRelease(object) }
}

/** `namespace/hash of the Deployment's name`, as our label has it. */
function labelledRelease({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? 'default'}/${metadata.labels?.[OF_LABEL] ?? ''}`
}

function releaseOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? 'default'}/${nameHash(metadata.name)}`
}

function isInNamespace({ metadata }: KubernetesObject, isMeant: (namespace: string) => boolean): boolean {
  return isMeant(metadata.namespace ?? 'default')
}

function hasTrack({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[TRACK_LABEL] !== undefined
}

function isSibling({ metadata }: KubernetesObject): boolean {
  const track = metadata.labels?.[TRACK_LABEL]
  return track === 'canary' || track === 'baseline'
}

/** A Deployment's, or nobody's: what belongs to somebody else and was given our labels is not ours. */
function isOfDeployment(object: KubernetesObject): boolean {
  const owner = controllerOf(object)
  return owner === undefined || owner.kind === 'Deployment'
}
