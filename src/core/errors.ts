/**
 * The one base class of errors that Canaryhook throws on purpose. `code` is stable and may be relied on by
 * callers and tests; `message` is for people and may change.
 */
export class CanaryhookError extends Error {
  readonly code: string

  /**
   * @param code stable, upper snake case, for example `CLUSTER_CONFLICT`
   * @param message what, where, what was expected, and what to do next
   */
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'CanaryhookError'
    this.code = code
  }
}

/** What was thrown, in words: a message as a rule, but anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
