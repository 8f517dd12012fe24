import { STATE } from '../annotations.ts'

/** How many pods the user wants, as a state that we cannot read says it; undefined where it does not. */
export function totalOf(annotations: Readonly<Record<string, string>> | undefined): number | undefined {
  try {
    const json: unknown = JSON.parse(annotations?.[STATE] ?? '')
    if (typeof json !== 'object' || json === null || !('total' in json)) return undefined
    const { total } = json
    return typeof total === 'number' && Number.isInteger(total) && total >= 0 ? total : undefined
  } catch {
    return undefined
  }
}
