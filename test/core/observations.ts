/** What decisions see, made of a few words: v1 serves, v2 is stored. */
import type { CanarySeen, Observation, SetSeen, SnapshotSeen } from '../../src/core/observe.ts'
import type { SiblingSeen } from '../../src/core/siblings.ts'
import { release, replicaSet } from './shop.ts'

/** A paused Deployment with v2 stored, 10 pods of v1 that serve and are in the snapshot, and no canary yet. */
export function seen(fields: Partial<Observation> = {}): Observation {
  const replicas = fields.replicas ?? 10
  const sets = fields.sets ?? [setSeen('v1', replicas)]
  return {
    namespace: 'default',
    name: 'shop',
    settled: true,
    paused: true,
    replicas,
    strategy: undefined,
    autoscaler: undefined,
    template: release('v2'),
    sets,
    available: sets.reduce((sum, { available }) => sum + available, 0),
    snapshot: snapshotSeen('v1'),
    canary: undefined,
    stranger: undefined,
    baseline: undefined,
    baselineStranger: undefined,
    pods: [],
    leaving: 0,
    tests: [],
    leak: undefined,
    rolledOut: false,
    stalled: undefined,
    stableFailure: undefined,
    referencesChanged: false,
    conditions: [],
    refused: undefined,
    ...fields,
  }
}

export function setSeen(version: string, desired: number, available = desired): SetSeen {
  return {
    name: `shop-${version}`,
    uid: `shop-${version}-uid`,
    hash: release(version),
    desired,
    existing: desired,
    available,
    settled: true,
  }
}

export function snapshotSeen(...versions: readonly string[]): SnapshotSeen {
  return {
    name: 'shop-stable',
    sets: versions.map(version => replicaSet(version, 5)),
    hashes: versions.map(release),
  }
}

/** One canary pod that is tested alone: its containers are ready, and it is not. */
export function isolatedCanary(running = 1): CanarySeen {
  return canarySeen(1, 0, { isolated: true, running })
}

export function baselineSeen(
  desired: number,
  available = desired,
  fields: Partial<SiblingSeen> = {},
): SiblingSeen {
  return {
    desired,
    existing: desired,
    available,
    release: release('v1'),
    isolated: false,
    orphan: false,
    deleting: false,
    failure: undefined,
    ...fields,
  }
}

export function canarySeen(
  desired: number,
  available = desired,
  fields: Partial<CanarySeen> = {},
): CanarySeen {
  return {
    desired,
    existing: desired,
    available,
    release: release('v2'),
    isolated: false,
    running: available,
    orphan: false,
    deleting: false,
    failure: undefined,
    ...fields,
  }
}
