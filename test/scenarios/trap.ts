/** Kills a controller at chosen writes: just before the API server gets them, or just after it did them. */
import { type CrashPoint, isWrite, type Trap } from './environment.ts'
import type { Gate, Interception } from './gate.ts'

/**
 * Holds the controller at each of the points, app by app, until it has come to all of them, and kills it
 * there. An app that is held knows no difference to a controller that was killed at once: its next write comes
 * from a new process, and the cluster went on meanwhile.
 *
 * @param kill SIGKILL; resolves when the process is gone
 */
export function setTrap(gate: Gate, kill: () => Promise<void>, points: readonly CrashPoint[]): Trap {
  const writes = new Map<string, number>()
  const open = new Map<CrashPoint, PromiseWithResolvers<void>>()
  for (const point of points) {
    open.set(point, Promise.withResolvers<void>())
    const before = gate.requests.filter(request => isWrite(request, point.namespace))
    writes.set(point.namespace, before.length)
  }
  const reached = new Map([...open].map(([point, { promise }]) => [point, promise]))
  const dead = Promise.withResolvers<void>()
  // Who does not wait for it learns of a failure from `disarm`.
  dead.promise.catch(() => {})
  let sprung: Promise<void> | undefined

  const spring = () => {
    release()
    sprung ??= kill()
    sprung.then(dead.resolve, dead.reject)
    return dead.promise
  }
  const release = gate.intercept((asked): Interception | undefined => {
    const count = writes.get(asked.namespace)
    if (count === undefined || !isWrite(asked, asked.namespace)) return undefined
    writes.set(asked.namespace, count + 1)
    const point = points.find(({ namespace, write }) => namespace === asked.namespace && write === count + 1)
    if (!point) return undefined
    return {
      when: point.when,
      async meanwhile() {
        open.get(point)?.resolve()
        open.delete(point)
        if (open.size === 0) spring()
        await dead.promise
      },
    }
  })

  return {
    dead: dead.promise,
    comesTo: point => reached.get(point) ?? Promise.reject(new Error('not a point of this trap')),
    async disarm() {
      release()
      if (open.size === points.length && !sprung) return false
      await spring()
      return true
    },
  }
}
