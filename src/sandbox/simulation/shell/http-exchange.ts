/** What curl and wget share: one request with a time limit, and why it failed. */
import type { HttpAnswer, HttpQuestion, Machine } from './machine.ts'

export type Exchange =
  | { readonly answer: HttpAnswer; readonly failure?: undefined }
  | { readonly answer?: undefined; readonly failure: 'lookup' | 'refused' | 'timeout' | 'broken' }

/** Adds the scheme that people leave out. */
export function toUrl(text: string): string {
  return /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`
}

export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url
}

export function portOf(url: string): string {
  return (URL.canParse(url) && new URL(url).port) || '80'
}

/**
 * @param limit milliseconds
 * @throws what the machine's sleep throws when its container is stopped
 */
export async function exchange(
  machine: Machine,
  url: string,
  question: HttpQuestion,
  limit: number | undefined,
): Promise<Exchange> {
  const request = machine.fetch(url, question).then(
    (answer): Exchange => ({ answer }),
    (error: unknown): Exchange => ({ failure: failureOf(error) }),
  )
  if (limit === undefined) return request
  const late = machine.sleep(limit).then((): Exchange => ({ failure: 'timeout' }))
  // When the answer comes first nobody waits for the time limit, whose end must then not be an unhandled one.
  late.catch(() => undefined)
  return Promise.race([request, late])
}

function failureOf(error: unknown): 'lookup' | 'refused' | 'broken' {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOTFOUND') return 'lookup'
  return code === 'ECONNREFUSED' ? 'refused' : 'broken'
}
