/**
 * Parts of webernetes that it keeps to itself and that the simulation must set. They are reached by name, and
 * a name that is not there any more is an error at start, not a setting that silently does nothing.
 */
import { CanaryhookError } from '../../core/errors.ts'

/** @throws CanaryhookError SANDBOX_INTERNALS_MOVED */
export function innerObject(owner: object, name: string): object {
  const value: unknown = Reflect.get(owner, name)
  if (typeof value !== 'object' || value === null) throw moved(name)
  return value
}

/** @throws CanaryhookError SANDBOX_INTERNALS_MOVED */
export function replaceNumber(owner: object, name: string, value: number): void {
  if (typeof Reflect.get(owner, name) !== 'number') throw moved(name)
  Reflect.set(owner, name, value)
}

/** @throws CanaryhookError SANDBOX_INTERNALS_MOVED */
export function replaceMethod(owner: object, name: string, method: (...args: never[]) => unknown): void {
  if (typeof Reflect.get(owner, name) !== 'function') throw moved(name)
  Reflect.set(owner, name, method)
}

function moved(name: string): CanaryhookError {
  return new CanaryhookError(
    'SANDBOX_INTERNALS_MOVED',
    `the simulated cluster has no "${name}" any more: @ngrok/webernetes changed; adapt the callers in src/sandbox/simulation`,
  )
}
