/** Where the controller's tests begin: a release asked for, and one whose canary serves. */
import type { State } from '../../src/core/state.ts'
import { at, canary, canarySet, held, pod, replicaSet, snapshot } from '../core/shop.ts'
import { Scene } from './scene.ts'

export const v1 = replicaSet('v1', 10)
export const snapshotName = snapshot(v1).metadata.name
export const plan = '30% for 5m, 50%'

/** v2 was just applied: the webhook paused it. */
export const asked = (): Scene =>
  new Scene({ deployments: [held({ phase: 'Pending', release: '', plan })], replicaSets: [v1] })

/** The canary's first weight stands since a minute. */
export function holding(fields: Partial<State> = {}): Scene {
  const conditions = [
    { type: 'Reconciling', status: 'True', reason: 'Progressing', message: 'step 1 of 2: canary 30% for 5m' },
  ] as const
  return new Scene({
    deployments: [
      held({ plan, stable: 7, reached: at(-60), ...fields }, { status: { conditions } }),
      canary(3),
    ],
    replicaSets: [replicaSet('v1', 7), canarySet(3)],
    snapshots: [snapshot(v1)],
    pods: [1, 2, 3].map(number => pod(`shop-canary-${number}`)),
  })
}
