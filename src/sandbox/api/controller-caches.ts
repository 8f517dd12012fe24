/**
 * Mends three faults of the caches that the simulation's controllers work from:
 * - A controller puts the answer of its own write into its cache even when a newer state of the object has
 *   arrived meanwhile, and works on the old one until it changes again: an applied template could go unnoticed
 *   for ever. Real informers never go back.
 * - Objects come from storage with the times of their conditions as text, where the controllers expect dates:
 *   the deployment controller then fails at every progress deadline, again and again.
 * - The deployment controller compares a status from storage with one that has a field more, which is undefined:
 *   it writes what is stored already, no change comes of that, and it never waits for the progress deadline.
 */
import { CanaryhookError } from '../../core/errors.ts'
import { at, isObject, listOf } from './json.ts'

interface KeyedStore {
  get(key: string): [item: unknown, exists: boolean]
  add(key: string, item: unknown): unknown
  update(key: string, item: unknown): unknown
}

const MODULE = './client-go/tools/cache/thread-safe-store.js'

let done = false

/**
 * Call once before a cluster is made; it counts for all clusters of this process.
 * @throws CanaryhookError SANDBOX_INTERNALS_MOVED when the library was changed
 */
export async function mendControllerCaches(): Promise<void> {
  if (done) return
  done = true
  const location = new URL(MODULE, import.meta.resolve('@ngrok/webernetes'))
  const store = ((await import(location.href)) as { newThreadSafeStore?: () => KeyedStore })
    .newThreadSafeStore
  const prototype = store && (Object.getPrototypeOf(store()) as KeyedStore)
  if (typeof prototype?.update !== 'function' || typeof prototype.add !== 'function') {
    throw new CanaryhookError(
      'SANDBOX_INTERNALS_MOVED',
      `@ngrok/webernetes has no cache at ${MODULE} any more: adapt ${import.meta.url}`,
    )
  }
  for (const method of ['add', 'update'] as const) {
    const original = prototype[method]
    prototype[method] = function (this: KeyedStore, key, item) {
      const [held, exists] = this.get(key)
      const isOld = exists && version(item) > 0 && version(item) < version(held)
      if (isOld) return undefined
      reviveConditionTimes(item)
      nameCollisionCount(item)
      return original.call(this, key, item)
    }
  }
}

/** 0 for what has no resource version: it is always taken. */
function version(item: unknown): number {
  return Number(at(item, 'metadata', 'resourceVersion') ?? 0)
}

function reviveConditionTimes(item: unknown): void {
  for (const condition of listOf(at(item, 'status', 'conditions'))) {
    if (!isObject(condition)) continue
    for (const field of ['lastTransitionTime', 'lastUpdateTime', 'lastProbeTime']) {
      const time = condition[field]
      if (typeof time === 'string') condition[field] = new Date(time)
    }
  }
}

function nameCollisionCount(item: unknown): void {
  const status = at(item, 'status')
  if (at(item, 'kind') !== 'Deployment' || !isObject(status)) return
  if (!Object.hasOwn(status, 'collisionCount')) status.collisionCount = undefined
}
